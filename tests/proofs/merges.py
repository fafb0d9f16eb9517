"""Three-way merges, drawn: plain trees that two sides change, and what their merge has to be, told in the simplest way."""

from __future__ import annotations

import copy
from collections.abc import Callable
from random import Random
from typing import Any, Final

GONE: Final = object()
NAMES: Final = ("alpha", "beta", "gamma", "delta", "open_unencrypted", "data", "with space", "ünï", "z-9", "Q")
_TEXTS: Final = (
    "",
    "x",
    "two words",
    "multi\nline\n",
    "# no comment",
    "ENC[no",
    "é漢🔑",
    "true",
    "0123",
    "'",
    '"',
    " lead",
)


def scalar(draw: Random) -> Any:
    """Draw a leaf; floats that are whole are left out, as sops writes them as integers."""
    kinds: tuple[Callable[[], Any], ...] = (
        lambda: f"{draw.choice(_TEXTS)}{draw.randrange(1000)}",
        lambda: draw.choice(_TEXTS),
        lambda: draw.randrange(-9999, 9999),
        lambda: draw.randrange(99) + 0.5,
        lambda: draw.random() < 0.5,
        lambda: None,
    )
    return draw.choice(kinds)()


def node(draw: Random, depth: int) -> Any:
    """Draw a value: mostly a leaf, else a mapping, a list of leaves, or a list of items with names."""
    roll = draw.random()
    if depth > 2 or roll < 0.55:
        return scalar(draw)
    if roll < 0.75:
        return mapping(draw, depth + 1)
    if roll < 0.88:
        return [scalar(draw) for _ in range(draw.randrange(4))]
    names = draw.sample(NAMES, draw.randrange(1, 4))
    return [{"name": name, "v": scalar(draw), **({"w": scalar(draw)} if draw.random() < 0.5 else {})} for name in names]


def mapping(draw: Random, depth: int = 0) -> dict[str, Any]:
    """Draw a mapping."""
    return {name: node(draw, depth) for name in draw.sample(NAMES, draw.randrange(1, 6))}


def flat(draw: Random) -> dict[str, Any]:
    """Draw the keys of a dotenv file or of a section."""
    return {f"K{n}": f"v{draw.randrange(1000)}" for n in draw.sample(range(12), draw.randrange(1, 8))}


def changed(draw: Random, value: Any, *, nested: bool = True) -> Any:
    """Return a value with some changes: leaves changed, keys removed and added, lists appended to, shortened, changed."""
    new = copy.deepcopy(value)
    for _ in range(draw.randrange(1, 4)):
        _change(draw, new, nested=nested)
    return new


def _change(draw: Random, root: Any, *, nested: bool) -> None:
    container = draw.choice([*_containers(root)])
    if isinstance(container, list):
        _change_list(draw, container)
        return
    fresh: Callable[[], Any] = (lambda: node(draw, 2)) if nested else lambda: f"n{draw.randrange(1000)}"
    keys, roll = [key for key in container if key != "name"], draw.random()
    if roll < 0.6 and keys:
        container[draw.choice(keys)] = fresh()
    elif roll < 0.75 and len(keys) > 1:
        del container[draw.choice(keys)]
    else:
        items, at = [*container.items()], draw.randrange(len(container) + 1)
        new = f"N{draw.randrange(50)}"
        container.clear()
        container.update([*items[:at], (new, fresh()), *items[at:]])


def _change_list(draw: Random, items: list[Any]) -> None:
    roll = draw.random()
    named = bool(items) and all(isinstance(item, dict) for item in items)
    new: Any = {"name": f"n{draw.randrange(50)}", "v": 1} if named else scalar(draw)
    if roll < 0.5 or not items:
        items.append(new)
    elif roll < 0.7:
        items.pop(draw.randrange(len(items)))
    elif roll < 0.85:
        items.insert(0, new)
    elif not named:
        items[draw.randrange(len(items))] = new


def _containers(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    mine = [value] if isinstance(value, dict | list) else []
    return mine + [each for item in inner for each in _containers(item)]


def same(one: Any, other: Any) -> bool:
    """Whether two plain values are of equal types and values; the order of keys does not count."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    return bool(one == other)


def merge(base: Any, ours: Any, theirs: Any, path: tuple[Any, ...], conflicts: set[tuple[Any, ...]]) -> Any:
    """Return the merge of plain values by the table, and add the paths of conflicts, without positions in lists."""
    if isinstance(base, dict) and isinstance(ours, dict) and isinstance(theirs, dict):
        keys = _order([*ours], [*theirs], last=True)
        merged = [
            (key, merge(base.get(key, GONE), ours.get(key, GONE), theirs.get(key, GONE), (*path, key), conflicts))
            for key in keys
        ]
        kept = {key: value for key, value in merged if value is not GONE}
        return {key: kept[key] for key in _kept(ours, theirs, kept)}
    if same(base, theirs) or same(ours, theirs):
        return ours
    if same(base, ours):
        return theirs
    if isinstance(base, list) and isinstance(ours, list) and isinstance(theirs, list):
        return _lists(base, ours, theirs, path, conflicts)
    conflicts.add(path)
    return ours


def _lists(
    base: list[Any], ours: list[Any], theirs: list[Any], path: tuple[Any, ...], conflicts: set[tuple[Any, ...]]
) -> Any:
    for field in ("name", "id", "key"):
        if all(_identified(each, field) for each in (base, ours, theirs)):
            old, mine, others = ({item[field]: item for item in each} for each in (base, ours, theirs))
            merged = {
                name: merge(old.get(name, GONE), mine.get(name, GONE), others.get(name, GONE), path, conflicts)
                for name in [*mine, *others]
            }
            kept = {name: value for name, value in merged.items() if value is not GONE}
            return [kept[name] for name in _kept(mine, others, kept, last=False)]
    size = len(base)
    if same(ours[:size], base) and same(theirs[:size], base):
        return ours + [item for item in theirs[size:] if not any(same(item, other) for other in ours[size:])]
    conflicts.add(path)
    return ours


def _identified(items: list[Any], field: str) -> bool:
    if not all(isinstance(item, dict) and isinstance(item.get(field), str | int | float) for item in items):
        return False
    return len({(type(item[field]), item[field]) for item in items}) == len(items)


def _order(ours: list[Any], theirs: list[Any], *, last: bool) -> list[Any]:
    """Return all keys: those of ours, and each other one behind the one that it follows in theirs."""
    result = list(ours)
    loose = []
    for at, key in enumerate(theirs):
        if key in result:
            continue
        before = [each for each in theirs[:at] if each in result]
        if before:
            result.insert(result.index(before[-1]) + 1, key)
        else:
            loose.append(key)
            result = result if last else [*loose[:-1], key, *[each for each in result if each not in loose]]
    return [*result, *loose] if last else result


def _kept(ours: dict[Any, Any], theirs: dict[Any, Any], kept: dict[Any, Any], *, last: bool = True) -> list[Any]:
    return _order([key for key in ours if key in kept], [key for key in theirs if key in kept], last=last)
