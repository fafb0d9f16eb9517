"""What git has staged: the files of the next commit, as a hook sees them.

git says to its hooks which repository and which index it means, by variables; here they count, because whoever asks
for the index stands where a hook stands.
"""

from __future__ import annotations

import os
from types import TracebackType
from typing import NamedTuple, Self

from secretsync.errors import RepositoryError
from secretsync.git.history import RAW, raw_changes
from secretsync.git.objects import ObjectReader, write_blobs
from secretsync.git.running import Git


class StagedEntry(NamedTuple):
    """A file, link or submodule in the index: its mode, and its id."""

    mode: str
    id: str


def path_within(root: str, file: str) -> str:
    """Return the path that git has for a file, from the root of its working tree and with `/`.

    Links on the way to it are followed; a file that is one itself is not, for git holds the link.
    """
    folder, name = os.path.split(os.path.abspath(file))
    return os.path.relpath(os.path.join(os.path.realpath(folder), name), os.path.realpath(root)).replace(os.sep, "/")


class Index:
    """The index of one working tree, to be used as a context."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._git = Git.called_by_git(root)
        self._reader: ObjectReader | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reader:
            self._reader.close()

    @classmethod
    def of(cls, folder: str) -> Index:
        """Return the index of the working tree that holds `folder`. Raises: RepositoryError.

        In a linked working tree, git names the repository to its hooks but not the top folder, and takes the folder
        they stand in for it. So the repository around the folder is asked first, and counts where it is that same one.
        """
        around, called = Git(folder), Git.called_by_git(folder)
        own = around.text("rev-parse", "--absolute-git-dir", accept=(0, 128))
        meant = called.text("rev-parse", "--absolute-git-dir")
        git = around if own and os.path.realpath(own) == os.path.realpath(meant) else called
        return cls(git.text("rev-parse", "--show-toplevel"))

    def entries(self) -> dict[str, StagedEntry]:
        """Return what is staged, by path from the root.

        Raises:
            RepositoryError: a file has several versions, because a merge is not finished.
        """
        found = {}
        for row in self._git.names("ls-files", "--stage", "-z", "--full-name"):
            head, _, path = row.partition("\t")
            mode, name, stage = head.split(" ")
            if stage != "0":
                raise RepositoryError(
                    "a merge left it in several versions", location=path, hint="solve the conflict, then: git add FILE"
                )
            found[path] = StagedEntry(mode, name)
        return found

    def changed(self) -> list[str]:
        """Return the paths that differ from the last commit, and are still there; all, where there is no commit yet."""
        head = self._git.text("rev-parse", "--verify", "--quiet", "HEAD^{commit}", accept=(0, 1, 128))
        if not head:
            return list(self.entries())
        words = os.fsdecode(self._git.silently("diff-index", "--cached", *RAW, head, "--")).split("\0")
        return [one.path for one in raw_changes(word for word in words if word) if one.after.strip("0")]

    def stages(self, path: str, *, undone: bool = False) -> dict[int, StagedEntry]:
        """Return what an unfinished merge left of a path: 1 is the base, 2 ours, 3 theirs; nothing where it is settled.

        `undone`: where it is settled, what git remembers that there was. Source: git-ls-files(1), `--resolve-undo`.
        """
        found = {}
        which = "--resolve-undo" if undone else "--unmerged"
        for row in self._git.names("ls-files", which, "-z", "--full-name", "--", path):
            head, _, name = row.partition("\t")
            mode, blob, stage = head.split(" ")
            if name == path:
                found[int(stage)] = StagedEntry(mode, blob)
        return found

    def settle(self, path: str, data: bytes | None, like: StagedEntry) -> None:
        """Stage `data` as the one version of a path, with the mode of `like`; None takes the path away.

        The bytes are staged as they are: no filter or line end changes them. Raises: RepositoryError.
        """
        mode, blob = (
            ("0", "0" * len(like.id)) if data is None else (like.mode, *write_blobs(self._git, [data], like.id))
        )
        line = f"{mode} {blob}\t".encode("ascii") + os.fsencode(path) + b"\0"
        self._git.silently("update-index", "-z", "--index-info", source=line)

    def read(self, blob: str) -> bytes:
        """Return a staged file by the id of its blob. Raises: RepositoryError."""
        self._reader = self._reader or ObjectReader(self._git)
        return self._reader.read(blob)
