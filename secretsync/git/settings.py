"""What git is told, whatever its configuration and our environment say.

Only plumbing is run, which leaves most settings without effect; those that could start a program, contact somebody or
change a result are fixed here. Sources: git-config(1), git(1) ENVIRONMENT VARIABLES, gitattributes(5), gitprotocol(5).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from secretsync import programs
from secretsync.programs import Sees

FIXED: Final[Mapping[str, str]] = {
    # A folder that looks like a repository can be committed into another one.
    "safe.bareRepository": "explicit",
    # What starts a program.
    "core.fsmonitor": "false",
    "core.hooksPath": os.devnull,
    "core.sshCommand": "false",
    "core.gitProxy": "",
    "core.askPass": "",
    "core.alternateRefsCommand": "false",
    "core.pager": "cat",
    "core.editor": "false",
    "credential.helper": "",
    "protocol.allow": "never",
    "gc.auto": "0",
    "maintenance.auto": "false",
    # What changes bytes, lists or output.
    "core.attributesFile": os.devnull,
    "core.excludesFile": os.devnull,
    "core.autocrlf": "false",
    "core.eol": "lf",
    "core.safecrlf": "false",
    "core.fileMode": "true",
    "core.checkStat": "default",
    "core.trustctime": "true",
    "core.ignoreStat": "false",
    "core.useReplaceRefs": "false",  # older versions of git let it win over --no-replace-objects
    "core.quotePath": "false",
    "core.bigFileThreshold": "512m",
    "core.untrackedCache": "false",
    "core.splitIndex": "false",
    "core.sparseCheckout": "false",
    "core.protectNTFS": "true",
    "core.protectHFS": "true",
    "i18n.commitEncoding": "UTF-8",
    "i18n.logOutputEncoding": "UTF-8",
    "log.showSignature": "false",
    "submodule.recurse": "false",
    "color.ui": "false",
    # One wait for many objects, and a branch that is on disk when git says so.
    "core.fsync": "committed,reference",
    "core.fsyncMethod": "batch",
}

OPTIONS: Final = ("--no-pager", "--no-replace-objects", "--no-optional-locks", "--literal-pathspecs")

_OURS: Final[Mapping[str, str]] = {
    "LC_ALL": "C",
    "LANGUAGE": "C",
    "GIT_ALLOW_PROTOCOL": "",  # an empty list, which no setting widens
    "GIT_NO_LAZY_FETCH": "1",  # in a partial clone, reading a blob would contact whom the repository names
    "GIT_GRAFT_FILE": os.devnull,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_TRACE2": "0",
    "GIT_TRACE2_EVENT": "0",
    "GIT_TRACE2_PERF": "0",
}
_KEPT: Final = frozenset({
    "SUDO_UID",  # git lets root work for whoever called sudo
    "DEVELOPER_DIR",  # where macOS keeps git
    *("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM"),  # where the user's own settings lie
    *("GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM"),
    *("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE"),
    *("GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "GIT_COMMITTER_DATE"),
})  # fmt: skip
_OF_THE_CALLER: Final = frozenset({
    *("GIT_DIR", "GIT_COMMON_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_QUARANTINE_PATH"),
})  # fmt: skip
"""What git says to a program that it calls about the repository at hand; of `git -c` it says nothing that counts here."""

_PROGRAMS: Final[Mapping[str, str]] = {
    "gpg.program": "gpg",
    "gpg.openpgp.program": "gpg",
    "gpg.x509.program": "gpgsm",
    "gpg.ssh.program": "ssh-keygen",
    "gpg.ssh.defaultkeycommand": "false",
}
"""What makes signatures, and what git starts where nobody names a program; `false` for a command that nobody gave."""


class ConfigEntry(NamedTuple):
    """One entry of git's configuration: where it stands (`system`, `global`, `local`, …), name in lower case, value."""

    scope: str
    name: str
    value: str


def search_path(environ: Mapping[str, str]) -> str:
    """Return `PATH` without relative steps: git is started in folders of strangers."""
    return os.pathsep.join(step for step in environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(step))


def kind(*, signing: bool) -> Sees:
    """Return what git sees of our environment; where it signs, what the user's own program for that needs as well."""
    return _is_for_a_signer if signing else programs.GIT


def _is_for_a_signer(name: str) -> bool:
    return programs.EDITOR(name) and not name.upper().startswith("GIT_")


def given(environ: Mapping[str, str], *, called: bool = False) -> dict[str, str]:
    """Return what git is told in its environment. `called`: git called us, and its repository and index are meant."""
    kept = _KEPT | (_OF_THE_CALLER if called else frozenset())
    found = {name: value for name, value in environ.items() if name in kept}
    return {**found, **_OURS, "PATH": search_path(environ)}


def as_variables(given: Mapping[str, str]) -> dict[str, str]:
    """Return settings as variables of the environment: unlike after `-c`, a name may hold an equals sign."""
    found = {"GIT_CONFIG_COUNT": str(len(given))}
    for number, (name, value) in enumerate(given.items()):
        found |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return found


def parse(listed: bytes) -> Iterator[ConfigEntry]:
    """Yield the settings that `git config --list -z --show-scope` printed, in git's order."""
    words = os.fsdecode(listed).split("\0")
    for scope, entry in zip(words[::2], words[1::2], strict=False):
        name, _, value = entry.partition("\n")
        section, _, rest = name.partition(".")
        subsection, dot, key = rest.rpartition(".")
        yield ConfigEntry(scope, f"{section.lower()}.{subsection}{dot}{key.lower()}", value)


def without_programs(settings: Iterable[ConfigEntry]) -> dict[str, str]:
    """Return what takes every filter and every configured hook away, whatever their names are."""
    found: dict[str, str] = {}
    for setting in settings:
        section, _, rest = setting.name.partition(".")
        subject = rest.rpartition(".")[0]
        if section == "filter" and subject:
            found |= {f"filter.{subject}.{key}": "" for key in ("clean", "smudge", "process")}
            found[f"filter.{subject}.required"] = "false"
        elif section == "hook" and subject:
            found |= {
                f"hook.{subject}.enabled": "false",
                f"hook.{subject}.event": "",
                f"hook.{subject}.command": "false",
            }
    return found


def signing_programs(settings: Iterable[ConfigEntry]) -> dict[str, str]:
    """Return the programs that sign, as system and user name them; what a repository names does not count."""
    found = dict(_PROGRAMS)
    for setting in settings:
        if setting.scope in {"system", "global"} and setting.name in _PROGRAMS:
            found[setting.name] = setting.value
            if setting.name in {"gpg.program", "gpg.openpgp.program"}:  # two names of one setting
                found |= dict.fromkeys(("gpg.program", "gpg.openpgp.program"), setting.value)
    return found
