"""`secretsync due`: the files whose data keys are older than allowed, the oldest first."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer

from secretsync.cli._output import write_lines, write_result
from secretsync.cli.runbook.run import Form, GitDir, as_json, repository_of
from secretsync.git import Repository
from secretsync.keyring import load_from
from secretsync.keyring.ownfiles import store_of
from secretsync.rotation.ageing import Age, ages
from secretsync.rotation.ageing import due as too_old
from secretsync.rotation.file_metadata import marked_files
from secretsync.rotation.parameters import MOST_DAYS
from secretsync.rotation.planning import snapshot


def due(
    repository: Annotated[str, typer.Option("--repository", "-C", help="A folder of the repository.")] = ".",
    max_age: Annotated[
        int | None, typer.Option("--max-age", min=1, max=MOST_DAYS, help="Days; that of the policy unless given.")
    ] = None,
    budget: Annotated[int | None, typer.Option("--budget", min=1, help="List no more than this many files.")] = None,
    git_dir: GitDir = None,
    form: Form = "text",
) -> None:
    """List the files whose data keys are older than allowed.

    The age is that of the commit that replaced every ciphertext of a file; without one it is estimated from the file's
    first commit. No key is needed.
    """
    repo = repository_of(repository, git_dir)
    head, now = repo.resolve("HEAD"), datetime.now(UTC)
    found = ages(repo, head, _encrypted(repo, head))
    late = too_old(found, load_from(snapshot(repo, head)), now, max_age=max_age, budget=budget)
    if form == "json":
        rows = [{**one._asdict(), "since": one.since.isoformat(), "days": (now - one.since).days} for one in late]
        write_result(as_json({"version": 1, "commit": head, "encrypted": len(found), "due": rows}), None)
    else:
        write_lines(_lines(late, len(found), now))


def _encrypted(repository: Repository, commit: str) -> list[str]:
    with repository.reader() as reader:
        marked = marked_files(repository, commit)
        return [path for path, blob in marked.items() if store_of(path, reader.read(blob)) is not None]


def _lines(late: list[Age], total: int, now: datetime) -> Iterator[str]:
    for one in late:
        yield f"{(now - one.since).days:>5} days  {one.path}{'  (estimated)' if one.estimated else ''}"
    yield f"{len(late)} of {total} files are due" + ("; secretsync runbook age-out plan" if late else "")
