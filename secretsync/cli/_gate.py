"""What `check` is told beside its files: where accepted findings stand, and which files are meant."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import typer

from secretsync.audit.files_to_examine import FileToExamine, chosen, staged
from secretsync.audit.gate import Gate, root_of
from secretsync.audit.origins import ConfigurationOrigin, Revision, Staged, WorkTree
from secretsync.git.index import Index


@dataclass(frozen=True, slots=True)
class GateOptions:
    """The options that say what counts."""

    staged: Annotated[
        bool, typer.Option("--staged", help="Examine what git has staged: all changes, or what is below PATH.")
    ] = False
    config_from: Annotated[
        str | None,
        typer.Option("--config-from", metavar="REV", help="Take .secretsync.yaml and baseline from this revision."),
    ] = None
    baseline: Annotated[
        str | None, typer.Option("--baseline", metavar="FILE", help="Findings in this file are known and do not count.")
    ] = None
    write_baseline: Annotated[
        str | None, typer.Option("--write-baseline", metavar="FILE", help="Write all findings into this file.")
    ] = None


@contextmanager
def opened(options: GateOptions, paths: Sequence[str]) -> Iterator[tuple[Gate, Iterator[FileToExamine]]]:
    """Give the gate, and the files that go through it.

    Raises:
        ConfigError: a configuration or baseline is malformed or missing.
        RepositoryError: git is asked, and refuses.
    """
    if options.staged:
        with Index.of(os.getcwd()) as index:
            yield _gate(options, index.root, Staged(index), staged(index, paths))
    else:
        root = root_of(paths[0])
        yield _gate(options, root, WorkTree(root), chosen(paths))


def _gate(
    options: GateOptions, root: str, origin: ConfigurationOrigin, found: Iterator[FileToExamine]
) -> tuple[Gate, Iterator[FileToExamine]]:
    reviewed = Revision(root, options.config_from) if options.config_from is not None else None
    gate = Gate(root, origin, reviewed=reviewed)
    gate.read_baseline(options.baseline, written_anew=options.write_baseline is not None)
    return gate, gate.admitted(found)
