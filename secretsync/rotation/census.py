"""What a commit holds, asked by content: every blob that may be encrypted or names a key, whatever it is called.

What is no file of this repository is named for what it is: submodules, links, pointers of Git LFS, and what a partial
clone left out. None of it is an error by itself.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple, TypeAlias

from secretsync.git import Repository
from secretsync.git.history import REGULAR
from secretsync.keyring.editing import SOPS_YAML
from secretsync.keyring.ownfiles import is_own
from secretsync.keyring.policy import Policy
from secretsync.keyring.sources import FOLDER
from secretsync.masterkeys.kinds import KINDS
from secretsync.rotation.model import LeftOut, PlannedKey
from secretsync.rotation.versions import LFS
from secretsync.sops.recognition import FOUND_BY, MARKS, mentions, spellings

Texts: TypeAlias = Mapping[str, tuple[bytes, ...]]
"""What names each key in a file, by the key's id."""

NO_KEYS: Final[Texts] = {}

_SUBMODULE: Final = "160000"
_HEX: Final = frozenset("0123456789ABCDEF")

_WHY: Final[dict[str, str]] = {
    "submodule": "is a submodule, and has a history of its own",
    "link": "is a link; what it leads to is looked at where it lies",
    "link-out": "is a link out of the repository; what it leads to is not looked at",
    "lfs": "is a pointer of Git LFS, and its content lies elsewhere",
    "missing": "is left out of this partial clone",
    "quoted": "holds ciphertext, and does not read as a SOPS file",
    "rules": "would decide instead of the policy who reads new files beside it",
    "mention": "names the key, and holds no ciphertext",
}


class Census(NamedTuple):
    """The blobs to look at by path, and what cannot be looked at."""

    files: dict[str, str]
    left_out: list[LeftOut]


def taken(repository: Repository, commit: str, keys: Texts = NO_KEYS) -> Census:
    """Ask every blob of a commit whether it may be a SOPS file, or names one of `keys`."""
    entries = repository.entries(commit)
    missing = repository.left_out()
    blobs = {path: one.id for path, one in entries.items() if one.mode in REGULAR}
    present = {path: blob for path, blob in sorted(blobs.items()) if blob not in missing}
    wanted = (*FOUND_BY, LFS, *(text for texts in keys.values() for text in texts))
    with repository.reader() as reader:
        unique = list(dict.fromkeys(present.values()))
        hits = {blob for blob, found in zip(unique, reader.holding(unique, wanted, spellings), strict=True) if found}
        left_out = [_left_out(path, "missing") for path in sorted(blobs.keys() - present.keys())]
        for path, entry in sorted(entries.items()):
            if entry.mode == _SUBMODULE:
                left_out.append(_left_out(path, "submodule"))
            elif entry.mode not in REGULAR:
                left_out.append(_link(path, "" if entry.id in missing else os.fsdecode(reader.read(entry.id))))
    return Census({path: blob for path, blob in present.items() if blob in hits}, left_out)


def texts_of(keys: Mapping[str, PlannedKey]) -> Texts:
    """Return what names keys in files: what stands there in one piece, in either case where it has two, also in UTF-16."""
    found = {}
    for name, key in keys.items():
        kind = KINDS.get(key.kind)  # none for a sealing key
        text = kind.piece(key.recipient) if kind else key.recipient
        forms = (
            {text, text.lower(), text.upper()} if _HEX.issuperset(text.upper()) or text.startswith("age1") else {text}
        )
        found[name] = tuple(form for one in sorted(forms) for form in (one.encode(), one.encode("utf-16-le")[:-1]))
    return found


def named_in(data: bytes, keys: Texts) -> list[str]:
    """Return which of `keys` a file names, in whatever encoding."""
    return [name for name, texts in keys.items() if mentions(data, *texts)]


def no_sops_file(path: str, data: bytes, keys: Texts) -> LeftOut | None:
    """Say what a file is that does not read as a SOPS file, and has its marks or names a key; None for nothing of note."""
    if data.startswith(LFS):
        return _left_out(path, "lfs")
    if path == SOPS_YAML or is_own(path, data):
        return None
    names = named_in(data, keys)
    if mentions(data, *MARKS):
        return _left_out(path, "quoted", names)
    if not names or path.startswith(f"{FOLDER}/"):
        return None
    return _left_out(path, "rules" if posixpath.basename(path) == SOPS_YAML else "mention", names)


def ignoring(policy: Policy, found: Iterable[LeftOut]) -> Iterator[LeftOut]:
    """Yield what is left out, with the reason of the policy where it ignores a file."""
    for one in found:
        entry = policy.ignored(one.path)
        yield ignored(one.path, entry.reason, one.names) if entry and one.kind in {"quoted", "rules"} else one


def ignored(path: str, reason: str, names: list[str]) -> LeftOut:
    """Return a file that the policy ignores, with the keys that it is for all the same."""
    return LeftOut(path, "ignored", f"is ignored by the policy ({reason})", names)


def kind_of_clone(repository: Repository) -> Iterator[str]:
    """Yield what is special about this clone, none of which is an error."""
    yield from beyond_folder(repository)
    if repository.is_shallow():
        yield "this clone is shallow: nothing is known of the history before its first commit"
    if repository.is_sparse():
        yield "this checkout is sparse: files are read from the commit, whether or not they are in the working tree"
    if left_out := len(repository.left_out()):
        yield f"this is a partial clone: {left_out} objects that its history names are not here, and none is fetched"


def beyond_folder(repository: Repository) -> list[str]:
    """Return that only one folder is looked at, where that is so."""
    return [f"only files below {repository.within} are looked at"] * bool(repository.within)


def _left_out(path: str, kind: str, names: Iterable[str] = ()) -> LeftOut:
    return LeftOut(path, kind, _WHY[kind], list(names))


def _link(path: str, target: str) -> LeftOut:
    leads = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    return _left_out(path, "link-out" if leads.startswith(("/", "../")) or leads == ".." else "link")
