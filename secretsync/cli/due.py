"""`secretsync due`: the files whose data keys are older than allowed, the oldest first."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated

import typer

from secretsync.cli._output import write_lines, write_result
from secretsync.cli.runbook.grouping import left_out_lines
from secretsync.cli.runbook.run import Form, GitDir, RingFolder, as_json, repository_of, within
from secretsync.git import Repository
from secretsync.keyring import Policy, load_from
from secretsync.keyring.ownfiles import store_whatever_the_name
from secretsync.letters import noun_for
from secretsync.masterkeys import MasterKeys
from secretsync.rotation import census
from secretsync.rotation.ageing import COMPLETE, Age, ages, unknown
from secretsync.rotation.ageing import due as too_old
from secretsync.rotation.model import LeftOut
from secretsync.rotation.parameters import MOST_DAYS
from secretsync.rotation.planning import snapshot


def due(
    repository: RingFolder = ".",
    max_age: Annotated[
        int | None, typer.Option("--max-age", min=1, max=MOST_DAYS, help="Days; that of the policy unless given.")
    ] = None,
    budget: Annotated[int | None, typer.Option("--budget", min=1, help="List no more than this many files.")] = None,
    git_dir: GitDir = None,
    form: Form = "text",
) -> None:
    """List the files whose data keys are older than allowed.

    The age is that of the first commit with the data key, in whatever file. No key is needed: with one at hand, what
    would be an estimate is compared. In a clone without all of history the age is unknown.
    """
    repo = repository_of(repository, git_dir)
    head, now = repo.resolve("HEAD"), datetime.now(UTC)
    ring = load_from(snapshot(repo, head))
    paths, left_out = _encrypted(repo, head, ring.policy)
    found = ages(repo, head, paths, MasterKeys(os.environ, allow_demo_keys=True))
    late = too_old(found, ring, now, max_age=max_age, budget=budget)
    if form == "json":
        rows = [_row(one, now) for one in late]
        values = {
            "version": 1,
            "commit": head,
            **within(repo),
            "encrypted": len(found),
            "due": rows,
            "unknown": unknown(found),
        }
        aside = {"left_out": [asdict(one) for one in left_out], "ignored": [asdict(one) for one in ring.policy.ignore]}
        write_result(as_json({**values, **aside}), None)
    else:
        ignored = [f"the policy ignores {each}" for each in ring.policy.ignore]
        write_lines([*census.beyond_folder(repo), *left_out_lines(left_out), *ignored, *_lines(late, found, now)])


def _row(one: Age, now: datetime) -> dict[str, object]:
    since = one.since or now
    return {**one._asdict(), "since": since.isoformat(), "days": (now - since).days}


def _encrypted(repository: Repository, commit: str, policy: Policy) -> tuple[list[str], list[LeftOut]]:
    """Return the encrypted files that the policy does not ignore, and what is not looked at."""
    taken = census.taken(repository, commit)
    found, left_out = [], taken.left_out
    with repository.reader() as reader:
        for path, data in zip(taken.files, reader.contents(taken.files.values(), "blob"), strict=True):
            is_encrypted = store_whatever_the_name(path, data) is not None
            entry = policy.ignored(path)
            if is_encrypted and entry is None:
                found.append(path)
            elif is_encrypted and entry is not None:
                left_out.append(census.ignored(path, entry.reason, []))
            elif what := census.no_sops_file(path, data, census.NO_KEYS):
                left_out.append(what)
    return found, left_out


def _lines(late: list[Age], found: list[Age], now: datetime) -> Iterator[str]:
    for one in late:
        yield f"{(now - (one.since or now)).days:>5} days  {one.path}{'  (estimated)' if one.estimated else ''}"
    cut_off = unknown(found)
    yield from (f"    unknown  {path}" for path in cut_off)
    if cut_off:
        yield f"{len(cut_off)} {noun_for(len(cut_off), 'file')} may be older than the history of this clone tells; {COMPLETE}"
    yield f"{len(late)} of {len(found)} files are due" + ("; secretsync runbook age-out plan" if late else "")
