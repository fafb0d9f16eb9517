"""Two states of a key ring side by side: for every encrypted file, who gains and who loses access by the policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from secretsync.keyring.model import KeyRing
from secretsync.keyring.policy import PolicyRule
from secretsync.sops.selectors import Selector


class AccessChange(NamedTuple):
    """What changes for one file. Keys are named `id of principal`; `notes` are changes other than of readers."""

    path: str
    gained: list[str]
    lost: list[str]
    notes: list[str]


def compare(before: KeyRing, after: KeyRing, paths: Iterable[str], *, today: date) -> Iterator[AccessChange]:
    """Yield the files for which something changes. Raises: ConfigError where a ring names somebody it does not know."""
    for path in paths:
        old, new = before.rule_for(path), after.rule_for(path)
        olds, news = _readers(before, old, today), _readers(after, new, today)
        gained = sorted(news[each] for each in news.keys() - olds.keys())
        lost = sorted(olds[each] for each in olds.keys() - news.keys())
        notes = list(_notes(old, new))
        if gained or lost or notes:
            yield AccessChange(path, gained, lost, notes)


def _readers(ring: KeyRing, rule: PolicyRule | None, today: date) -> dict[object, str]:
    groups = ring.readers(rule, today=today) if rule else []
    return {reader.recipient: f"{reader.key_id} of {reader.principal}" for group in groups for reader in group}


def _notes(old: PolicyRule | None, new: PolicyRule | None) -> Iterator[str]:
    if old is None or new is None:
        if old is not new:
            yield "no rule was for it" if old is None else "no rule is for it any more"
        return
    if (before := _encrypts(old)) != (after := _encrypts(new)):
        yield f"encrypts by {after} instead of {before}"
    if (len(old.readers), old.threshold) != (len(new.readers), new.threshold):
        yield f"{len(new.readers)} key groups with threshold {new.threshold or len(new.readers)}"


def _encrypts(rule: PolicyRule) -> str:
    selector = rule.selector or Selector.default()
    return f"{selector.kind} {selector.pattern!r}{' with a MAC over these only' if rule.mac_only_encrypted else ''}"
