"""Long lists of a plan told in few lines: what has one cause is one line, with how many files it is and the first of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from secretsync.letters import counted
from secretsync.rotation.model import DATA_KEY, FilePlan, LeftOut, PhasePlan, Plan, Problem, WaitingFile

_NAMED: Final = 3  # files of a group
_LISTED: Final = 20  # files that somebody has to look after
_LONGEST: Final = 200  # characters of one cause; `-o json` has all of it
_MOST_LINES: Final = 60  # of files or tasks, one each


def changes(plan: Plan) -> str:
    """Return in one line what a plan changes, and who gains and loses how much by it."""
    files = plan.files
    what: Counter[str] = Counter(file.operation for file in files)
    parts = [counted(sum(len(phase.edits) for phase in plan.phases), "key ring file")]
    parts += [f"{counted(len(files), 'encrypted file')}{_of(what) if len(what) > 1 else ''}"]
    gained = Counter(name for file in files for name in file.added)
    lost = Counter(name for file in files for name in file.removed)
    parts += [f"{name} loses {counted(number, 'file')}" for name, number in sorted(lost.items())]
    parts += [f"{name} gains {counted(number, 'file')}" for name, number in sorted(gained.items())]
    return "; ".join(parts)


def _of(what: Counter[str]) -> str:
    return f" ({', '.join(f'{number:,} {name}' for name, number in what.items())})"


def file_lines(phase: PhasePlan) -> Iterator[tuple[str, FilePlan | None]]:
    """Yield what happens to each file; where there are many, to each group that has the same happen to it."""
    if len(phase.files) <= _MOST_LINES:
        yield from ((f"{file.operation:<10} {file.path}  {_change(file)}", file) for file in phase.files)
        return
    groups: dict[tuple[str, str], list[str]] = {}
    for file in phase.files:
        groups.setdefault((file.operation, _change(file)), []).append(file.path)
    for (operation, change), paths in groups.items():
        yield f"{operation:<10} {named(paths)}  {change}", None


def _change(file: FilePlan) -> str:
    change = [f"+{name}" for name in file.added] + [f"-{name}" for name in file.removed]
    return f"{' '.join(change)}{f'  ({file.why})' if file.why else ''}"


def problem_lines(problems: Iterable[Problem]) -> Iterator[str]:
    """Yield problems as sentences."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for one in problems:
        groups.setdefault((one.kind, one.message, one.hint), []).append(one.path or "keys/")
    for (_, message, hint), paths in groups.items():
        yield f"{named(paths)}: {brief(message)}{f' (hint: {hint})' if hint else ''}"


def note_lines(notes: Sequence[str]) -> Iterator[str]:
    """Yield notes; those which say the same of several files in one line."""
    groups: dict[str, list[str]] = {}
    for note in notes:
        path, _, text = note.partition(": ")
        groups.setdefault(text, []).append(path)
    for text, paths in groups.items():
        yield from (f"{named(paths)}: {text}",) if text else paths


def first_lines(lines: Sequence[str], noun: str) -> Iterator[str]:
    """Yield the first of many lines, and how many more there are."""
    yield from lines[:_MOST_LINES]
    if len(lines) > _MOST_LINES:
        yield f"  and {counted(len(lines) - _MOST_LINES, f'more {noun}')}: -o json has all"


def left_out_lines(left_out: Iterable[LeftOut]) -> Iterator[str]:
    """Yield what is left as it is, files with the same reason in one line."""
    groups: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for one in left_out:
        names = () if one.kind == DATA_KEY else tuple(one.names)
        groups.setdefault((one.why, names), []).append(one.path)
    for (why, names), paths in groups.items():
        yield f"left out: {_listed(paths)}: {why}{'; it names ' + ', '.join(names) if names else ''}"


def waiting_lines(waiting: Iterable[WaitingFile]) -> Iterator[str]:
    """Yield for whom files wait, those with the same reason in one line."""
    groups: dict[tuple[str, str], list[str]] = {}
    for one in waiting:
        groups.setdefault((one.for_whom, one.why), []).append(one.path)
    for (whom, why), paths in groups.items():
        yield f"waits for {whom}: {_listed(paths)} ({why})"


def _listed(paths: Sequence[str]) -> str:
    more = len(paths) - _LISTED
    return f"{', '.join(paths[:_LISTED])}{f' and {more:,} more' if more > 0 else ''}"


def named(paths: Sequence[str]) -> str:
    """Return one file by its name, several by their number and the first of them."""
    if len(paths) == 1:
        return paths[0]
    more = len(paths) - _NAMED
    return f"{len(paths):,} files ({', '.join(paths[:_NAMED])}{f' and {more:,} more' if more > 0 else ''})"


def brief(message: str) -> str:
    """Return what is too long for one line without what stands in its brackets, or only its beginning."""
    if len(message) <= _LONGEST:
        return message
    head = message.partition(" (")[0]
    return f"{head if len(head) <= _LONGEST else head[:_LONGEST].rstrip()} (…)"
