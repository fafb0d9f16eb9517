"""What can be wrong with a ring by itself: weak, expired, doubled or demo keys, large groups, thin rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Final

import secretsync.keyring.ruleset as ruleset
from secretsync.errors import MissingDependencyError, SecretsyncError
from secretsync.findings import Finding, Rule
from secretsync.keyring.key_intake import examine, weakness
from secretsync.keyring.model import KeyRing, Principal, PublicKey, normalised
from secretsync.keyring.policy import PolicyRule
from secretsync.keyring.reading import GROUPS, POLICY
from secretsync.keyring.sources import FOLDER, RingSource
from secretsync.masterkeys.kinds import DEMO_RECIPIENTS, KINDS
from secretsync.sops.datakey import MasterKey

UNNAMED: Final = "unknown-"
_SOON: Final = timedelta(days=30)


def ring_findings(ring: KeyRing, today: date) -> Iterator[Finding]:
    """Yield what is wrong with the ring itself. Raises: ConfigError where a name is unknown or a rule has no reader."""
    seen: dict[object, str] = {}
    for principal, key in ring.public_keys():
        yield from _of_key(ring, principal, key, today)
        recipient = normalised(key.master_key)
        if recipient in seen:
            yield _finding(
                principal, key, ruleset.DUPLICATE_RECIPIENT, f"{key.id} is the same key as {seen[recipient]}"
            )
        seen.setdefault(recipient, key.id)
    for group in ring.groups:
        size = len(ring.members_of(group))
        if group.max_members is not None and size > group.max_members:
            message = f"group {group.name} has {size} members, and at most {group.max_members} are allowed"
            yield ruleset.LARGE_GROUP.finding(GROUPS, f"groups.{group.name}", message)
    for rule in ring.policy.rules:
        yield from _of_rule(ring, rule, today)


def pgp_findings(ring: KeyRing, source: RingSource, today: date) -> Iterator[Finding]:
    """Yield what is wrong with the PGP public keys that lie in the ring; without gpg, a note that nobody looked."""
    for _, key in ring.public_keys():
        path = f"{FOLDER}/{key.armored_path}"
        data = source.read(path) if key.armored_path else None
        if data is None:
            continue
        try:
            found = examine(data.decode("ascii", "replace"), today=today)
        except MissingDependencyError as error:
            yield ruleset.WRONG_PGP_KEY.finding(path, "", f"was not looked at: {error.message}", level="note")
            return
        except SecretsyncError as error:
            yield ruleset.WRONG_PGP_KEY.finding(path, "", error.message, error.hint)
            continue
        if normalised(MasterKey(key.master_key.kind, found.recipient)) != normalised(key.master_key):
            message = f"holds PGP key {found.recipient}, and is to hold that of {key.id}"
            yield ruleset.WRONG_PGP_KEY.finding(path, "", message)


def _of_key(ring: KeyRing, principal: Principal, key: PublicKey, today: date) -> Iterator[Finding]:
    if gone := ring.find_retired(key.master_key):
        message = f"{key.id} was retired on {gone.retired_at} ({gone.reason}) and does not come back"
        yield _finding(principal, key, ruleset.RETIRED_RECIPIENT, message)
    if key.status == "compromised":
        hint = f"secretsync runbook compromised plan {key.id}"
        yield _finding(principal, key, ruleset.INACTIVE_KEY, f"{key.id} is compromised and not retired", hint)
    if problem := weakness(key.type, key.recipient):
        yield _finding(principal, key, ruleset.WEAK_KEY, f"{key.id}: {problem}")
    if key.recipient in DEMO_RECIPIENTS:
        yield _finding(principal, key, ruleset.DEMO_RECIPIENT, f"{key.id} is a demo key, whose private half is public")
    if key.id.startswith(UNNAMED):
        message = f"nobody knows whose key {key.id} is"
        hint = f"find out, then: secretsync keys rename {principal.name} NAME"
        yield ruleset.UNNAMED_KEY.finding(f"{FOLDER}/{principal.path}", "", message, hint)
    yield from _of_expiry(principal, key, today)


def _of_expiry(principal: Principal, key: PublicKey, today: date) -> Iterator[Finding]:
    if key.expires is None or key.status != "active":
        return
    hint = f"secretsync runbook expiring plan {key.id}"
    if key.expires < today:
        message = f"{key.id} expired on {key.expires}: nothing is encrypted for it any more"
        yield _finding(principal, key, ruleset.EXPIRED_KEY, message, hint)
    elif key.expires <= today + _SOON:
        message = f"{key.id} expires on {key.expires}"
        yield ruleset.EXPIRING_KEY.finding(f"{FOLDER}/{principal.path}", "", message, hint)


def _of_rule(ring: KeyRing, rule: PolicyRule, today: date) -> Iterator[Finding]:
    place = rule.place
    groups = ring.readers(rule, today=today)
    recipients = {reader.recipient for group in groups for reader in group}
    least = ring.policy.min_recipients
    if len(recipients) < least:
        message = f"the rule has {len(recipients)} recipients, and at least {least} are demanded"
        yield ruleset.FEW_RECIPIENTS.finding(POLICY, place, message)
    strong = {one for one in recipients if KINDS[one.kind].is_post_quantum(one.name)}
    if ring.policy.forbid_mixed_pq and strong and strong != recipients:
        weak = sorted(ring.label(one) for one in recipients - strong)
        message = f"the rule mixes post-quantum keys with {', '.join(weak)}"
        yield ruleset.MIXED_STRENGTH.finding(POLICY, place, message)


def _finding(principal: Principal, key: PublicKey, rule: Rule, message: str, hint: str | None = None) -> Finding:
    hint = hint or f"secretsync keys remove {principal.name} --key {key.id}"
    return rule.finding(f"{FOLDER}/{principal.path}", "", message, hint)
