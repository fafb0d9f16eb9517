"""A branch of its own, and the files that change on it in a folder of its own: the user's working tree is never touched.

git checks nothing out and adds nothing: files are written from their blobs and become blobs again byte for byte,
through an index that lives as long as one commit. So no filter, no hook and no setting of line ends has a say.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from tempfile import TemporaryDirectory
from typing import Final

from secretsync import files
from secretsync.errors import FileAccessError, MissingFileError, RepositoryError
from secretsync.folders import write_all
from secretsync.git.commits import LogEntry
from secretsync.git.history import REGULAR
from secretsync.git.objects import write_blobs
from secretsync.git.repository import Repository, TreeEntry
from secretsync.git.running import Git

_PLAIN: Final = "100644"
_INDEX: Final = "index-"
_SIGN: Final = "commit.gpgSign"
_SIGNING: Final = "commits are signed here: let git commit-tree -S HEAD^{tree} -m x work, or turn it off by git config commit.gpgSign false"
_NEVER_CHECKED_OUT: Final = frozenset({"", ".", "..", ".git"})


class Worktree:
    """The files of a change at `path`, and the branch `branch`."""

    def __init__(self, repository: Repository, path: str, branch: str) -> None:
        self.path = path
        self.branch = branch
        self._ref = f"refs/heads/{branch}"
        self._repository = repository

    def create(self, base: str, paths: Iterable[str]) -> None:
        """Make the branch at the commit `base`, and the folder with those of its files that are to change.

        What an interrupted attempt left is removed first.

        Raises:
            RepositoryError: git refuses, the branch holds commits, or a path leads through a link or a submodule.
        """
        self.remove()
        self.delete_branch(base)
        self.fill(base, paths)
        self._move(base, "0" * len(base))

    def fill(self, commit: str, paths: Iterable[str]) -> None:
        """Make the folder with those files of a commit that are to change. Raises: as `create`."""
        self.remove()
        entries = self._repository.entries(commit)
        wanted = sorted(set(paths))
        for path in wanted:
            _require_plain(path, entries)
        os.makedirs(self.path, mode=0o700)
        present = [path for path in wanted if path in entries]
        for folder in sorted({os.path.dirname(path) for path in present}):
            os.makedirs(os.path.join(self.path, folder), exist_ok=True)
        with self._repository.reader() as reader:
            contents = reader.contents([entries[path].id for path in present], "blob")
            for path, data in zip(present, contents, strict=True):
                with open(os.path.join(self.path, path), "xb", buffering=0) as file:
                    write_all(file, data)

    def refill(self, paths: Iterable[str]) -> None:
        """Put the files back as the branch has them, whatever stands there now."""
        entries = self._repository.entries(self.tip())
        with self._repository.reader() as reader:
            for path in paths:
                if path in entries:
                    files.write_below(self.path, path, reader.read(entries[path].id), durable="nothing")
                else:
                    files.remove_below(self.path, path)

    def require_able(self, base: str) -> None:
        """Make sure that commits after `base` can be made: one is made apart, and thrown away.

        Raises:
            RepositoryError: git does not know who commits here, or a signature cannot be made.
            FileAccessError: the repository cannot be written to.
        """
        self._repository.require_committer()
        common = self._repository.common
        for name in ("", "objects", "refs", os.path.join("refs", "heads"), "reftable"):
            place = os.path.join(common, name)
            if os.path.isdir(place) and not os.access(place, os.W_OK | os.X_OK):
                raise FileAccessError("cannot be written to", location=place, hint="work in a clone that is yours")
        git = self._repository.git
        if git.is_set(_SIGN):
            with TemporaryDirectory() as folder:
                _made(git.apart(folder), f"{base}^{{tree}}", base, "a trial, which is thrown away\n")

    def remove(self) -> None:
        """Remove the folder; the branch stays."""
        self.sweep()
        shutil.rmtree(self.path, ignore_errors=True)

    def sweep(self) -> None:
        """Remove what a killed commit left beside the folder."""
        beside = os.path.dirname(self.path)
        for name in os.listdir(beside) if os.path.isdir(beside) else []:
            if name.startswith(_INDEX):
                shutil.rmtree(os.path.join(beside, name), ignore_errors=True)

    def delete_branch(self, expected: str) -> None:
        """Delete the branch, if there is one and it points to the commit `expected`.

        Raises:
            RepositoryError: it points elsewhere.
        """
        tip = self.tip()
        if not tip:
            return
        if tip != expected:
            raise RepositoryError(f"branch {self.branch!r} already exists, at {tip[:12]}")
        self._repository.git.silently("update-ref", "-d", self._ref, expected)

    def tip(self) -> str:
        """Return the commit the branch points to, empty where there is no such branch."""
        return self._repository.git.text("rev-parse", "--verify", "--quiet", self._ref, accept=(0, 1))

    def commits(self, base: str) -> list[LogEntry]:
        """Return the commits of the branch after `base`, oldest first."""
        tip = self.tip()
        return self._repository.log(tip, without=base)[::-1] if tip else []

    def commit(self, paths: Sequence[str], message: str) -> str:
        """Commit the present state of `paths`, missing ones as removed, and return the commit's id.

        Raises:
            RepositoryError: git refuses: there is no `user.name`, a signature cannot be made, the branch moved.
        """
        tip = self.tip()
        made = _made(self._repository.git, self._tree(tip, paths), tip, message)
        self._move(made, tip)
        return made

    def _tree(self, tip: str, paths: Sequence[str]) -> str:
        """Write the files as blobs and return the id of the tree that holds them."""
        git, entries = self._repository.git, self._repository.entries(tip, *paths)
        present: list[str] = []
        written = write_blobs(git, self._contents(paths, present), tip)
        ids = dict(zip(present, written, strict=True))
        place = self._repository.place
        lines = b"".join(_index_line(place.from_root(path), ids.get(path), entries.get(path), tip) for path in paths)
        with TemporaryDirectory(dir=os.path.dirname(self.path), prefix=_INDEX) as folder:
            ours = git.with_index(os.path.join(folder, "index"))
            ours.output("read-tree", tip)
            ours.output("update-index", "-z", "--index-info", source=lines)
            absent = ["--missing-ok"] if self._repository.left_out() else []  # in a partial clone
            return ours.text("write-tree", *absent)

    def _contents(self, paths: Iterable[str], present: list[str]) -> Iterator[bytes]:
        """Yield what the files hold that are there, and add their paths to `present`."""
        for path in paths:
            try:
                data = files.read(os.path.join(self.path, path))
            except MissingFileError:
                continue
            present.append(path)
            yield data

    def _move(self, commit: str, expected: str) -> None:
        self._repository.git.silently("update-ref", "-m", "secretsync", self._ref, commit, expected)


def _made(git: Git, tree: str, parent: str, message: str) -> str:
    """Make a commit, signed where the user signs, and return its id. Raises: RepositoryError."""
    signature = ["-S"] if git.is_set(_SIGN) else []
    try:
        made = git.sign("commit-tree", *signature, "-p", parent, "-F", "-", tree, source=message.encode())
    except RepositoryError as error:
        error.hint = error.hint or (_SIGNING if signature else None)
        raise
    return made.decode("ascii").strip()


def _require_plain(path: str, entries: Mapping[str, TreeEntry]) -> None:
    """Make sure that a path is, or becomes, a regular file below folders. Raises: RepositoryError."""
    steps = path.split("/")
    if any(step.lower() in _NEVER_CHECKED_OUT for step in steps):
        raise RepositoryError("is not a path that git would check out", location=path)
    above = ["/".join(steps[:count]) for count in range(1, len(steps))]
    barrier = next((one for one in above if one in entries), path)
    if barrier in entries and (barrier != path or entries[path].mode not in REGULAR):
        raise RepositoryError(
            f"{barrier!r} is a link, a file or a submodule, and nothing is written through it", location=path
        )


def _index_line(path: str, blob: str | None, before: TreeEntry | None, like: str) -> bytes:
    """Return a file as `update-index --index-info` reads it; mode 0 removes it."""
    mode = (before.mode if before and before.mode in REGULAR else _PLAIN) if blob else "0"
    return f"{mode} {blob or '0' * len(like)}\t".encode("ascii") + os.fsencode(path) + b"\0"
