"""Whether the metadata of a file are those that its rule asks for: nothing in a file vouches for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from secretsync.keyring.naming import FileRule
from secretsync.sops import strangers
from secretsync.sops.comparison import of_file, same_groups
from secretsync.sops.datakey import Keys
from secretsync.sops.metadata import Metadata
from secretsync.sops.selectors import Selector
from secretsync.sops.strangers import Named


def departures(found: Metadata, rules: Sequence[FileRule], keys: Keys, *, one_value: bool) -> list[str]:
    """Say where recipients, key groups, threshold or selector of a file are not what each of its rules asks for.

    `one_value`: the store holds one value as a whole, so that no selector counts.
    """
    return [text for rule in rules for text in _from_rule(found, rule, keys, one_value=one_value)]


def departures_from(found: Metadata, other: Metadata, place: str, keys: Keys) -> list[str]:
    """Say the same against another version of the file, for one that has no rule; `place` is what people call that."""
    named = Named(place, of_file(other, keys), other.shamir_threshold)
    wrong = [*_from_named(found, named, keys), *_from_selector(found, other.selector, place)]
    if found.mac_only_encrypted and not other.mac_only_encrypted:
        wrong.append(f"its MAC leaves clear values out (mac_only_encrypted), and that of {place} does not")
    return wrong


def names_recipients(rules: Sequence[FileRule]) -> bool:
    """Whether any of the rules names who reads the file."""
    return any(rule.named for rule in rules)


def _from_rule(found: Metadata, rule: FileRule, keys: Keys, *, one_value: bool) -> Iterator[str]:
    if rule.named:
        yield from _from_named(found, rule.named, keys)
    if not one_value:
        yield from _from_selector(found, rule.selector or Selector.default(), rule.place)
    if found.mac_only_encrypted and not rule.mac_only:
        yield f"its MAC leaves clear values out (mac_only_encrypted), and {rule.place} does not say so"


def _from_named(found: Metadata, named: Named, keys: Keys) -> Iterator[str]:
    groups = of_file(found, keys)
    here = strangers.strangers(groups, named.groups, keys)
    there = strangers.strangers(named.groups, groups, keys)
    yield from (f"{one} is a recipient of the file, and {named.place} names no such key for it" for one in here)
    yield from (f"{one} is named by {named.place}, and is no recipient of the file" for one in there)
    if not here and not there and not same_groups(groups, named.groups, keys):
        yield f"the key groups are not those of {named.place}"
    needed, wanted = strangers.quorum(groups, found.shamir_threshold), strangers.quorum(named.groups, named.threshold)
    if needed != wanted:
        yield f"opens with {needed} of its key groups, and {named.place} asks for {wanted}"


def _from_selector(found: Metadata, wanted: Selector, place: str) -> Iterator[str]:
    if found.selector != wanted:
        yield f"its selector is {found.selector.kind} {found.selector.pattern!r}, and not that of {place}"
