"""`secretsync init`: a repository set up in one go, or an existing `.sops.yaml` adopted."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from secretsync.cli._options import AllowDemoKeys, DryRun, grouped
from secretsync.cli._terminal import say, warn
from secretsync.cli.keys import ring
from secretsync.cli.keys.ring import RingLocation
from secretsync.errors import ConflictingOptionsError, PolicyError
from secretsync.keyring import Principal, PublicKey
from secretsync.keyring.adoption import adopt
from secretsync.keyring.bootstrap import found
from secretsync.keyring.editing import SOPS_YAML
from secretsync.keyring.key_intake import Candidate, examine
from secretsync.keyring.reading import POLICY
from secretsync.letters import hyphenated
from secretsync.masterkeys import new_identity
from secretsync.masterkeys.new_identity import NewIdentity


@grouped
def init(
    place: RingLocation,
    name: Annotated[str | None, typer.Option("--name", help="Your name in the ring; your login unless given.")] = None,
    recipient: Annotated[
        str | None, typer.Option("--recipient", help="Your public key; a new age identity is made unless given.")
    ] = None,
    identity_file: Annotated[
        str | None, typer.Option("--identity-file", help="Keep the new identity here, not in sops' keys.txt.")
    ] = None,
    post_quantum: Annotated[bool, typer.Option("--pq", help="Make a post-quantum identity.")] = False,
    paths: Annotated[
        list[str] | None, typer.Option("--path", help="Files to encrypt, as in 'prod/**'; may be repeated.")
    ] = None,
    owner: Annotated[str, typer.Option("--owner", help="How to reach you, as in you@example.org.")] = "",
    allow_demo_keys: AllowDemoKeys = False,
    dry_run: DryRun = False,
) -> None:
    """Set a repository up: your key, a key ring in keys/, a policy, and the .sops.yaml that follows from it.

    Where there is a .sops.yaml already it is adopted, and nobody's access changes. Nothing is ever overwritten. A new
    identity is appended to the file that sops and secretsync look in, mode 0600, outside the repository.
    """
    if place.source.read(POLICY) is not None:
        raise PolicyError("there is a key ring already", location=POLICY, hint="secretsync keys list")
    if place.source.read(SOPS_YAML) is not None:
        _refuse_options(recipient, identity_file, paths, name)
        _adopt(place, dry_run=dry_run)
        return
    identity = None
    if not recipient:
        identity_path = new_identity.place_for(identity_file, os.environ, outside=str(place.root))
        identity = new_identity.make(post_quantum=post_quantum)
        recipient = identity.recipient
    candidate = examine(recipient, today=ring.today(), allow_demo_keys=allow_demo_keys)
    first = _principal(name or _login(), owner, candidate)
    changes = found(place.source, first, today=ring.today(), paths=paths or (), armored=candidate.armored)
    for nested in (path for path in place.names() if path.endswith(f"/{SOPS_YAML}")):
        warn(f"{nested} decides who reads the files next to it, and the key ring does not")
    if identity is not None:
        _keep(identity, identity_path, dry_run=dry_run)
    place.write(changes, dry_run=dry_run)
    if not dry_run:
        say("encrypt a Secret, in a file that ends in .enc.yaml: secretsync encrypt -i FILE", kind="hint")


def _refuse_options(*given: object) -> None:
    if any(given):
        raise ConflictingOptionsError(f"{SOPS_YAML} says who reads what: adopt it first, with secretsync init alone")


def _adopt(place: RingLocation, *, dry_run: bool) -> None:
    adoption = adopt(place.source, place.names(), today=ring.today())
    for warning in adoption.warnings:
        warn(warning)
    kept = place.kept_by(adoption)
    place.write(adoption.changes, dry_run=dry_run)
    say(f"adopted {SOPS_YAML}: {kept}")


def _principal(name: str, owner: str, candidate: Candidate) -> Principal:
    key_id = f"{name}-{ring.today().year}"
    key = PublicKey(key_id, candidate.type, candidate.recipient, created=ring.today(), expires=candidate.expires)
    return Principal(name, "person", owner, (key,))


def _keep(identity: NewIdentity, path: str, *, dry_run: bool) -> None:
    """Keep an identity before anything is encrypted for it, and say where."""
    if dry_run:
        say(f"would append a new identity to {path}")
        return
    if new_identity.keep(identity, path):
        warn(f"others can read {path}: chmod 600 {path}")
    say(f"appended a new identity to {path}: back it up, it opens everything encrypted for you")


def _login() -> str:
    return hyphenated((os.environ.get("USER") or "admin").lower()) or "admin"
