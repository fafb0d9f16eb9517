"""`keys add`, `remove`, `import`, `rename` and `pin`: the commands that change the key ring, whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated, Literal, TypeAlias

import typer

from secretsync import files
from secretsync.cli._options import AllowDemoKeys, DryRun, grouped
from secretsync.cli._terminal import say, warn
from secretsync.cli.keys import ring as _ring
from secretsync.cli.keys.ring import RingLocation, tell
from secretsync.errors import ConfigError, ConflictingOptionsError, FormatError, SecretsyncError
from secretsync.keyring import Changed, KeyRing, Principal, PublicKey, editing, load_from
from secretsync.keyring.adoption import adopt
from secretsync.keyring.editing import Retirement
from secretsync.keyring.key_checks import ring_findings
from secretsync.keyring.key_intake import Candidate, examine
from secretsync.keyring.model import PrincipalKind, Reason, Status

Name: TypeAlias = Annotated[str, typer.Argument(metavar="NAME", help="The person, cluster or service: a-z, 0-9, -.")]
Given: TypeAlias = Annotated[
    str | None, typer.Argument(metavar="[KEY]", help="age1…, ssh-…, a PGP fingerprint, or a key service's name.")
]


@dataclass(frozen=True, slots=True)
class KeyAttributes:
    """What the ring keeps of a key besides itself."""

    key_id: Annotated[str | None, typer.Option("--id", help="Name of the key; NAME and the year unless given.")] = None
    expires: Annotated[str | None, typer.Option("--expires", help="Its last day, as in 2027-11-24.")] = None
    not_before: Annotated[str | None, typer.Option("--not-before", help="Its first day.")] = None
    status: Annotated[
        Literal["active", "pre-active", "suspended"],
        typer.Option("--status", help="Only active keys are encrypted for."),
    ] = "active"
    custody: Annotated[str, typer.Option("--custody", help="Where the private half is: file, yubikey, kms, …")] = ""
    reason: Annotated[str, typer.Option("--reason", help="Why, as in TICKET-123.")] = ""

    def key(self, name: str, candidate: Candidate, ring: KeyRing) -> PublicKey:
        """Return the key that a candidate becomes."""
        status: Status = self.status
        return PublicKey(
            id=self.key_id or _free_id(f"{name}-{_ring.today().year}", ring),
            type=candidate.type,
            recipient=candidate.recipient,
            status=status,
            created=_ring.today(),
            not_before=_ring.day(self.not_before, "--not-before"),
            expires=_ring.day(self.expires, "--expires") or candidate.expires,
            custody=self.custody,
            reason=self.reason,
        )


@grouped
def add(
    name: Name,
    place: RingLocation,
    attributes: KeyAttributes,
    key: Given = None,
    file: Annotated[
        str | None,
        typer.Option("--file", "-f", help="A file with the key instead: .pub, .asc, recipients; - is stdin."),
    ] = None,
    kind: Annotated[
        PrincipalKind | None, typer.Option("--kind", help="What NAME is, where it is new [person].")
    ] = None,
    owner: Annotated[str, typer.Option("--owner", help="Who answers for it, where it is new.")] = "",
    group: Annotated[list[str] | None, typer.Option("--group", "-g", help="A group to join; may be repeated.")] = None,
    allow_demo_keys: AllowDemoKeys = False,
    dry_run: DryRun = False,
) -> None:
    """Add a public key to the ring.

    Weak, expired, retired, doubled and private keys are refused. Files are encrypted for it by the runbook that is
    named at the end.
    """
    ring = place.ring()
    candidate = _candidate(key, file, allow_demo_keys=allow_demo_keys)
    present = next((each for each in ring.principals if each.name == name), None)
    principal = replace(present or Principal(name, kind or "person", owner), keys=())
    if kind and kind != principal.kind:
        raise ConflictingOptionsError(f"{name!r} is a {principal.kind}, and no {kind}")
    new = attributes.key(name, candidate, ring)
    changes = editing.add_key(
        place.source, principal, new, today=_ring.today(), groups=group or [], armored=candidate.armored
    )
    after = load_from(Changed(place.source, changes))
    known = set(ring_findings(ring, _ring.today()))
    for finding in ring_findings(after, _ring.today()):
        if finding not in known:
            warn(f"{finding.location}: {finding.message}")
    place.write(changes, dry_run=dry_run)
    _next_steps(after, name, new, dry_run=dry_run)


@grouped
def remove(
    name: Name,
    place: RingLocation,
    reason: Annotated[Reason, typer.Option("--reason", help="Why.")] = "left",
    key: Annotated[
        list[str] | None, typer.Option("--key", help="Only the key of this id; may be repeated. All unless given.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="For compromised: the first day it may have been.")
    ] = None,
    replaced_by: Annotated[str, typer.Option("--replaced-by", help="Id of the key that took its place.")] = "",
    dry_run: DryRun = False,
) -> None:
    """Retire keys: they go to keys/retired/, which is never emptied, and cannot come back.

    No encrypted file is touched: whoever is removed reads them until the runbook that is named at the end has run.
    """
    place.ring()
    compromised_since = _ring.day(since, "--since")
    why = Retirement(reason, _ring.today(), compromised_since, replaced_by)
    place.write(editing.retire(place.source, name, why, key_ids=key), dry_run=dry_run)
    if not dry_run:
        say(f"files in Git are as they were, and {name} can still read them")
        say("commit this, then give them new data keys: secretsync runbook align plan", kind="hint")
        say(f"what {name} could ever read, and what of it to change: secretsync exposure {name}", kind="hint")


@grouped
def take_over(place: RingLocation, dry_run: DryRun = False) -> None:
    """Adopt an existing .sops.yaml: its keys become principals, its rules the policy.

    Names come from anchors and comments; a key without one is called unknown-…. No encrypted file changes, and that
    nobody's access changes is proved for every file before anything is written.
    """
    adoption = adopt(place.source, place.names(), today=_ring.today())
    for warning in adoption.warnings:
        warn(warning)
    kept = place.kept_by(adoption)
    place.write(adoption.changes, dry_run=dry_run)
    say(kept)


@grouped
def rename(
    name: Name,
    new_name: Annotated[str, typer.Argument(metavar="NEW", help="The new name.")],
    place: RingLocation,
    dry_run: DryRun = False,
) -> None:
    """Call a person, cluster or service otherwise, everywhere in the ring. Nobody's access changes."""
    place.ring()
    place.write(editing.rename(place.source, name, new_name, today=_ring.today()), dry_run=dry_run)


