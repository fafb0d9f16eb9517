"""What git's merge of one file comes to: the merged file, or git's own text merge without a key, or ours as it was.

Nothing is asked for, and nobody is contacted. Whatever does not end clean is noted in the git folder before the file is
written: a file without markers would be committed without a look.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from secretsync import files
from secretsync.documents.tree import Limits
from secretsync.errors import SecretsyncError
from secretsync.late import LateModule
from secretsync.letters import argument
from secretsync.masterkeys.of_this_machine import NO_KEY, KeysOfThisMachine
from secretsync.merging.conflicts import ConflictKind, MergeConflict
from secretsync.merging.files import MergedFile, Texts, merge_files, place_of

if TYPE_CHECKING:
    import secretsync.git.running as running
    import secretsync.git.unresolved as unresolved
    import secretsync.merging.rules as rules
    from secretsync.keyring.naming import FileRule
else:
    running = LateModule("secretsync.git.running")  # no clean merge needs git
    unresolved = LateModule("secretsync.git.unresolved")
    rules = LateModule("secretsync.merging.rules")  # nor do most need a rule

_RULES_FIRST: Final = "differ, and both sides changed the rules, which are to be merged first"
_MOST_CONFLICTS: Final = 127
"""How many conflicts `git merge-file` counts by its exit code; beyond that is an error. Source: git-merge-file(1)."""
CLEAN: Final = 0
CONFLICT: Final = 1


class DriverCall(NamedTuple):
    """What git asks of a merge driver: three files, of which `ours` takes the result, and the path in the work tree."""

    base: str
    ours: str
    theirs: str
    path: str
    marker_size: int


class Line(NamedTuple):
    """A line for people; `kind` is `conflict`, `error`, `warning` or `hint`."""

    kind: str
    text: str


class DriverResult(NamedTuple):
    """How a merge ended: the exit code for git, and what to say."""

    code: int
    lines: list[Line]


def drive(call: DriverCall, environ: Mapping[str, str], now: datetime) -> DriverResult:
    """Merge one file for git: write the result to `call.ours`, or leave that as it is.

    Raises:
        FileAccessError: the result cannot be written.
    """
    try:
        merged = _merged(call, environ, now)
    except NO_KEY as error:
        return _as_text(call, error)
    except SecretsyncError as error:
        return _refused(call, error, environ)
    if not merged.conflicts:
        _write(call, merged.text)
        return DriverResult(CLEAN, _notes(call, merged))
    lines = [Line("conflict", _sentence(call, each, merged)) for each in merged.conflicts]
    noted = _note(call, _reason(merged.conflicts))
    _write(call, merged.text)
    return DriverResult(CONFLICT, [*_notes(call, merged), *lines, *noted, Line("hint", _remedy(call, merged))])


def _merged(call: DriverCall, environ: Mapping[str, str], now: datetime) -> MergedFile:
    limits = Limits()
    texts = Texts(*(_read(each, limits.size) for each in (call.base, call.ours, call.theirs)))
    with KeysOfThisMachine(environ) as keys:

        def find_rule() -> FileRule | None:
            return rules.rule_for(call.path, now.date())

        merged = merge_files(texts, path=call.path, keys=keys, rule=find_rule, now=now, limits=limits)
    if merged.by_rule and rules.both_changed_rules(os.getcwd(), call.path, environ):
        rules_first = MergeConflict(1, 0, (), ConflictKind.RECIPIENTS, detail=_RULES_FIRST)
        return MergedFile(texts.ours, (rules_first,), ())
    return merged


def _read(path: str, limit: int) -> bytes:
    folder, name = os.path.split(os.path.abspath(path))
    try:
        return files.read_confined(folder, name, limit)
    except SecretsyncError as error:
        error.location = ""
        raise


def _write(call: DriverCall, text: bytes) -> None:
    """Put the result in place of ours in one step, unless it is that."""
    if files.read(call.ours) != text:
        files.write_atomic(call.ours, text)


def _as_text(call: DriverCall, error: SecretsyncError) -> DriverResult:
    """Let git merge the texts, with markers: who has no key is no worse off than without a driver."""
    lines = [Line("warning", f"{call.path}: merged as text, since no key here opens it: {error}")]
    noted = _note(call, "merged as text, without a key")
    command = ("merge-file", "-p", f"--marker-size={call.marker_size}", "-L", "ours", "-L", "base", "-L", "theirs")
    try:
        git = running.Git.called_by_git(os.getcwd())
        text = git.output(*command, "--", call.ours, call.base, call.theirs, accept=range(_MOST_CONFLICTS + 1))
    except SecretsyncError as failure:
        return DriverResult(CONFLICT, [*lines, *noted, Line("warning", f"{call.path}: {failure.message}")])
    _write(call, text)
    hint = f"where the key is: secretsync resolve {argument(call.path)}"
    return DriverResult(CONFLICT, [*lines, *noted, Line("hint", hint)])


def _refused(call: DriverCall, error: SecretsyncError, environ: Mapping[str, str]) -> DriverResult:
    place, message = error.location or "", error.message
    heads = rules.merged_commits(environ) if place.startswith("theirs") else []
    commit = f" (theirs is commit {heads[0][:12]})" if len(heads) == 1 else ""
    text = ": ".join(filter(None, (f"{call.path} {place}".rstrip(), message)))
    noted = _note(call, f"refused: {place}: {message}" if place else f"refused: {message}")
    hint = error.hint or f"the file is as ours has it; when that is put right: secretsync resolve {argument(call.path)}"
    return DriverResult(CONFLICT, [Line("error", f"{text}; it was not merged{commit}"), *noted, Line("hint", hint)])


def _note(call: DriverCall, reason: str) -> list[Line]:
    """Note that the merge is not finished; where that cannot be, say so."""
    try:
        unresolved.UnresolvedMerges.of(os.getcwd()).note(call.path, reason)
    except SecretsyncError as error:
        return [Line("warning", f"{call.path}: the unfinished merge could not be noted: {error}")]
    return []


def _notes(call: DriverCall, merged: MergedFile) -> list[Line]:
    return [Line("note", f"{call.path}: {note.replace('FILE', argument(call.path))}") for note in merged.notes]


def _sentence(call: DriverCall, conflict: MergeConflict, merged: MergedFile) -> str:
    place = place_of(conflict.document if merged.several else 0, conflict.path)
    words = f"{conflict.kind.value} {conflict.detail}".rstrip()
    return f"{f'{call.path} {place}'.rstrip()}: {words}"


def _reason(conflicts: tuple[MergeConflict, ...]) -> str:
    first = conflicts[0]
    more = f", and {len(conflicts) - 1} more" if len(conflicts) > 1 else ""
    return ": ".join(filter(None, ("conflict", place_of(0, first.path), f"{first.kind.value}{more}")))


def _remedy(call: DriverCall, merged: MergedFile) -> str:
    command = f"secretsync resolve {argument(call.path)}"
    first = any(each.detail == _RULES_FIRST for each in merged.conflicts)
    return f"merge .sops.yaml first, then: {command}" if first else command
