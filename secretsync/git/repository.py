"""A repository read by commit: its files, its refs and its log. Nothing here changes a working tree.

Paths are relative to the root of the working tree, commits are full ids.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from secretsync.errors import RepositoryError
from secretsync.git.objects import ObjectReader
from secretsync.git.running import Git

_FIELD, _RECORD = "%x1f", "%x1e"
_MANY = 500  # commits on one command line


class LogEntry(NamedTuple):
    """One commit: id, author (`Name <address>`), committer date (ISO 8601, self-declared), its message."""

    commit: str
    author: str
    date: str
    message: str

    def trailer(self, name: str) -> str:
        """Return the value of a trailer line of the message, or nothing."""
        prefix = f"{name}: "
        return next((line[len(prefix) :] for line in self.message.splitlines() if line.startswith(prefix)), "")


class FileChange(NamedTuple):
    """What one commit did to one file: the blobs before and after (zeros: none), and the committer's date."""

    commit: str
    date: str
    path: str
    before: str
    after: str


class Repository:
    """One repository, by any of its working trees."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.git = Git(root)
        self.common = os.path.join(root, self.git.text("rev-parse", "--git-common-dir"))

    @classmethod
    def containing(cls, folder: str | os.PathLike[str]) -> Repository:
        """Return the repository whose working tree holds `folder`. Raises: RepositoryError."""
        root = Git(os.fspath(folder)).text("rev-parse", "--show-toplevel")
        return cls(root)

    def resolve(self, name: str) -> str:
        """Return the id of the commit that `name` means. Raises: RepositoryError."""
        found = self.git.text(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", accept=(0, 1, 128)
        )
        if not found:
            raise RepositoryError(f"there is no commit {name!r}", location=self.root)
        return found

    def is_shallow(self) -> bool:
        """Whether history is cut off, so that what it says of the past is not all."""
        return self.git.text("rev-parse", "--is-shallow-repository") == "true"

    def require_committer(self) -> None:
        """Make sure that commits can be made. Raises: RepositoryError where git does not know who we are."""
        if not self.git.text("var", "GIT_COMMITTER_IDENT", accept=(0, 128)):
            raise RepositoryError(
                "git does not know who commits here", location=self.root, hint="git config user.email you@example.org"
            )

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Whether the history of `of` holds `commit`."""
        return self.git.text("merge-base", commit, of, accept=(0, 1)) == commit

    def branch(self) -> str:
        """Return the name of the branch that is checked out, empty on a detached HEAD."""
        return self.git.text("symbolic-ref", "--quiet", "--short", "HEAD", accept=(0, 1))

    def refs(self) -> dict[str, str]:
        """Return every branch, remote branch and tag with its commit."""
        form = "%(refname)%00%(objectname)%00%(*objectname)%00"
        lines = self.git.text("for-each-ref", f"--format={form}", "refs/heads", "refs/remotes", "refs/tags")
        rows = [line.split("\0") for line in lines.splitlines()]
        return {row[0]: row[2] or row[1] for row in rows}

    def blobs(self, commit: str, *under: str) -> dict[str, str]:
        """Return the regular files of a commit, by path, with their blob ids; only those `under` some folders, if given."""
        rows = self.git.names("ls-tree", "-r", "-z", "--full-tree", commit, *under)
        found = {}
        for row in rows:
            head, _, path = row.partition("\t")
            mode, _, blob = head.split(" ")
            if mode in {"100644", "100755"}:
                found[path] = blob
        return found

    def files_with(self, commit: str, text: str) -> list[str]:
        """Return the paths of a commit's files that hold `text`."""
        return self.files_of([commit], text).get(commit, [])

    def files_matching(self, commit: str, patterns: Sequence[str]) -> list[str]:
        """Return the paths of a commit's files in which one of `patterns`, extended regular expressions, is found."""
        expressions = [word for pattern in patterns for word in ("-e", pattern)]
        grep = ("grep", "-l", "-z", "-E", "--full-name", *expressions, commit, "--", ":(top)")
        return [name.partition(":")[2] for name in self.git.names(*grep, accept=(0, 1))]

    def files_of(self, commits: Sequence[str], text: str, *, but_not: Sequence[str] = ()) -> dict[str, list[str]]:
        """Return, for each commit that has any, the paths of its files that hold `text`; `but_not` are left out."""
        exclude = [f":(exclude,top){folder}" for folder in but_not]
        found: dict[str, list[str]] = {}
        for start in range(0, len(commits), _MANY):
            some = commits[start : start + _MANY]
            grep = ("grep", "-l", "-z", "-F", "--full-name", "-e", text, *some, "--", ":(top)", *exclude)
            for name in self.git.names(*grep, accept=(0, 1)):
                commit, _, path = name.partition(":")
                found.setdefault(commit, []).append(path)
        return found

    def dirty(self, paths: Iterable[str]) -> list[str]:
        """Return which of `paths` differ from HEAD in the working tree or the index, or are not tracked."""
        rows = self.git.names("status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all")
        changed = {row[3:] for row in rows}
        return sorted(changed.intersection(paths))

    def log(self, *arguments: str) -> list[LogEntry]:
        """Return the commits that `git log` with these arguments lists, newest first."""
        form = f"--format={_FIELD.join(('%H', '%an <%ae>', '%cI', '%B'))}{_RECORD}"
        text = self.git.text("log", form, *arguments)
        return [LogEntry(*record.strip("\n").split("\x1f", 3)) for record in text.split("\x1e") if record.strip("\n")]

    def reader(self) -> ObjectReader:
        """Return a reader of this repository's objects, to be used as a context."""
        return ObjectReader(self.git)

    def history(self) -> set[tuple[str, str]]:
        """Return every (path, blob id) that a commit of any ref, stashes included, brought in."""
        form = ("log", "--all", "--format=", "--raw", "-z", "--no-abbrev", "--no-renames", "--diff-merges=separate")
        words = self.git.names(*form, "--diff-filter=AM", "--root")
        found = set()
        for head, path in zip(words[::2], words[1::2], strict=True):
            _, mode, _, blob, _ = head.lstrip("\n:").split(" ")
            if mode in {"100644", "100755"}:
                found.add((path, blob))
        return found

    def changes(self, commit: str) -> list[FileChange]:
        """Return what every commit up to `commit` did to every file, newest first; along the first parents."""
        form = ("log", "--first-parent", "--raw", "-z", "--no-abbrev", "--no-renames", "--diff-merges=first-parent")
        log = os.fsdecode(self.git.output(*form, "--root", "--format=%x1e%H%x1f%cI%x1f", commit))
        found = []
        for record in log.split("\x1e")[1:]:
            name, date, rest = record.split("\x1f", 2)
            words = [word for word in rest.lstrip("\0\n").split("\0") if word]
            for head, path in zip(words[::2], words[1::2], strict=True):
                _, _, before, after, _ = head.lstrip(":").split(" ")
                found.append(FileChange(name, date, path, before, after))
        return found

    def last_authors(self, commit: str, paths: Iterable[str]) -> dict[str, str]:
        """Return who changed each file last, from one walk through the history; `nobody` where that does not tell."""
        wanted = set(paths)
        found = dict.fromkeys(wanted, "nobody")
        log = self.git.output("log", "--format=%x1e%ae%x1f", "--name-only", "-z", "--no-renames", commit)
        for record in os.fsdecode(log).split("\x1e")[1:]:
            author, _, rest = record.partition("\x1f")
            names = rest.strip("\0\n").split("\0")
            for name in wanted.intersection(names):
                found[name] = author
                wanted.discard(name)
            if not wanted:
                break
        return found
