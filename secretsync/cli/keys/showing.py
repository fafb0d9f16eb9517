"""`keys list`, `diff` and `export`: what the key ring says, for people and for other tools."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

import typer

from secretsync.cli._options import grouped
from secretsync.cli._output import write_lines, write_stdout
from secretsync.cli._terminal import warn
from secretsync.cli.keys import ring as _ring
from secretsync.cli.keys.ring import RingLocation
from secretsync.errors import ConfigError, SecretsyncError
from secretsync.keyring import Changed, KeyRing, Principal, PublicKey, Snapshot, encrypted_files, load_from
from secretsync.keyring.adoption import adopt
from secretsync.keyring.comparing import AccessChange, compare
from secretsync.keyring.editing import SOPS_YAML
from secretsync.keyring.reading import POLICY
from secretsync.keyring.sources import Checkout, RingSource
from secretsync.late import LateModule

if TYPE_CHECKING:
    from secretsync import git
else:
    git = LateModule("secretsync.git")  # only for what was before

Form: TypeAlias = Annotated[Literal["text", "json"], typer.Option("--format", "-o", help="How to write the result.")]

_ENDS = 12


@grouped
def show(
    place: RingLocation,
    form: Form = "text",
    retired: Annotated[bool, typer.Option("--retired", help="Show the retired keys as well.")] = False,
) -> None:
    """List the keys of the ring: whose they are, until when, and what they may read."""
    ring = place.ring()
    rows = [_row(ring, principal, key) for principal, key in ring.public_keys()]
    rows += [_retired_row(each) for each in ring.retired] if retired else []
    if form == "json":
        _write_json({"keys": rows})
    else:
        header = ("PRINCIPAL", "KIND", "KEY", "TYPE", "RECIPIENT", "STATUS", "EXPIRES", "PROVED", "GROUPS")
        write_lines(_table([header, *(_cells(row) for row in rows)]))


@grouped
def diff(
    place: RingLocation,
    before: Annotated[
        str, typer.Argument(metavar="[BEFORE]", help="A Git revision, or a folder with another state of the ring.")
    ] = "HEAD",
    form: Form = "text",
) -> int:
    """Show, for every encrypted file, who gains and who loses access by what changed in keys/.

    Exits with 1 where anything changes.
    """
    new, old = place.ring(), _ring_before(place, before)
    paths = [seen.path for seen in encrypted_files.look(place.root, place.names()) if seen.metadata is not None]
    found = list(compare(old, new, paths, today=_ring.today()))
    if form == "json":
        _write_json({"files": [each._asdict() for each in found]})
    else:
        write_lines(line for each in found for line in _difference_lines(each))
    return 1 if found else 0


@grouped
def export(
    place: RingLocation,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Principals and group:NAME; all unless given.")
    ] = None,
    path: Annotated[str | None, typer.Option("--for", help="Whoever may read this file instead.")] = None,
    form: Annotated[
        Literal["age", "json", "pgp"],
        typer.Option("--format", "-o", help="A recipients file for age -R, JSON, or armored PGP keys."),
    ] = "age",
) -> None:
    """Print public keys for other tools: those that may be encrypted for today."""
    ring = place.ring()
    keys = list(_chosen(ring, names, path))
    if form == "json":
        _write_json({"keys": [_row(ring, principal, key) for principal, key in keys]})
        return
    for principal, key in keys:
        if key.master_key.kind != form:
            warn(f"{key.id} of {principal.name} is no {form} key; left out")
        elif key.armored_path:
            write_stdout(place.source.read(f"keys/{key.armored_path}") or b"")
        else:
            write_lines([f"# {key.id} of {principal.name}", key.recipient])


def _ring_before(place: RingLocation, before: str) -> KeyRing:
    if os.path.isdir(before):
        return _ring_of(Checkout(before), before)
    repository = git.Repository.containing(place.root)
    commit = repository.resolve(before)
    prefix = Path(os.path.realpath(place.root)).relative_to(os.path.realpath(repository.root)).as_posix()
    start = "" if prefix == "." else f"{prefix}/"
    with repository.reader() as reader:
        blobs = repository.blobs(commit, f"{start}keys", f"{start}{SOPS_YAML}")
        contents = {path.removeprefix(start): reader.read(blob) for path, blob in blobs.items()}
    return _ring_of(Snapshot(contents), before)


def _ring_of(source: RingSource, name: str) -> KeyRing:
    """Return the key ring of a state; of one before the ring was adopted, what its `.sops.yaml` says."""
    if source.read(POLICY) is None and source.read(SOPS_YAML) is not None:
        try:
            return load_from(Changed(source, adopt(source, (), today=_ring.today()).changes))
        except SecretsyncError as error:
            warn(f"{SOPS_YAML} of {name} cannot be compared, and counts as none: {error}")
    return load_from(source)


def _chosen(ring: KeyRing, names: list[str] | None, path: str | None) -> Iterator[tuple[Principal, PublicKey]]:
    if path is None:
        principals = ring.members(names) if names else list(ring.principals)
        yield from ((one, key) for one in principals for key in one.keys if key.is_usable(_ring.today()))
        return
    rule = ring.rule_for(path)
    if rule is None:
        raise ConfigError(f"no rule of the policy is for {path!r}", location="keys/policy.yaml")
    ids = {reader.key_id for group in ring.readers(rule, today=_ring.today()) for reader in group}
    yield from ((one, key) for one, key in ring.public_keys() if key.id in ids)


def _row(ring: KeyRing, principal: Principal, key: PublicKey) -> dict[str, Any]:
    expired = key.expires is not None and key.expires < _ring.today()
    return {
        "principal": principal.name,
        "kind": principal.kind,
        "owner": principal.owner or None,
        "key": key.id,
        "type": key.type,
        "recipient": key.recipient,
        "status": "expired" if key.status == "active" and expired else key.status,
        "expires": key.expires.isoformat() if key.expires else None,
        "proved": key.proof.get("at") or None,
        "groups": [group.name for group in ring.groups if principal in ring.members_of(group)],
        "rules": [
            rule.number
            for rule in ring.policy.rules
            if any(reader.key_id == key.id for group in ring.readers(rule, today=_ring.today()) for reader in group)
        ],
    }


def _retired_row(each: Any) -> dict[str, Any]:
    return {
        "principal": each.principal,
        "kind": None,
        "owner": None,
        "key": each.key.id,
        "type": each.key.type,
        "recipient": each.key.recipient,
        "status": f"retired ({each.reason})",
        "expires": each.retired_at.isoformat(),
        "proved": None,
        "groups": [],
        "rules": [],
    }


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    recipient = (
        row["recipient"]
        if len(row["recipient"]) <= 2 * _ENDS
        else f"{row['recipient'][:_ENDS]}…{row['recipient'][-_ENDS:]}"
    )
    proved = (row["proved"] or "no")[:10]
    names = ("principal", "kind", "key", "type")
    start = [str(row[name] or "-") for name in names]
    return (*start, recipient, row["status"], row["expires"] or "-", proved, ", ".join(row["groups"]) or "-")


def _difference_lines(each: AccessChange) -> Iterator[str]:
    yield each.path
    yield from (f"  + {name}" for name in each.gained)
    yield from (f"  - {name}" for name in each.lost)
    yield from (f"  ! {note}" for note in each.notes)


def _table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _write_json(values: dict[str, object]) -> None:
    text = json.dumps({"version": _ring.JSON_VERSION, **values}, indent=2, ensure_ascii=False) + "\n"
    write_stdout(text.encode(errors="backslashreplace"))  # as JSON writes what is not UTF-8 in a file's name
