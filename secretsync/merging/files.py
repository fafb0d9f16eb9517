"""The merge of three encrypted texts of one file: each opened and verified, merged in the clear, written over ours."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from secretsync.keyring.naming import FileRule
from secretsync.merging.conflicts import Choices, MergeConflict
from secretsync.sops.datakey import Keys


class Texts(NamedTuple):
    """A file as base, ours and theirs have it; `base` is empty where both sides added the file."""

    base: bytes
    ours: bytes
    theirs: bytes

    def __repr__(self) -> str:
        return "Texts(…)"


class MergedFile(NamedTuple):
    """The merged file: a valid SOPS file even with conflicts, at each of which it has what ours has."""

    text: bytes
    conflicts: tuple[MergeConflict, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"MergedFile({self.conflicts!r})"


def merge_files(  # what a merge depends on
    texts: Texts, *, path: str, keys: Keys, rule: FileRule | None, now: datetime, choices: Choices | None = None
) -> MergedFile:
    """Merge three encrypted texts of the file `path`, whose name tells the store.

    `rule` is the one that is for the file, None where there is none. `choices` says what to put at conflicts of an
    earlier call with the same texts, by their numbers.

    Raises:
        MergeRefusedError: a side is not what it should be; it says which, and why.
        NoIdentityMatchError, KeyServiceError: no key here opens one of the sides.
    """
    raise NotImplementedError
