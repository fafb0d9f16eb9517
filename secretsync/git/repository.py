"""A repository read by commit: its files, its refs and its log. Nothing here changes a working tree.

Paths are relative to the root of the working tree, or to a folder `within` it where the repository is seen from there,
which then is all that is seen of commits. Commits are full ids.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import NamedTuple

from secretsync import files
from secretsync.errors import RepositoryError, SecretsyncError
from secretsync.git.commits import LogEntry
from secretsync.git.history import RAW, REGULAR, History, RawChange, raw_changes
from secretsync.git.objects import ObjectReader, Spellings, as_is, blob_id
from secretsync.git.running import Git
from secretsync.git.subfolders import Subfolder
from secretsync.git.trees import files_holding

_REMOTE = "remote."
_URL = ".url"


def _names_a_promisor(setting: str) -> bool:
    """Whether only a partial clone has such a setting."""
    return setting == "extensions.partialclone" or (setting.startswith(_REMOTE) and setting.endswith(".promisor"))


def _is_bare(folder: str) -> bool:
    """Whether a folder looks like a repository without working tree, as git tells one."""
    parts = (os.path.join(folder, name) for name in ("objects", "refs"))
    return os.path.isfile(os.path.join(folder, "HEAD")) and all(map(os.path.isdir, parts)) and not _has_git(folder)


def _has_git(folder: str) -> bool:
    return os.path.lexists(os.path.join(folder, ".git"))


class TreeEntry(NamedTuple):
    """A file, link or submodule in a commit: its mode, and its id."""

    mode: str
    id: str


class Repository:
    """One repository, by any of its working trees, or a bare one by its own folder."""

    def __init__(self, root: str, *, directory: str = "", within: str = "") -> None:
        self.root = root
        self.place = Subfolder(within)
        self.git = Git(root, directory=directory)
        self.history = History(self.git, self.place)
        self._directory = directory

    @property
    def within(self) -> str:
        """The folder that paths are relative to, from the root; empty for the root."""
        return self.place.within

    def below(self, within: str) -> Repository:
        """Return the repository as seen from one of its folders. Raises: RepositoryError where that is no such path."""
        return self if within == self.within else Repository(self.root, directory=self._directory, within=within)

    @classmethod
    def containing(cls, folder: str | os.PathLike[str]) -> Repository:
        """Return the repository whose working tree holds `folder`.

        Raises:
            RepositoryError: there is none, git does not trust it, it is a bare one, or its settings put it elsewhere.
        """
        start = os.fspath(folder)
        root = Git(start).text("rev-parse", "--show-toplevel")
        inside = os.path.realpath(start)
        if os.path.commonpath([os.path.realpath(root), inside]) != os.path.realpath(root):
            raise RepositoryError(
                f"the settings of the repository say that its files are elsewhere, in {root!r}",
                location=start,
                hint="git config --unset core.worktree, or work there",
            )
        if not os.path.lexists(os.path.join(root, ".git")):
            raise RepositoryError("is a repository without .git, which nobody named", location=root)
        return cls(root)

    @classmethod
    def at(cls, directory: str | os.PathLike[str]) -> Repository:
        """Return the repository in a folder that somebody named: a bare one, or a `.git`. Raises: RepositoryError."""
        where = os.path.abspath(directory)
        if not os.path.isdir(where):
            raise RepositoryError("no such folder", location=where)
        found = cls(where, directory=where)
        found.git.text("rev-parse", "--git-dir")
        return found

    @classmethod
    def read_in(cls, folder: str | os.PathLike[str]) -> Repository:
        """Return the repository whose working tree holds `folder`, or the bare one that `folder` is, such as a mirror.

        One that lies in another repository may have been committed there, and has to be named. Raises: RepositoryError.
        """
        where = os.path.realpath(folder)
        above = [*itertools.accumulate(where.split(os.sep)[:-1], lambda one, step: f"{one}{os.sep}{step}")]
        if _is_bare(where) and not any(_is_bare(one or os.sep) or _has_git(one or os.sep) for one in above):
            return cls.at(where)
        return cls.containing(folder)

    @cached_property
    def common(self) -> str:
        """The folder of the repository itself, which all its working trees share."""
        return os.path.join(self.root, self.git.text("rev-parse", "--git-common-dir"))

    def resolve(self, name: str) -> str:
        """Return the id of the commit that `name` means. Raises: RepositoryError."""
        found = self.git.text(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", accept=(0, 1, 128)
        )
        if not found:
            raise RepositoryError(f"no commit {name!r}", location=self.root)
        return found

    def is_shallow(self) -> bool:
        """Whether history is cut off, so that what it says of the past is not all."""
        return self.git.text("rev-parse", "--is-shallow-repository") == "true"

    def is_sparse(self) -> bool:
        """Whether the working tree shows a part of the commit only; whatever is read here comes from the commit."""
        own = [one for one in self.git.settings if one.name == "core.sparsecheckout" and one.scope != "command"]
        return bool(own) and own[-1].value.lower() in {"", "true", "yes", "on", "1"}

    def cut_off(self) -> frozenset[str]:
        """Return the commits whose parents a shallow clone left out."""
        if not self.is_shallow():
            return frozenset()
        return frozenset(files.read(os.path.join(self.common, "shallow")).decode("ascii").split())

    def left_out(self) -> frozenset[str]:
        """Return the objects that history names and a partial clone left out; none of them is fetched."""
        return self._left_out

    @cached_property
    def remotes(self) -> frozenset[str]:
        """The names of the remote repositories that the settings tell of."""
        names = (one.name for one in self.git.settings)
        return frozenset(
            name.removeprefix(_REMOTE).removesuffix(_URL)
            for name in names
            if name.startswith(_REMOTE) and name.endswith(_URL)
        )

    @cached_property
    def _left_out(self) -> frozenset[str]:
        """Looked for once: it takes a walk over all of history, and what we write ourselves is never left out."""
        if not any(_names_a_promisor(one.name) for one in self.git.settings):
            return frozenset()
        found = self.git.ids("rev-list", "--objects", "--no-object-names", "--missing=print", "--all", "HEAD", "--")
        return frozenset(words[0][1:] for words in found if words[0].startswith("?"))

    def require_committer(self) -> None:
        """Make sure that commits can be made. Raises: RepositoryError where git does not know who we are."""
        if not all(self.git.text("var", f"GIT_{who}_IDENT", accept=(0, 128)) for who in ("COMMITTER", "AUTHOR")):
            raise RepositoryError(
                "git does not know who commits here", location=self.root, hint="git config user.email you@example.org"
            )

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Whether the history of `of` holds `commit`."""
        return self.git.text("merge-base", commit, of, accept=(0, 1)) == commit

    def head(self) -> tuple[str, str]:
        """Return the commit of HEAD and the branch that it stands on; each may be empty."""
        commit = self.git.text("rev-parse", "--verify", "--quiet", "HEAD", accept=(0, 1))
        return commit, self.git.text("symbolic-ref", "--quiet", "HEAD", accept=(0, 1))

    def refs(self) -> dict[str, str]:
        """Return every branch, remote branch and tag with its commit, or with what else a tag names."""
        form = "%(refname)%00%(objectname)%00%(*objectname)%00"
        words = self.git.text("for-each-ref", f"--format={form}", "refs/heads", "refs/remotes", "refs/tags").split("\0")
        rows = zip(words[::3], words[1::3], words[2::3], strict=False)
        return {name.removeprefix("\n"): peeled or own for name, own, peeled in rows}

    def all_refs(self) -> dict[str, tuple[str, str]]:
        """Return every ref there is, with the type and id of what it leads to; tags of tags are followed."""
        form = "%(refname)%00%(objecttype)%00%(objectname)%00%(*objecttype)%00%(*objectname)%00"
        words = self.git.text("for-each-ref", f"--format={form}").split("\0")
        rows = zip(words[::5], words[1::5], words[2::5], words[3::5], words[4::5], strict=False)
        return {name.removeprefix("\n"): (there or kind, to or own) for name, kind, own, there, to in rows}

    def entries(self, commit: str, *under: str) -> dict[str, TreeEntry]:
        """Return what a commit holds but folders, by path; only what is `under` some paths, if given."""
        found = {}
        wanted = [self.place.from_root(path) for path in under] or ([self.within] if self.within else [])
        for row in self.git.names("ls-tree", "-r", "-z", "--full-tree", commit, "--", *wanted):
            head, _, path = row.partition("\t")
            mode, _, name = head.split(" ")
            if self.place.holds(path):
                found[self.place.from_here(path)] = TreeEntry(mode, name)
        return found

    def blobs(self, commit: str, *under: str) -> dict[str, str]:
        """Return the regular files of a commit, by path, with their blob ids; only those `under` some folders, if given."""
        return {path: entry.id for path, entry in self.entries(commit, *under).items() if entry.mode in REGULAR}

    def read(self, commit: str, path: str) -> bytes:
        """Return a file of a commit. Raises: RepositoryError where there is no such file in it."""
        blob = self.blobs(commit, path).get(path)
        if blob is None:
            raise RepositoryError(f"no file {path!r} in commit {commit[:12]}", location=self.root)
        with self.reader() as reader:
            return reader.read(blob)

    def files_with(self, commit: str, *texts: bytes) -> list[str]:
        """Return the paths of a commit's files that hold one of `texts`."""
        return self.files_of([commit], *texts).get(commit, [])

    def files_of(
        self,
        commits: Sequence[str],
        *texts: bytes,
        but_not: Sequence[str] = (),
        also: Sequence[bytes] = (),
        spellings: Spellings = as_is,
    ) -> dict[str, list[str]]:
        """Return, for each commit that has any, the paths of its files that hold one of `texts`; without `but_not`.

        With `also`, they hold one of those too. What a partial clone left out is passed over.
        """
        without = tuple(f"{folder}/" for folder in but_not)
        found = {}
        missing = self.left_out()
        with self.reader() as reader:
            for commit, every in files_holding(reader, commits, texts, also=also, spellings=spellings, missing=missing):
                paths = [self.place.from_here(path) for path in every if self.place.holds(path)]
                found[commit] = [path for path in paths if path not in but_not and not path.startswith(without)]
        return {commit: paths for commit, paths in found.items() if paths}

    def listed(self, folder: str) -> list[str]:
        """Return the files below a folder that are tracked, or that no `.gitignore` names; relative to the folder."""
        listing = ("ls-files", "-z", "--cached", "--others", "--exclude-per-directory=.gitignore")
        return sorted(set(Git(folder).names(*listing)))

    def dirty(self, paths: Iterable[str]) -> list[str]:
        """Return which of `paths` differ from HEAD in the working tree or the index, or are not tracked.

        No filter is asked: a file that was touched counts as changed unless its bytes are those of the index, line
        ends aside.
        """
        wanted = {self.place.from_root(path) for path in paths}
        changed = {one.path for one in self._compared("diff-index", "--cached", self.resolve("HEAD"))}
        changed |= {one.path for one in self._compared("diff-files") if one.path in wanted and self._differs(one)}
        tracked = set(self.git.names("ls-files", "-z", "--cached"))
        changed |= {path for path in wanted - tracked if os.path.lexists(os.path.join(self.root, path))}
        return sorted(self.place.from_here(path) for path in wanted & changed)

    def log(self, tip: str, *, without: str) -> list[LogEntry]:
        """Return the commits that lead to `tip` and not to `without`, newest first."""
        return self.history.entries(self.history.commits(tip, without=without))

    def reader(self) -> ObjectReader:
        """Return a reader of this repository's objects, to be used as a context."""
        return ObjectReader(self.git)

    def _compared(self, *arguments: str) -> list[RawChange]:
        verb, *rest = arguments
        found = os.fsdecode(self.git.silently(verb, *RAW, *rest)).split("\0")
        return list(raw_changes(word for word in found if word))

    def _differs(self, change: RawChange) -> bool:
        path = os.path.join(self.root, change.path)
        if change.mode not in REGULAR or os.path.islink(path):
            return True
        try:
            data = files.read(path)
        except SecretsyncError:
            return True
        return change.before not in {blob_id(one, change.before) for one in (data, data.replace(b"\r\n", b"\n"))}
