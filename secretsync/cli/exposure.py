"""`secretsync exposure`: every value that a person or key could ever open, and which of them still live."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from secretsync.cli._options import AllowDemoKeys
from secretsync.cli._output import write_lines, write_result
from secretsync.cli._terminal import ask_secret, warn
from secretsync.cli.runbook.run import Form, GitDir, RingFolder, as_json, repository_of, within
from secretsync.errors import ConfigError
from secretsync.git import Repository
from secretsync.keyring import Policy, load_from
from secretsync.keyring.globs import IgnoredPaths
from secretsync.letters import noun_for
from secretsync.masterkeys import MasterKeys
from secretsync.processes import Pool
from secretsync.rotation.census import beyond_folder
from secretsync.rotation.exposure import Exposed, Exposure, Home, exposed, recipients_called, recipients_of
from secretsync.rotation.file_worker import FileWork
from secretsync.rotation.planning import snapshot
from secretsync.rotation.sealed_planning import foreign_home
from secretsync.rotation.versions import Unread
from secretsync.sops.datakey import MasterKey

_WORDS = {
    "live": "still live: change them at their source",
    "unknown": "no key here tells: take them for live",
    "elsewhere": "at no head of a branch, but at these tags and refs",
    "coincidence": "changed or gone, but equal to a short or common value, perhaps by coincidence",
    "changed": "changed since",
    "deleted": "not there any more",
}
_ELSEWHERE = "at the head of no branch that the policy takes for live, but at these refs"
_SHALLOW = "this clone is shallow: values from before its first commit are missing here"
_FAILING = {"live", "unknown"}
_FINDINGS = 1
_SHOWN = 5


def exposure(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="A person, cluster, service, or the id of a key.")
    ] = None,
    recipient: Annotated[
        list[str] | None,
        typer.Option("--recipient", metavar="RECIPIENT", help="A key as files name it, known to the key ring or not."),
    ] = None,
    repository: RingFolder = ".",
    git_dir: GitDir = None,
    form: Form = "text",
    output: Annotated[str | None, typer.Option("--output", help="Write to this file instead of stdout.")] = None,
    fail: Annotated[bool, typer.Option("--fail", help="Exit with 1 where a value is live, or may be.")] = False,
    allow_demo_keys: AllowDemoKeys = False,
) -> int:
    """Say which values somebody could ever open.

    All refs of this clone count, deleted files included; no value is shown. Live is what stands at the head of a branch
    (of those that the policy's `live_refs` name, if any), under whatever name: it has to change at its source, for no
    rotation of keys takes back what was read.
    """
    if (name is None) == (recipient is None):
        raise typer.BadParameter("give a NAME of the key ring, or --recipient")
    repo = repository_of(repository, git_dir)
    head = repo.resolve("HEAD")
    policy, recipients = _asked(repo, head, name, recipient)
    pins = policy.sealing if name else ()
    keys = MasterKeys(os.environ, prompt=ask_secret, allow_demo_keys=allow_demo_keys)
    with Pool(FileWork(repo, keys)) as pool:
        found = exposed(
            *(repo, pool, head, recipients), policy=policy, foreign=lambda path: foreign_home(path, pins, str(name))
        )
    title = name or ", ".join(recipient or ())
    unread = [*found.unread, *([Unread("history", _SHALLOW)] if repo.is_shallow() else [])]
    if form == "json":
        told = {"version": 1, "name": title, "commit": head, **within(repo), **_values(found, unread)}
        write_result(as_json(told), output)
        if found.branches.remark:
            warn(found.branches.remark)
    else:
        remarks = [*_ignored_lines(found.ignored), *beyond_folder(repo), _OUT_OF_SIGHT]
        remarks += [found.branches.remark] * bool(found.branches.remark)
        write_lines([*_lines(title, found, unread), *remarks], output)
    if repo.is_shallow():
        warn(_SHALLOW)
    return _FINDINGS if fail and any(one.state in _FAILING for one in found.values) else 0


def _asked(
    repository: Repository, commit: str, name: str | None, named: list[str] | None
) -> tuple[Policy, frozenset[MasterKey]]:
    """Return the policy of a commit, and whose values are asked for; a key by its recipient needs no ring that reads."""
    try:
        ring = load_from(snapshot(repository, commit))
    except ConfigError:
        if named is None:
            raise
        return Policy(), recipients_called(named)
    return ring.policy, recipients_of(ring, str(name)) if named is None else recipients_called(named)


def _values(found: Exposure, unread: list[Unread]) -> dict[str, object]:
    values = [_row(one) for one in found.values]
    rows = [{"path": one.path, "why": one.why} for one in unread]
    ignored = [{**asdict(each), "values": count} for each, count in found.ignored.items()]
    return {"values": values, "unread": rows, "ignored": ignored, "not_live": list(found.branches.other)}


def _row(one: Exposed) -> dict[str, object]:
    return {**asdict(one), "elsewhere": [home._asdict() for home in one.elsewhere]}


def _lines(name: str, found: Exposure, unread: list[Unread]) -> Iterator[str]:
    yield f"{name} could open {len(found.values)} {noun_for(len(found.values), 'value')}"
    words_for = {**_WORDS, "elsewhere": _ELSEWHERE} if found.branches.other else _WORDS
    for state, words in words_for.items():
        some = [one for one in found.values if one.state == state]
        if some:
            yield f"{len(some)} {words}"
            yield from (f"  {one.path}  {one.place}{_remarks(one)}" for one in some)
    for why in dict.fromkeys(one.why for one in unread):
        yield f"not read: {_few([one.path for one in unread if one.why == why])}: {why}"


def _ignored_lines(ignored: Mapping[IgnoredPaths, int]) -> Iterator[str]:
    for each, count in ignored.items():
        yield f"the policy ignores {each}: {count} {noun_for(count, 'value')} left out"


_OUT_OF_SIGHT = "other clones, forks and caches of this repository are out of sight"


def _remarks(one: Exposed) -> str:
    remarks = [f"now {_home(home)}" for home in one.elsewhere]
    remarks += [one.needs] * bool(one.needs) + ["committed in the clear"] * one.in_clear
    return f"  ({'; '.join(remarks)})" if remarks else ""


def _home(home: Home) -> str:
    return f"{home.path} {home.place}{f' in {_few(home.refs)}' if home.refs else ''}"


def _few(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
