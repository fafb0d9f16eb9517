"""What a plan does where not everything can be changed here: what opens is, and the rest waits for somebody, by name."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from secretsync.rotation import preflight
from secretsync.rotation.model import FilePlan, LeftOut, Plan, Problem, WaitingFile
from secretsync.rotation.survey import Survey
from secretsync.sops.datakey import MasterKey

FLAG: Final = "--allow-partial"

_OF_ONE_FILE: Final = frozenset(
    {"cannot-open", "damaged", "unreadable", "nobody-here", "unknown-recipient", "retired-recipient", "no-rule"}
    | {"nobody-left", "recipient-unusable", "missing", "quoted", "rules"}
)
"""Kinds of problems that keep one file from being changed, and no other."""

BEYOND: Final = "beyond the budget of this run"
"""Why a file waits for nobody but another run."""

_CLOSED: Final = "no key here opens it"
_SHOWN: Final = 5


class Divided(NamedTuple):
    """What keeps all of the plan from being carried out, and what only keeps some of its files."""

    problems: list[Problem]
    waiting: list[WaitingFile]
    left_out: list[LeftOut]


def divided(survey: Survey, files: Iterable[FilePlan], problems: Iterable[Problem]) -> Divided:
    """Take the problems of single files out of the way: those files wait, or are left as they are."""
    planned = {file.path for file in files}
    known = {one.path: one for one in survey.files}
    hard: list[Problem] = []
    waiting: dict[str, WaitingFile] = {}
    left_out: dict[str, LeftOut] = {}
    for problem in problems:
        if problem.kind not in _OF_ONE_FILE:
            hard.append(problem)
        elif problem.path in planned:
            why = _CLOSED if problem.kind == "cannot-open" else problem.message
            waiting.setdefault(problem.path, _waiting(survey, problem.path, why))
        elif problem.path in known:
            names = survey.names_of(known[problem.path])
            left_out.setdefault(problem.path, LeftOut(problem.path, problem.kind, problem.message, names))
    return Divided(hard, [waiting[path] for path in sorted(waiting)], [left_out[path] for path in sorted(left_out)])


def beyond(plan: Plan, blobs: Mapping[str, str], budget: int) -> list[WaitingFile]:
    """Return the files that remain for another run; `blobs` are those of the branch, where there is one."""
    waiting = {one.path for one in plan.waiting}
    left = [file for file in plan.files if file.path not in waiting and blobs.get(file.path, file.blob) == file.blob]
    return [
        WaitingFile(
            file.path,
            [list(dict.fromkeys(plan.keys[name].principal or name for name in group)) for group in file.after],
            file.threshold or 1,
            BEYOND,
        )
        for file in left[budget:]
    ]


def of_recipients(files: Iterable[FilePlan], unusable: Mapping[str, Problem]) -> Iterator[Problem]:
    """Yield a problem for each file that cannot be wrapped for one of its recipients."""
    for file in files:
        for name in preflight.needed(file):
            if name in unusable:
                yield replace(unusable[name], path=file.path)


def hinted(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems where those of single files say how to do the others first."""
    how = f"{FLAG} does the others first"
    return [
        replace(one, hint=f"{one.hint}; {how}" if one.hint else how) if one.kind in _OF_ONE_FILE else one
        for one in problems
    ]


def nothing_rekeyed(survey: Survey, changed: Collection[FilePlan], left_out: Iterable[LeftOut]) -> list[Problem]:
    """Return a problem where keys would be taken out of the ring, no file be changed, and some file still names them."""
    if changed or not survey.access.lost:
        return []
    names = sorted(survey.before.label(one) for one in survey.access.lost)
    paths = [one.path for one in survey.files if survey.names_of(one)] + [one.path for one in left_out if one.names]
    if not paths:
        return []
    more = f" and {len(paths) - _SHOWN} more" if len(paths) > _SHOWN else ""
    message = (
        f"would take {', '.join(names)} out of the key ring and change no file, while these still name it: "
        f"{', '.join(sorted(set(paths))[:_SHOWN])}{more}"
    )
    hint = "let somebody carry it out who opens one of them; for a key that no secret is for: secretsync keys remove"
    return [Problem("", "nothing-rekeyed", message, hint)]


def _waiting(survey: Survey, path: str, why: str) -> WaitingFile:
    file = next(one for one in survey.files if one.path == path)
    readers = [list(dict.fromkeys(_readers(survey, group))) for group in file.groups]
    needed = (file.threshold or len(readers)) if len(readers) > 1 else 1
    return WaitingFile(path, readers, needed, why)


def _readers(survey: Survey, group: Iterable[MasterKey]) -> Iterator[str]:
    """Yield who of a key group can open a file and goes on being somebody: not whom the plan takes out."""
    for recipient in group:
        if recipient in survey.access.lost:
            continue
        found = survey.before.find(recipient)
        yield found[0].name if found else survey.before.label(recipient)
