"""What commits did to files, from `rev-list` and `diff-tree`: ids and NUL only, whatever the files are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from secretsync.git.commits import LogEntry, parse
from secretsync.git.objects import ObjectReader
from secretsync.git.running import Git
from secretsync.git.subfolders import Subfolder

REGULAR: Final = frozenset({"100644", "100755"})
_SUBMODULE: Final = "160000"
RAW: Final = ("--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all")
"""How every comparison is printed: modes and ids, and no program asked what a file says."""
_RENAMED: Final = (*(each for each in RAW if each != "--no-renames"), "--find-renames", "-l0", "--diff-filter=R")
"""The same for renamed files alone, however many there are in one commit: each has its name before and its name after."""


class RawChange(NamedTuple):
    """One entry of a comparison: mode afterwards, the blobs before and after (zeros: none or unknown), and the path."""

    mode: str
    before: str
    after: str
    path: str
    mode_before: str


class Arrival(NamedTuple):
    """A file as one commit left it: the blobs before (zeros: none) and after."""

    commit: str
    path: str
    before: str
    after: str


class FollowedCommit(NamedTuple):
    """A commit on the way that first parents lead, and what it did to the first of its parents."""

    commit: str
    is_merge: bool
    changes: list[RawChange]


def raw_changes(words: Iterable[str]) -> Iterator[RawChange]:
    """Yield the changes of a comparison in `--raw -z`; a name may look like anything, so places alone tell."""
    following = iter(words)
    for head in following:
        mode_before, mode, before, after, _ = head.lstrip(":").split(" ")
        none = "0" * len(after)  # a submodule's commit lies elsewhere
        yield RawChange(
            mode,
            none if mode_before == _SUBMODULE else before,
            none if mode == _SUBMODULE else after,
            next(following),
            mode_before,
        )


class History:
    """The commits that lead to others, and what they did below `place`; where it says so, also outside of it."""

    def __init__(self, git: Git, place: Subfolder) -> None:
        self._git = git
        self._place = place

    def commits(self, tip: str, *, without: str = "", at: Sequence[str] = ()) -> list[str]:
        """Return the ids of `tip` and what leads to it, newest first; not what leads to `without`; only those `at` paths."""
        exclude = [f"^{without}"] if without else []
        return [words[0] for words in self._git.ids("rev-list", tip, *exclude, "--", *map(self._place.from_root, at))]

    def parents(self, tip: str, *, without: str) -> dict[str, list[str]]:
        """Return the commits that lead to `tip` and not to `without`, newest first, each with its parents."""
        return {words[0]: words[1:] for words in self._git.ids("rev-list", "--parents", tip, f"^{without}", "--")}

    def fork(self, tip: str, other: str) -> str:
        """Return the newest commit on the line of first parents of `tip` that leads to `other`; empty where none does."""
        walk = self._git.ids("rev-list", "--first-parent", "--parents", tip, f"^{other}", "--")
        if not walk:
            return tip
        return walk[-1][1] if len(walk[-1]) > 1 else ""

    def merge_bases(self, tips: Sequence[str]) -> list[str]:
        """Return the best commits that lead to all of some tips; none where their histories have nothing in common."""
        return [words[0] for words in self._git.ids("merge-base", "--octopus", "--all", *tips, accept=(0, 1))]

    def compared(self, pairs: Iterable[Sequence[str]]) -> dict[str, list[RawChange]]:
        """Return what each commit changed, given with the parent to compare it with; one without a parent, against nothing.

        What lies outside the folder counts, and has a path that leads up.
        """
        found: dict[str, list[RawChange]] = {}
        for commit, one in self._changes(pairs, "--ignore-submodules=none", outside=True):
            found.setdefault(commit, []).append(one)
        return found

    def versions(self, tip: str, paths: Iterable[str]) -> dict[str, set[str]]:
        """Return every blob that each of `paths` was up to `tip`, on whatever line of history."""
        found: dict[str, set[str]] = {path: set() for path in paths}
        walk = (
            self._git.ids("rev-list", "--full-history", tip, "--", *map(self._place.from_root, found)) if found else []
        )
        for _, one in self._changes(walk, "-m"):
            if one.path in found:
                found[one.path] |= {blob for blob in (one.before, one.after) if blob.strip("0")}
        return found

    def brought_in(self) -> tuple[set[tuple[str, str]], set[str]]:
        """Return every (path, blob id) that a commit of any ref, stashes included, brought in; and every submodule."""
        changes = [
            one for _, one in self._changes(self._git.ids("rev-list", "--all", "--"), "-m", "--ignore-submodules=none")
        ]
        files = {(one.path, one.after) for one in changes if one.mode in REGULAR}
        return files, {one.path for one in changes if one.mode == _SUBMODULE}

    def arrivals(self, tip: str) -> list[Arrival]:
        """Return every file that a commit up to `tip` made or changed, newest commit first; a merge against each parent."""
        walk = self._git.ids("rev-list", tip, "--")
        return [
            Arrival(commit, one.path, one.before, one.after)
            for commit, one in self._changes(walk, "-m")
            if one.mode in REGULAR
        ]

    def arrivals_at(self, tips: Sequence[str], paths: Iterable[str], *, limit: int) -> list[Arrival]:
        """Return every version of some paths that leads to `tips`, newest first; at most `limit` commits are looked at."""
        wanted = set(paths)
        at = map(self._place.from_root, wanted)
        walk = self._git.ids("rev-list", "--full-history", f"--max-count={limit}", *tips, "--", *at)
        return [
            Arrival(commit, one.path, one.before, one.after)
            for commit, one in self._changes(walk, "-m")
            if one.path in wanted and one.mode in REGULAR
        ]

    def names_of(self, tips: Sequence[str], path: str, *, limit: int) -> list[str]:
        """Return what a file was called up to `tips`, itself first, as far as git tells a renamed file by its content.

        At most `limit` commits are looked at for each name.
        """
        names = [self._place.from_root(path)]
        for name in names:  # which grows
            walk = self._git.ids("rev-list", "--full-history", f"--max-count={limit}", *tips, "--", name)
            lines = "".join(f"{words[0]}\n" for words in walk).encode("ascii")
            words = iter(self._git.names("diff-tree", "--stdin", "-r", "--root", "-m", *_RENAMED, source=lines))
            for word in words:
                if word.startswith(":"):
                    before, after = next(words), next(words)
                    if after == name and before not in names:
                        names.append(before)
        return [self._place.from_here(name) for name in names]

    def followed(self, tip: str, *, without: str = "", limit: int = -1) -> list[FollowedCommit]:
        """Return `tip` and what first parents lead to, newest first; not what leads to `without`; at most `limit`.

        What lies outside the folder counts, and has a path that leads up.
        """
        exclude = [f"^{without}"] if without else []
        walk = self._git.ids("rev-list", "--first-parent", "--parents", f"--max-count={limit}", tip, *exclude, "--")
        changes: dict[str, list[RawChange]] = {words[0]: [] for words in walk}
        for commit, one in self._changes((words[:2] for words in walk), outside=True):
            changes[commit].append(one)
        return [FollowedCommit(words[0], len(words) > 2, changes[words[0]]) for words in walk]  # itself, a parent

    def last_authors(self, tip: str, paths: Iterable[str]) -> dict[str, str]:
        """Return the address of who changed each file last; `nobody` where history does not tell."""
        wanted = set(paths)
        commit_of: dict[str, str] = {}
        for commit, one in self._changes(self._git.ids("rev-list", tip, "--")):
            if one.path in wanted:
                commit_of.setdefault(one.path, commit)
        entries = {entry.commit: entry for entry in self.entries(dict.fromkeys(commit_of.values()))}
        return {path: entries[commit_of[path]].address if path in commit_of else "nobody" for path in wanted}

    def introduced(self, tip: str, path: str, text: bytes) -> LogEntry | None:
        """Return the last commit that brought a text into a file which did not hold it before."""
        changes = self._changes([[commit] for commit in self.commits(tip, at=[path])])
        with ObjectReader(self._git) as reader:
            for commit, one in changes:
                before, after = (self._blob(reader, blob) for blob in (one.before, one.after))
                if one.path == path and text in after and text not in before:
                    return self.entries([commit])[0]
        return None

    def entries(self, names: Iterable[str]) -> list[LogEntry]:
        """Return commits by their ids."""
        wanted = list(names)
        with ObjectReader(self._git) as reader:
            return [parse(*pair) for pair in zip(wanted, reader.contents(wanted, "commit"), strict=True)]

    def _changes(
        self, walk: Iterable[Sequence[str]], *options: str, outside: bool = False
    ) -> Iterator[tuple[str, RawChange]]:
        """Yield what commits did, each given as its id and, to compare with others than its own, those parents.

        `outside`: not below the folder alone.
        """
        place = self._place
        lines = "".join(f"{' '.join(words)}\n" for words in walk).encode("ascii")
        words = iter(self._git.names("diff-tree", "--stdin", "-r", "--root", *RAW, *options, source=lines))
        commit = ""
        for word in words:
            if word.startswith(":"):
                for one in raw_changes([word, next(words)]):
                    if not place.within:
                        yield commit, one
                    elif outside or place.holds(one.path):
                        yield commit, one._replace(path=place.from_here(one.path))
            else:
                commit = word

    @staticmethod
    def _blob(reader: ObjectReader, blob: str) -> bytes:
        return reader.read(blob) if blob.strip("0") else b""