@grouped
def pin(
    cluster: Annotated[str, typer.Argument(metavar="CLUSTER", help="The cluster whose controller unseals.")],
    certificate: Annotated[str, typer.Argument(metavar="CERT", help="Its sealing certificate, PEM; - is stdin.")],
    place: RingLocation,
    dry_run: DryRun = False,
) -> None:
    """Pin the sealing certificate of a cluster by its public key; the one before is retired.

    Compare it with the controller's own beforehand: `secretsync sealing-keys fetch` does.
    """
    place.ring()
    try:
        changes = editing.pin(place.source, cluster, files.read(certificate), now=_ring.now())
    except FormatError as error:
        raise error.at(certificate) from None
    place.write(changes, dry_run=dry_run)
    if not changes:
        say("already pinned")


def _candidate(key: str | None, file: str | None, *, allow_demo_keys: bool) -> Candidate:
    if (key is None) == (file is None):
        raise ConflictingOptionsError("give either a key or --file")
    if file is None:
        return examine(key or "", today=_ring.today(), allow_demo_keys=allow_demo_keys)
    try:
        text = files.read(file).decode("utf-8")
        return examine(text, today=_ring.today(), allow_demo_keys=allow_demo_keys)
    except UnicodeDecodeError:
        raise ConfigError("is not text: export PGP keys with --armor", location=file) from None
    except SecretsyncError as error:
        raise (error if error.location else error.at(file)) from None


def _free_id(wanted: str, ring: KeyRing) -> str:
    taken = {each.id for _, each in ring.public_keys()} | {each.key.id for each in ring.retired}
    numbers = (f"{wanted}-{number}" for number in range(2, len(taken) + 3))
    return wanted if wanted not in taken else next(each for each in numbers if each not in taken)


def _next_steps(ring: KeyRing, name: str, key: PublicKey, *, dry_run: bool) -> None:
    if dry_run:
        return
    today = _ring.today()
    readers = [reader for rule in ring.policy.rules for group in ring.readers(rule, today=today) for reader in group]
    if key.id not in {reader.key_id for reader in readers}:
        tell([f"no rule of the policy names {name} yet: add it to a group, or to keys/policy.yaml"])
    else:
        say(f"prove that its owner has the private half: secretsync keys prove {key.id}", kind="hint")
        say("commit this, then open the files it may read to it: secretsync runbook align plan", kind="hint")
