"""What a file holds that the versions it was made of do not, for people and for machines, and never a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from secretsync.cli._terminal import warn
from secretsync.cli.runbook.run import as_json
from secretsync.errors import one_line
from secretsync.git.file_versions import FileVersions
from secretsync.letters import noun_for
from secretsync.merging.repairing import HandMerge, ValueChange


def warn_of(path: str, merge: HandMerge, versions: FileVersions) -> None:
    """Say what was not looked at."""
    for name in merge.unverified:
        warn(f"{path}: not compared with {name}")
    if versions.is_cut_off():
        warn(f"{path}: history is looked at in part, and values of older commits may not be told")


def lines_of(merge: HandMerge, changes: Sequence[ValueChange]) -> Iterator[str]:
    """Yield a line for each value that not all versions have as the file has it."""
    several = len(merge.opened.plain.documents) > 1
    yield f"compared with {' and '.join(merge.sides)}: {len(changes)} {noun_for(len(changes), 'value')}"
    for one in changes:
        yield f"{one.change:>9}  {f'#{one.document} ' if several else ''}{one_line(one.path)}  {', '.join(_remarks(one, merge))}"


def _remarks(change: ValueChange, merge: HandMerge) -> Iterator[str]:
    yield "encrypted" if change.encrypted else "in the clear"
    if change.as_in:
        yield f"as in {' and '.join(change.as_in)}"
    elif len(merge.sides) > 1:
        yield f"in none of {', '.join(merge.sides)} like this"
    if change.replayed:
        commit, date = change.replayed
        yield f"replayed: the ciphertext of commit {commit[:12]} of {date[:10]}"


def json_of(path: str, merge: HandMerge, changes: Sequence[ValueChange], *, repaired: bool) -> bytes:
    """Return the same for machines."""
    rows = [
        {**one._asdict(), "replayed": one.replayed and dict(zip(("commit", "date"), one.replayed, strict=True))}
        for one in changes
    ]
    values = {"version": 1, "file": path, "compared_with": list(merge.sides), "not_compared_with": merge.unverified}
    return as_json({**values, "changes": rows, "repaired": repaired})
