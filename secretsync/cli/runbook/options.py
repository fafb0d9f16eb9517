"""The options that the verbs of `runbook` share: where and with what they work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

import typer

from secretsync.cli._options import AllowDemoKeys
from secretsync.cli.runbook import run
from secretsync.errors import ConflictingOptionsError
from secretsync.git import Repository
from secretsync.rotation.run import RunbookRun

RunbookForm: TypeAlias = Annotated[
    Literal["text", "json", "markdown"],
    typer.Option(
        "--format", "-o", help="How to write the result; markdown is for a pull request: plan, apply, evidence."
    ),
]
OperationName: TypeAlias = Annotated[
    str | None, typer.Argument(metavar="[OPERATION]", help="Its name; the latest of this runbook unless given.")
]
AllowPartial: TypeAlias = Annotated[
    bool,
    typer.Option("--allow-partial", help="Change what can be changed here; the rest waits for somebody, and is named."),
]
Budget: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--budget", min=1, metavar="N", help="Change N files in one run; the rest remains, and resume goes on."
    ),
]
Held: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--held", help="A file with an age identity that must open nothing any more (proves V7)."),
]


@dataclass(frozen=True, slots=True)
class RunbookOptions:
    """Where and with what a runbook works."""

    repository: run.RingFolder = "."
    form: RunbookForm = "text"
    private_keys: Annotated[
        list[str] | None,
        typer.Option("--private-keys", help="A file with sealing keys, as from sealing-keys backup (reseal)."),
    ] = None
    allow_demo_keys: AllowDemoKeys = False

    def desk(self, held: list[str] | None = None) -> RunbookRun:
        """Return what the verbs work with."""
        return self._at(run.with_ring(Repository.containing(self.repository), self.repository), held)

    def require_plain(self) -> None:
        """Refuse Markdown where there is none. Raises: ConflictingOptionsError."""
        if self.form == "markdown":
            raise ConflictingOptionsError("plan, apply, resume and evidence have a text in Markdown, and no other verb")

    def looking(self, git_dir: str | None, held: list[str] | None = None) -> RunbookRun:
        """Return what a verb works with that only looks, and takes a bare repository as well."""
        return self._at(run.repository_of(self.repository, git_dir), held)

    def _at(self, repository: Repository, held: list[str] | None) -> RunbookRun:
        return run.begun(repository, held or [], self.private_keys or [], allow_demo_keys=self.allow_demo_keys)
