"""Every version of every file that any ref leads to, read, and which of them stand where a ref points now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

from secretsync.git import ObjectReader, Repository, branches
from secretsync.git.trees import files_among
from secretsync.keyring.policy import LiveRefs
from secretsync.letters import noun_for
from secretsync.processes import Pool
from secretsync.rotation.versions import Unread, Version
from secretsync.sops.datakey import MasterKey
from secretsync.sops.recognition import mentions

File: TypeAlias = tuple[str, str]
"""A path, and the blob that lies there."""

Known: TypeAlias = Mapping[File, list[Version | Unread]]

HEAD: Final = "HEAD"
_COMMIT: Final = "commit"
_TREE: Final = "tree"


class Branches(NamedTuple):
    """The refs of the branches that are live, and of those that the policy leaves out; `remark` is what to say of it."""

    live: frozenset[str]
    other: tuple[str, ...] = ()
    remark: str = ""


class Gathered(NamedTuple):
    """The versions by file; where they stand now: at HEAD or the head of a branch, and at other refs; the rest."""

    versions: dict[File, list[Version]]
    live: dict[File, tuple[str, ...]]
    other: dict[File, tuple[str, ...]]
    left_out: list[Unread]
    damaged: dict[Unread, bytes]
    branches: Branches

    def unread(self, recipients: Collection[MasterKey]) -> list[Unread]:
        """Return what could not be read: of damaged files, those that name one of the recipients."""
        names = [one.name.partition("+")[0].encode() for one in recipients if one.name]
        damaged = [one for one, data in self.damaged.items() if any(mentions(data, name) for name in names)]
        closed = [
            Unread(path, "opens with no key here, and is compared by its ciphertext alone")
            for path, blob in self.live
            for one in self.versions.get((path, blob), ())
            if one.store and not (one.data_key or one.in_clear)
        ]
        return sorted(dict.fromkeys([*self.left_out, *damaged, *closed]))


def gather(repository: Repository, pool: Pool, commit: str, known: Known, live: LiveRefs) -> Gathered:
    """Read all versions; `known` were read before. Plaintext counts in files that are encrypted in another version."""
    files, left_out = _files(repository, commit)
    missing = repository.left_out()
    left_out += [Unread(path, "is left out of this partial clone") for path, blob in sorted(files) if blob in missing]
    tasks = sorted(file for file in files if file not in known and file[1] not in missing)
    read = dict(known) | {file: found for file, found in zip(tasks, pool.map("version", tasks), strict=True) if found}
    versions = {
        file: kept for file, found in read.items() if (kept := [one for one in found if isinstance(one, Version)])
    }
    unread = {file: one for file, found in read.items() for one in found if isinstance(one, Unread)}
    likes = {path: one for (path, _), some in versions.items() for one in some if one.store}
    clear = [(path, blob, likes[path]) for path, blob in tasks if path in likes and (path, blob) not in read]
    for (path, blob, _), found in zip(clear, pool.map("in_clear", clear), strict=True):
        versions[path, blob] = [one for one in found if isinstance(one, Version)]
        left_out += [one for one in found if isinstance(one, Unread)]
    left_out += [one for one in unread.values() if not one.damaged]
    with repository.reader() as reader:
        damaged = {one: reader.read(blob) for (_, blob), one in unread.items() if one.damaged}
        chosen = _branches(repository, live)
        standing = _standing(repository, reader, commit, versions, chosen.live)
        return Gathered(versions, *standing, left_out, damaged, chosen)


def _branches(repository: Repository, live: LiveRefs) -> Branches:
    """Return which branches are live: those that the policy names, and all where it names none that is here.

    A mistake in a name would take every password off the list otherwise.
    """
    names = {ref: name for ref in repository.all_refs() if (name := branches.name_of(repository, ref)) is not None}
    chosen = frozenset(ref for ref, name in names.items() if live.matches(ref, name))
    if not chosen:
        remark = f"no branch here is one of the policy's live_refs ({live}): every branch counts as live"
        return Branches(frozenset(names), (), remark if live.globs else "")
    other = tuple(sorted(set(names) - chosen))
    told = f"{len(other)} other {noun_for(len(other), 'ref')} of branches count as elsewhere"
    remark = f"live are HEAD and the policy's live_refs ({live}); {told}"
    return Branches(chosen, other, remark if live.globs else "")


def _files(repository: Repository, commit: str) -> tuple[set[File], list[Unread]]:
    """Return the files of all commits and of tags that name none, and the submodules."""
    files, submodules = repository.history.brought_in()
    files |= set(repository.blobs(commit).items())
    for name, (kind, target) in repository.all_refs().items():
        if kind == _TREE:
            files |= set(repository.blobs(target).items())
        elif kind != _COMMIT:
            files.add((name, target))
    return files, [Unread(path, "is a submodule, and has a history of its own") for path in sorted(submodules)]


def _standing(
    repository: Repository, reader: ObjectReader, commit: str, versions: Iterable[File], heads: Collection[str]
) -> tuple[dict[File, tuple[str, ...]], dict[File, tuple[str, ...]]]:
    refs = {HEAD: (_COMMIT, commit), **repository.all_refs()}
    roots = dict.fromkeys(target for kind, target in refs.values() if kind in {_COMMIT, _TREE})
    place = repository.place
    found = {
        root: [(place.from_here(path), blob) for path, blob in every if place.holds(path)]
        for root, every in files_among(reader, roots, {blob for _, blob in versions})
    }
    live: defaultdict[File, list[str]] = defaultdict(list)
    other: defaultdict[File, list[str]] = defaultdict(list)
    for name, (_, target) in refs.items():
        for file in found.get(target, [(name, target)]):
            (live if name == HEAD or name in heads else other)[file].append(name)
    return {file: tuple(names) for file, names in live.items()}, {file: tuple(names) for file, names in other.items()}
