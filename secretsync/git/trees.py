"""Which files of many commits hold some text: a tree or blob that commits share is read once.

Source: git's tree objects, `MODE SP NAME NUL ID` for each entry, the id in binary.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from secretsync.git.objects import ObjectReader, Spellings, as_is

_FOLDER: Final = b"40000"
_REGULAR: Final = frozenset({b"100644", b"100755"})


class _Entry(NamedTuple):
    name: bytes
    id: str


class _Tree(NamedTuple):
    folders: list[_Entry]
    files: list[_Entry]


def files_holding(
    reader: ObjectReader,
    commits: Iterable[str],
    texts: Sequence[bytes],
    *,
    also: Sequence[bytes] = (),
    spellings: Spellings = as_is,
    missing: Collection[str] = (),
) -> Iterator[tuple[str, list[str]]]:
    """Yield each commit with the paths of its files that hold one of `texts`; trees, and tags of either, are taken as well.

    With `also`, they hold one of those too; `missing` blobs are not here, and are passed over.

    Raises:
        RepositoryError: there is no such object.
    """
    roots = {commit: root for commit in commits if (root := _root(reader, commit))}
    trees = _all_trees(reader, roots.values())
    blobs = list(dict.fromkeys(entry.id for tree in trees.values() for entry in tree.files if entry.id not in missing))
    hits = {blob for blob, found in zip(blobs, reader.holding(blobs, texts, spellings), strict=True) if found}
    if also:
        some = sorted(hits)
        hits = {blob for blob, found in zip(some, reader.holding(some, also, spellings), strict=True) if found}
    leading = _leading_to(trees, hits)
    for commit, root in roots.items():
        yield commit, sorted(os.fsdecode(one.name) for one in _paths(trees, root, hits, leading))


def files_among(
    reader: ObjectReader, commits: Iterable[str], blobs: Collection[str]
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield each commit with its files that have one of these contents: path and blob; trees are taken as well.

    Raises:
        RepositoryError: there is no such object.
    """
    hits = set(blobs)
    roots = {commit: _root(reader, commit) for commit in commits}
    trees = _all_trees(reader, filter(None, roots.values()))
    leading = _leading_to(trees, hits)
    for commit, root in roots.items():
        found = _paths(trees, root, hits, leading) if root else ()
        yield commit, sorted((os.fsdecode(one.name), one.id) for one in found)


def _root(reader: ObjectReader, name: str) -> str:
    """Return the tree of a commit or tag; empty where it names something else."""
    kind, data = reader.any(name)
    while kind in {"commit", "tag"}:
        named = data.partition(b"\n")[0].partition(b" ")[2].decode("ascii", "replace")
        if kind == "commit":
            return named
        name = named
        kind, data = reader.any(name)
    return name if kind == "tree" else ""


def _all_trees(reader: ObjectReader, roots: Iterable[str]) -> dict[str, _Tree]:
    """Return all trees below some, by id."""
    found: dict[str, _Tree] = {}
    new = list(dict.fromkeys(roots))
    while new:
        for name, data in zip(new, reader.contents(new, "tree"), strict=True):
            found[name] = _parsed(data, len(name) // 2)
        new = [*dict.fromkeys(one.id for name in new for one in found[name].folders if one.id not in found)]
    return found


def _parsed(data: bytes, size: int) -> _Tree:
    tree, at = _Tree([], []), 0
    while at < len(data):
        end = data.index(b"\0", at)
        mode, _, name = data[at:end].partition(b" ")
        entry = _Entry(name, data[end + 1 : end + 1 + size].hex())
        if mode == _FOLDER:
            tree.folders.append(entry)
        elif mode in _REGULAR:
            tree.files.append(entry)
        at = end + 1 + size
    return tree


def _leading_to(trees: dict[str, _Tree], hits: set[str]) -> set[str]:
    """Return the trees that have a hit in them, or below."""
    parents: defaultdict[str, list[str]] = defaultdict(list)
    for name, tree in trees.items():
        for folder in tree.folders:
            parents[folder.id].append(name)
    found = {name for name, tree in trees.items() if any(entry.id in hits for entry in tree.files)}
    new = list(found)
    while new:
        above = {parent for name in new for parent in parents[name]} - found
        found |= above
        new = list(above)
    return found


def _paths(trees: dict[str, _Tree], root: str, hits: set[str], leading: set[str]) -> Iterator[_Entry]:
    """Yield the files that are hits, by their whole paths."""
    waiting = [(b"", root)]
    while waiting:
        prefix, name = waiting.pop()
        if name in leading:
            yield from (_Entry(prefix + one.name, one.id) for one in trees[name].files if one.id in hits)
            waiting += [(prefix + entry.name + b"/", entry.id) for entry in trees[name].folders]
