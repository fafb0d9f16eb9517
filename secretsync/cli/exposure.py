"""`secretsync exposure`: every value that a person or key could ever open, and which of them still live."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from secretsync.cli._options import AllowDemoKeys
from secretsync.cli._output import write_lines, write_result
from secretsync.cli._terminal import ask_secret, warn
from secretsync.cli.runbook.run import Form, GitDir, as_json, repository_of
from secretsync.keyring import load_from
from secretsync.masterkeys import MasterKeys
from secretsync.processes import Pool
from secretsync.rotation.exposure import Exposed, exposed, recipients_of
from secretsync.rotation.file_worker import FileWork
from secretsync.rotation.planning import snapshot

_WORDS = {
    "live": "still live: change them at their source",
    "unknown": "no key here tells: take them for live",
    "changed": "changed since",
    "deleted": "not there any more",
}


def exposure(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A person, cluster, service, or the id of a key.")],
    repository: Annotated[str, typer.Option("--repository", "-C", help="A folder of the repository.")] = ".",
    git_dir: GitDir = None,
    form: Form = "text",
    output: Annotated[str | None, typer.Option("--output", help="Write to this file instead of stdout.")] = None,
    allow_demo_keys: AllowDemoKeys = False,
) -> None:
    """Say which values somebody could ever open.

    All branches and tags of this clone count, deleted files included; no value is shown. Live ones have to change at
    their source: no rotation of keys takes back what was read.
    """
    repo = repository_of(repository, git_dir)
    head = repo.resolve("HEAD")
    recipients = recipients_of(load_from(snapshot(repo, head)), name)
    keys = MasterKeys(os.environ, prompt=ask_secret, allow_demo_keys=allow_demo_keys)
    with Pool(FileWork(repo, keys)) as pool:
        found = exposed(repo, pool, head, recipients)
    if form == "json":
        values = {"version": 1, "name": name, "commit": head, "values": [asdict(one) for one in found]}
        write_result(as_json(values), output)
    else:
        write_lines(_lines(name, found), output)
    if repo.is_shallow():
        warn("this clone is shallow: values from before its first commit are missing here")


def _lines(name: str, found: list[Exposed]) -> Iterator[str]:
    yield f"{name} could open {len(found)} values"
    for state, words in _WORDS.items():
        some = [one for one in found if one.state == state]
        if some:
            yield f"{len(some)} {words}"
            yield from (
                f"  {one.path}  {one.place}{f'  (now {one.elsewhere})' if one.elsewhere else ''}" for one in some
            )
    yield "other clones, forks and caches of this repository are out of sight"
