"""Findings for people and machines: the option that chooses a format of the table, and the code that says whether there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

import typer

from secretsync.audit.writers import WRITERS
from secretsync.cli._output import write_result
from secretsync.findings import Report

if TYPE_CHECKING:
    FormatName: TypeAlias = str
else:
    FormatName = Literal[*WRITERS]  # typer makes the choices of it

FindingsFormat: TypeAlias = Annotated[FormatName, typer.Option("--format", "-o", help="How to write the findings.")]
FINDINGS = 1


def written(report: Report, form: str, output: str | None) -> int:
    """Write a report to the file `output` or to standard output; return 1 where something is wrong, else 0."""
    # backslashreplace: a file's name need not be UTF-8, and this is how JSON writes the rest, too
    write_result(WRITERS[form](report).encode(errors="backslashreplace"), output)
    return FINDINGS if report.problems else 0
