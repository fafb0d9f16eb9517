"""Generated three-way merges of encrypted files equal the merge of the plain trees, in every store and by the real sops.

No side that was tampered with is merged, whatever was done to it.

A sample beside all other tests, all of it by `make proof-merge`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

from secretsync.documents.plain import from_plain, to_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Entry, Limits, Mapping, Scalar
from secretsync.errors import SecretsyncError
from secretsync.sops import metadata
from secretsync.sops.selectors import Selector
from secretsync.sops.values import is_ciphertext
from tests.peers.sops import Sops
from tests.proofs import merges, size
from tests.unit.merging import encrypted
from tests.unit.merging.encrypted import ME, key, made, merged, rotated

SUFFIXES = {"yaml": "yaml", "json": "json", "dotenv": "env", "ini": "ini", "binary": "bin"}
NESTED = {"yaml", "json"}


@pytest.fixture(scope="module")
def sops(peer: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Sops:
    folder = tmp_path_factory.mktemp("sops")
    identity = folder / "identity"
    identity.write_text(f"# public key: {ME}\n{ME.expose()}\n")
    return Sops(peer("sops"), identity=identity, folder=folder)


class Drawn(NamedTuple):
    """One merge: the plain documents of base, ours and theirs, and their encrypted texts."""

    plain: tuple[list[Any], list[Any], list[Any]]
    texts: tuple[bytes, bytes, bytes]
    rotated: str


def _documents(draw: Random, store: str) -> list[Any]:
    if store == "binary":
        return [{"data": f"content {draw.randrange(5)}\n"}]
    if store == "dotenv":
        return [merges.flat(draw)]
    if store == "ini":
        return [{f"s{n}": merges.flat(draw) for n in range(draw.randrange(1, 4))}]
    several = draw.randrange(2, 4) if store == "yaml" and draw.random() < 0.2 else 1
    return [merges.mapping(draw) for _ in range(several)]


def _changed(draw: Random, documents: list[Any], store: str) -> list[Any]:
    if store == "binary":
        return [{"data": f"content {draw.randrange(5)}\n"}]
    at = draw.randrange(len(documents))
    if store == "ini":
        section = draw.choice([*documents[0]])
        return [{**documents[0], section: merges.changed(draw, documents[0][section], nested=False)}]
    return [
        merges.changed(draw, each, nested=store in NESTED) if n == at or draw.random() < 0.3 else each
        for n, each in enumerate(documents)
    ]


def _text(documents: list[Any], store: str) -> bytes:
    roots = [from_plain(each) for each in documents]
    text = store_named(store).dump([root for root in roots if isinstance(root, Mapping)])
    return _with_comments(text) if store == "yaml" else text


def _with_comments(text: bytes) -> bytes:
    """Put a comment above each line of some keys, and one behind some others: it says which key it is for."""
    lines = []
    block = 0
    for line in text.decode().splitlines():
        indent = len(line) - len(line.lstrip())
        inside = block and (indent >= block or not line.strip())
        block = block if inside else 0
        name, colon, rest = line.strip().partition(":")
        if colon and not inside and name in {"beta", "data", "gamma", "Q"}:
            lines.append(f"{' ' * indent}# of {name}")
        if (not inside and rest.strip()[:1] in {"|", ">"}) or line.strip()[:3] in {"- |", "- >"}:
            block = indent + 1
        lines.append(line)
    return "".join(f"{line}\n" for line in lines).encode()


def _drawn(seed: int, store: str) -> Drawn:
    draw = Random(f"{store} {seed}")
    base = _documents(draw, store)
    ours, theirs = _changed(draw, base, store), _changed(draw, base, store)
    groups = [[key(ME)], [key(ME)]] if draw.random() < 0.1 else [[key(ME)]]
    selector = (
        Selector("encrypted_regex", "^(alpha|data|s1|K1)$") if draw.random() < 0.15 and store != "binary" else None
    )
    mac_only = draw.random() < 0.1 and store != "binary"
    first = made(
        _text(base, store), store, groups=groups, selector=selector, mac_only=mac_only,
        threshold=2 if len(groups) > 1 else 0, allow_plaintext=True,
    )  # fmt: skip
    sides = {
        name: encrypted.edited(first, _text(each, store), store) for name, each in (("ours", ours), ("theirs", theirs))
    }
    which = draw.choice(["", "", "", "", "", "", "ours", "theirs"])
    if which:
        sides[which] = rotated(sides[which], store)
    return Drawn((base, ours, theirs), (first, sides["ours"], sides["theirs"]), which)


@pytest.mark.parametrize("store", [*SUFFIXES])
def test_the_merge_of_encrypted_files_is_that_of_the_plain_trees(store: str, sops: Sops) -> None:
    conflicted = 0
    for seed in range(size(100, 1000)):
        drawn = _drawn(seed, store)
        conflicts: set[tuple[Any, ...]] = set()
        wanted = [
            merges.merge(*each, (number,), conflicts) for number, each in enumerate(zip(*drawn.plain, strict=True), 1)
        ]
        result = merged(*drawn.texts, store=store)
        found = {(each.document, *(step for step in each.path if isinstance(step, str))) for each in result.conflicts}
        assert found == conflicts, (store, seed)
        conflicted += bool(conflicts)
        opened = sops.decrypt(result.text, SUFFIXES[store])
        assert _text(_plain(opened, store), store) == _text(wanted, store), (store, seed)
        if store == "yaml":
            assert sorted(_comments(opened)) == sorted(_comments(_text(wanted, store))), (store, seed)
        _check_ciphertext(drawn, result.text, store, seed)
    assert conflicted > 2


def _plain(text: bytes, store: str) -> list[Any]:
    return [to_plain(each) for each in store_named(store).load(text, limits=Limits.unbounded()).documents]


def _comments(text: bytes) -> list[str]:
    return [line.strip() for line in text.decode().splitlines() if line.strip().startswith("# of ")]


def _check_ciphertext(drawn: Drawn, text: bytes, store: str, seed: int) -> None:
    """A value that a side has at its path, under the data key of the result, has the ciphertext that it has there."""
    ours, theirs, result = (_ciphertexts(each, store) for each in (*drawn.texts[1:], text))
    plains = [_leaves(encrypted.opened(each, store).encode(), store) for each in (*drawn.texts[1:], text)]
    for path, new in result.items():
        known = [
            side[path]
            for side, plain, name in ((ours, plains[0], "ours"), (theirs, plains[1], "theirs"))
            if path in side and drawn.rotated in ("", name) and merges.same(plain.get(path), plains[2].get(path))
        ]
        assert not known or new in known, (store, seed, path)
        assert not known or drawn.rotated or new == known[0], (store, seed, path)


def _ciphertexts(text: bytes, store: str) -> dict[tuple[Any, ...], str]:
    source = store_named(store).load(text, limits=Limits.unbounded(), encrypted=True)
    return {path: leaf for path, leaf in _of(metadata.split(source.documents)[0]).items() if is_ciphertext(leaf)}


def _leaves(text: bytes, store: str) -> dict[tuple[Any, ...], Any]:
    return _of(store_named(store).load(text, limits=Limits.unbounded()).documents)


def _of(documents: list[Mapping]) -> dict[tuple[Any, ...], Any]:
    """Return the leaves that stand in mappings only, by their paths."""
    found: dict[tuple[Any, ...], Any] = {}
    waiting: list[tuple[tuple[Any, ...], Mapping]] = [((number,), root) for number, root in enumerate(documents)]
    while waiting:
        path, root = waiting.pop()
        for entry in root.entries():
            if isinstance(entry.value, Mapping):
                waiting.append(((*path, entry.key.value), entry.value))
            elif isinstance(entry.value, Scalar):
                found[*path, entry.key.value] = entry.value.value
    return found


def _removed(draw: Random, entries: list[tuple[Mapping, Entry]]) -> None:
    parent, entry = draw.choice(entries)
    parent.items.remove(entry)


def _swapped(draw: Random, entries: list[tuple[Mapping, Entry]]) -> None:
    (_, one), (_, other) = draw.sample(entries, 2)
    one.value, other.value = other.value, one.value


def _renamed(draw: Random, entries: list[tuple[Mapping, Entry]]) -> None:
    draw.choice(entries)[1].key = Scalar("renamed")


def _doubled(draw: Random, entries: list[tuple[Mapping, Entry]]) -> None:
    parent, entry = draw.choice(entries)
    parent.items.append(Entry(Scalar("doubled"), entry.value))


def _cleared(draw: Random, entries: list[tuple[Mapping, Entry]]) -> None:
    draw.choice(entries)[1].value = Scalar("in the clear")


FAULTS = (_removed, _swapped, _renamed, _doubled, _cleared)


@pytest.mark.parametrize("store", [*SUFFIXES])
def test_no_side_that_was_tampered_with_is_merged(store: str) -> None:
    tampered = 0
    for seed in range(size(20, 400)):
        draw = Random(f"tampered {store} {seed}")
        texts = list(_drawn(seed, store).texts)
        place = draw.randrange(3)
        source = store_named(store).load(texts[place], limits=Limits.unbounded(), encrypted=True)
        entries = [*_encrypted_entries(source.documents)]
        if not entries:
            continue
        faults = [*(FAULTS if len(entries) > 1 else (_removed, _renamed, _cleared))]
        if metadata.split(source.documents)[1].mac_only_encrypted:  # its MAC is not over what stands in the clear
            faults = [fault for fault in faults if fault is not _doubled]
        draw.choice(faults)(draw, entries)
        texts[place] = store_named(store).dump(source.documents, encrypted=True)
        tampered += 1
        with pytest.raises(SecretsyncError) as refused:
            merged(*texts, store=store)
        assert str(refused.value).startswith(("base", "ours", "theirs")[place]), (store, seed)
    assert tampered > 10


def _encrypted_entries(documents: list[Mapping]) -> Iterator[tuple[Mapping, Entry]]:
    waiting: list[Mapping] = [*documents]
    while waiting:
        parent = waiting.pop()
        for entry in parent.entries():
            if isinstance(entry.value, Mapping) and entry.key.value != metadata.KEY:
                waiting.append(entry.value)
            elif isinstance(entry.value, Scalar) and is_ciphertext(entry.value.value):
                yield parent, entry
