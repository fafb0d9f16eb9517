"""A plan as the text of a pull request: what happens, who gains and who loses, what is left, tasks to tick off."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from secretsync.cli.runbook.grouping import left_out_lines, note_lines, problem_lines, waiting_lines
from secretsync.errors import one_line
from secretsync.letters import counted
from secretsync.rotation.model import Plan, Problem
from secretsync.rotation.previewing import described

_MOST: int = 300  # rows of a table; a forge takes 65,536 characters in all


def markdown(plan: Plan, diff: Iterable[str] | None = None) -> str:
    """Return the text; with its diff where that is wanted."""
    lines = [*_head(plan), *_readers(plan), *_files(plan), *_problems(plan.problems), *_left(plan), *_tasks(plan)]
    if diff is not None:
        lines += ["", *_folded("What would change", _fenced([one_line(line) for line in diff]))]
    return "\n".join(lines) + "\n"


def _head(plan: Plan) -> Iterator[str]:
    titles = [phase.title for phase in plan.phases]
    yield f"# {_text(titles[-1]) if titles else 'Nothing to do'}"
    yield ""
    yield f"Runbook `{plan.scenario}`, plan `{plan.digest[:12]}` from commit `{plan.base[:12]}`, operation `{plan.operation}`."
    if plan.phases:
        yield ""
        yield "| commit | key ring files | encrypted files |"
        yield "|---|---:|---:|"
        yield from (f"| {_text(one.title)} | {len(one.edits)} | {len(one.files)} |" for one in plan.phases)


def _readers(plan: Plan) -> Iterator[str]:
    """Yield a table of who gains and who loses how many files."""
    gained = Counter(name for file in plan.files for name in file.added)
    lost = Counter(name for file in plan.files for name in file.removed)
    names = sorted({*gained, *lost})
    if names:
        yield from ("", "| key | whose | gains | loses |", "|---|---|---:|---:|")
    for name in names:
        owner = plan.keys[name].principal if name in plan.keys else ""
        yield f"| {_code(name)} | {_text(owner)} | {gained[name] or ''} | {lost[name] or ''} |"


def _files(plan: Plan) -> Iterator[str]:
    files = plan.files
    if not files:
        return
    rows = ["| file | what happens |", "|---|---|"]
    rows += [
        f"| {_code(file.path)} | {described(file)}{f'; {_text(file.why)}' if file.why else ''} |"
        for file in files[:_MOST]
    ]
    if len(files) > _MOST:
        rows += ["", f"and {len(files) - _MOST:,} more, which are in the plan."]
    edits = [path for phase in plan.phases for path in phase.edits]
    listed = ["", "Key ring:", "", *(f"- {_code(path)}" for path in edits)] if edits else []
    yield from ("", *_folded(counted(len(files), "encrypted file"), [*rows, *listed]))


def _problems(problems: list[Problem]) -> Iterator[str]:
    if problems:
        yield from ("", "**It cannot be carried out like this:**", "")
        yield from (f"- {_text(line)}" for line in problem_lines(problems))


def _left(plan: Plan) -> Iterator[str]:
    told = [*note_lines(plan.notes), *(f"left as it is: {each}" for each in note_lines(plan.drift))]
    told += [*waiting_lines(plan.waiting), *left_out_lines(plan.left_out)]
    if told:
        yield from ("", "Good to know:", "")
        yield from (f"- {_text(line)}" for line in told)


def _tasks(plan: Plan) -> Iterator[str]:
    if plan.tasks:
        yield from ("", "What no tool can do:", "")
        yield from (f"- [ ] {_text(one.what)} ({_text(one.owner)}, until {one.due})" for one in plan.tasks)


def _folded(title: str, lines: Iterable[str]) -> Iterator[str]:
    yield from ("<details>", f"<summary>{title}</summary>", "", *lines, "", "</details>")


def _fenced(lines: list[str]) -> list[str]:
    """Return lines as code, in a fence that none of them ends."""
    fence = "```"
    while any(fence in line for line in lines):
        fence += "`"
    return [f"{fence}diff", *lines, fence]


def _text(text: str) -> str:
    """Return a text that stands for itself in Markdown: names come from strangers."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>|#" else sign for sign in one_line(text))


def _code(text: str) -> str:
    """Return a name as code, whatever it holds."""
    shown = one_line(text).replace("|", "\\|")
    return f"`` {shown} ``" if "`" in shown else f"`{shown}`"
