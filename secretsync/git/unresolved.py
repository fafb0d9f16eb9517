"""The merges of encrypted files that nobody has finished, noted in the git folder of their working tree.

A merged file of ours has no markers that anybody would notice: it is ours, whole and valid, without what theirs did to
the values in conflict. So `git commit -am` would drop one side unseen, were the path not noted here.

The file `secretsync/unresolved` holds, for each path, a line of JSON: the path from the root, and why. It lies in the git
folder of one working tree, since the index that a merge works on is that tree's.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Final, NamedTuple

from secretsync import files
from secretsync.errors import MissingFileError, RepositoryError, SecretsyncError
from secretsync.git.index import Index
from secretsync.git.objects import ObjectReader
from secretsync.git.running import Git

FOLDER: Final = "secretsync"
"""What lies in a git folder of ours."""

_PATH: Final = f"{FOLDER}/unresolved"
_POINTER: Final = b"gitdir: "
_LARGEST: Final = 4096  # bytes of a `.git` that is a file: one path
_UNDER_WAY: Final = (
    "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply", "sequencer",
)  # fmt: skip
"""What lies in a git folder while a merge, rebase, cherry-pick or revert is not finished; after `stash pop`, nothing does."""


class UnresolvedMerge(NamedTuple):
    """A file whose merge is not finished: its path from the root of the working tree, and the reason, never a value."""

    path: str
    reason: str


class UnresolvedMerges:
    """The notes of one working tree: its `root`, and its git `folder`, which is not the one that working trees share."""

    def __init__(self, root: str, folder: str) -> None:
        self.root = root
        self.folder = folder

    @classmethod
    def of(cls, folder: str) -> UnresolvedMerges:
        """Return the notes of the working tree that holds `folder`, or of the one that a calling git means.

        Raises:
            RepositoryError: there is none.
        """
        root = Index.of(folder).root
        return cls(root, Git.called_by_git(root).text("rev-parse", "--absolute-git-dir"))

    def note(self, path: str, reason: str) -> None:
        """Note that the merge of a file is not finished; the newest reason counts. Raises: FileAccessError."""
        known = {each.path: each for each in self.noted()}
        self._write([*(each for each in known.values() if each.path != path), UnresolvedMerge(path, reason)])

    def forget(self, path: str) -> None:
        """Take a note off, where there is one. Raises: FileAccessError."""
        known = self.noted()
        left = [each for each in known if each.path != path]
        if left != known:
            self._write(left)

    def noted(self) -> list[UnresolvedMerge]:
        """Return all notes, whether they still hold or not; git is not started.

        Raises:
            RepositoryError: the notes cannot be read, so that nobody knows what they say.
        """
        return _read(self.folder)

    def unresolved(self) -> list[UnresolvedMerge]:
        """Return the notes that hold; those that a `git merge --abort` or the like left behind are taken off.

        A note is stale once no merge is under way, the index has one version of the path, and index and working tree
        have it as HEAD has it. While one is under way, a file that equals ours may be what a `git add` made of it.
        """
        noted = self.noted()
        if not noted or any(os.path.lexists(os.path.join(self.folder, name)) for name in _UNDER_WAY):
            return noted
        stale = self._as_in_head([each.path for each in noted])
        left = [each for each in noted if each.path not in stale]
        if left != noted:
            self._write(left)
        return left

    def _as_in_head(self, paths: Sequence[str]) -> set[str]:
        """Return which paths index and working tree have as HEAD has them, being there or not."""
        git = Git.called_by_git(self.root)
        head = git.text("rev-parse", "--verify", "--quiet", "HEAD^{commit}", accept=(0, 1, 128))
        committed = _ids(git.names("ls-tree", "-r", "-z", "--full-tree", head, "--", *paths) if head else [])
        staged = _ids(git.names("ls-files", "--stage", "-z", "--full-name", "--", *paths))
        same = {path for path in paths if staged.get(path, set()) == committed.get(path, set())}
        with ObjectReader(git) as reader:
            return {path for path in same if self._lies_as(path, committed.get(path, set()), reader)}

    def _lies_as(self, path: str, blobs: set[str], reader: ObjectReader) -> bool:
        try:
            data = files.read(os.path.join(self.root, path))
        except MissingFileError:
            return not blobs
        except SecretsyncError:
            return False
        return any(reader.read(blob) in {data, data.replace(b"\r\n", b"\n")} for blob in blobs)

    def _write(self, notes: Sequence[UnresolvedMerge]) -> None:
        if notes:
            text = "".join(f"{json.dumps(note._asdict())}\n" for note in notes)
            files.write_below(self.folder, _PATH, text.encode("ascii"))
        else:
            files.remove_below(self.folder, _PATH)


def noted_in(root: str) -> list[UnresolvedMerge]:
    """Return the notes of the working tree `root`, whether they hold or not; git need not be there.

    Raises:
        RepositoryError: the notes cannot be read.
    """
    folder = os.path.join(root, ".git")
    if os.path.isfile(folder):
        folder = _pointed_at(root, folder)
    return _read(folder)


def _pointed_at(root: str, file: str) -> str:
    """Return the git folder that the `.git` of a linked working tree or a submodule names; empty where it names none."""
    try:
        data = files.read_confined(root, os.path.basename(file), _LARGEST)
    except SecretsyncError:
        return ""
    path = os.fsdecode(data.removeprefix(_POINTER).rstrip(b"\r\n"))
    return os.path.join(root, path) if data.startswith(_POINTER) else ""


def _read(folder: str) -> list[UnresolvedMerge]:
    where = os.path.join(folder, _PATH)
    if not folder or not os.path.lexists(where):
        return []
    try:
        found = [json.loads(line) for line in files.read(where).splitlines()]
        return [UnresolvedMerge(each["path"], each["reason"]) for each in found]
    except (ValueError, KeyError, TypeError):
        hint = "finish what git status shows, then remove the file"
        raise RepositoryError("the note of unresolved merges cannot be read", location=where, hint=hint) from None


def _ids(rows: Sequence[str]) -> dict[str, set[str]]:
    """Return the ids of each path in what `ls-tree` or `ls-files --stage` lists; a path in conflict has several."""
    found: dict[str, set[str]] = {}
    for row in rows:
        head, _, path = row.partition("\t")
        words = head.split(" ")
        found.setdefault(path, set()).add(words[2] if words[1] in {"blob", "commit"} else _staged(words))
    return found


def _staged(words: Sequence[str]) -> str:
    """Return the id of an entry of the index; with its stage where that tells of a conflict."""
    return words[1] if words[2] == "0" else f"{words[1]}:{words[2]}"
