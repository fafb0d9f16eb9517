"""The rule that is for a file in a merge: the work tree's, which is that of ours while git merges.

Where both sides of a merge changed the rules, no rule counts yet: which one will is what their own merge decides.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from secretsync import files
from secretsync.errors import SecretsyncError
from secretsync.keyring.naming import FileRule, Naming, deciding
from secretsync.keyring.sources import FOLDER
from secretsync.late import LateModule
from secretsync.letters import LOWER_HEX, consists_of
from secretsync.sops.config import FILE_NAME, find_config, load_config

if TYPE_CHECKING:
    import secretsync.git.running as running
    from secretsync.git.running import Git
else:
    running = LateModule("secretsync.git.running")  # only where the rules decided something

_HEAD_VARIABLE: Final = "GITHEAD_"
"""`git merge` has one of these for each commit that it merges. Source: git builtin/merge.c."""
_REBASE_DONE: Final = "rebase-merge/done"
"""The commits that a rebase has come to, the current one last. Source: git sequencer.c."""
_LARGEST: Final = 1 << 20
_ID_SIZES: Final = (40, 64)  # hexadecimal digits of SHA-1 and SHA-256


class _Merged(NamedTuple):
    """A commit that is merged into HEAD, and what it was made from."""

    theirs: str
    base: str


def rule_for(path: str, today: date) -> FileRule | None:
    """Return the rule for a file, relative to the working folder: the key ring's, else that of `.sops.yaml`.

    Raises:
        ConfigError, FileAccessError: a rule file cannot be read, or is malformed.
    """
    here = find_config(".")
    return deciding(Naming(load_config(here) if here else None, today=today).rules_for(path))


def both_changed_rules(folder: str, path: str, environ: Mapping[str, str]) -> bool:
    """Whether both sides of the merge or rebase that runs in `folder` changed a `.sops.yaml` for `path`, or the key ring.

    A single cherry-pick, revert or stash does not say what it merges while it does: there, the rules of ours count.
    """
    git = running.Git.called_by_git(folder)
    try:
        return any(_differ(git, each, _rule_files(path)) for each in _merged(git, environ))
    except SecretsyncError:
        return False


def merged_commits(environ: Mapping[str, str]) -> list[str]:
    """Return the ids of the commits that `git merge` merges into HEAD, as far as it says so."""
    heads = [name.removeprefix(_HEAD_VARIABLE) for name in environ if name.startswith(_HEAD_VARIABLE)]
    return [each for each in heads if len(each) in _ID_SIZES and consists_of(each, LOWER_HEX)]


def _merged(git: Git, environ: Mapping[str, str]) -> Iterator[_Merged]:
    heads = merged_commits(environ)
    for theirs in heads:
        yield _Merged(theirs, git.text("merge-base", "HEAD", theirs))
    words = _last_line(os.path.join(git.folder, git.text("rev-parse", "--git-path", _REBASE_DONE))).split()
    if not heads and len(words) > 1 and consists_of(words[1], LOWER_HEX):
        yield _Merged(words[1], f"{words[1]}^")


def _rule_files(path: str) -> list[str]:
    """Return where rules for a file can stand: in its folder and those above, and in the key ring."""
    folders = path.split("/")[:-1]
    return [FOLDER, *("/".join([*folders[:depth], FILE_NAME]) for depth in range(len(folders) + 1))]


def _last_line(path: str) -> str:
    if not os.path.exists(path):
        return ""
    lines = files.read_confined(os.path.dirname(path), os.path.basename(path), _LARGEST).decode(errors="replace")
    return (lines.strip().splitlines() or [""])[-1]


def _differ(git: Git, merged: _Merged, names: list[str]) -> bool:
    base, ours, theirs = (_ids(git, commit, names) for commit in (merged.base, "HEAD", merged.theirs))
    return any(base.get(name) != ours.get(name) != theirs.get(name) != base.get(name) for name in names)


def _ids(git: Git, commit: str, names: list[str]) -> dict[str, str]:
    """Return mode and id of each of the files or folders that a commit has."""
    rows = [row.partition("\t") for row in git.names("ls-tree", "-z", "--full-tree", commit, "--", *names)]
    return {name: what for what, _, name in rows}
