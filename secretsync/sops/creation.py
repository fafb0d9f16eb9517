"""What a new file gets: keys, selector and threshold from flags, environment and creation rule, in sops' precedence.

One key flag or its variable is enough to leave the rule's keys aside; a selector flag replaces the rule's of its own
kind only. Source: sops cmd/sops/main.go `getEncryptConfig`, `keyGroups` at v3.13.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from secretsync.errors import ConfigError, ConflictingOptionsError
from secretsync.masterkeys.kinds import in_flags
from secretsync.sops.datakey import MasterKey
from secretsync.sops.rules import CreationRule, comma_separated, recipient
from secretsync.sops.selectors import KINDS as SELECTOR_KINDS
from secretsync.sops.selectors import Selector


@dataclass(frozen=True, slots=True)
class Choice:
    """What a new file is encrypted with; `selector` None means sops' default suffix.

    `place` is the rule that all of it comes from, empty where an option says something too.
    """

    groups: list[list[MasterKey]]
    selector: Selector | None
    mac_only_encrypted: bool
    shamir_threshold: int
    place: str = ""


def recipients_from(flags: Mapping[str, str], environ: Mapping[str, str]) -> list[MasterKey]:
    """Return the keys that flags (by kind, comma-separated) or their variables name; a flag beats its variable."""
    found = []
    for kind in in_flags():
        given = flags.get(kind.name)
        place = f"--{kind.flag}" if given else kind.variable
        names = comma_separated(given or environ.get(kind.variable, ""))
        found += [recipient(kind.name, name, place) for name in names]
    return found


def choose(
    rule: CreationRule | None,
    *,
    recipients: list[MasterKey],
    selectors: Mapping[str, str],
    mac_only_encrypted: bool = False,
    shamir_threshold: int = 0,
) -> Choice:
    """Return what a new file gets from the options and the rule that matches it.

    Raises:
        ConflictingOptionsError: two selectors of different kinds.
        ConfigError: no key anywhere.
    """
    merged = {rule.selector.kind: rule.selector.pattern} if rule and rule.selector else {}
    merged |= {kind: pattern for kind, pattern in selectors.items() if pattern}
    if len(merged) > 1:
        names = " and ".join(kind for kind in SELECTOR_KINDS if kind in merged)
        raise ConflictingOptionsError(f"cannot use more than one selector: {names}")
    if not recipients and rule is None:
        raise ConfigError(
            "no recipients: no creation rule matches the file, and no key was given",
            hint="add a creation rule to .sops.yaml, or name a recipient, as in --age age1…",
        )
    return Choice(
        groups=[recipients] if recipients else (rule.groups if rule else []),
        selector=Selector(*next(iter(merged.items()))) if merged else None,
        mac_only_encrypted=mac_only_encrypted or bool(rule and rule.mac_only_encrypted),
        shamir_threshold=shamir_threshold or (rule.shamir_threshold if rule else 0),
        place="" if rule is None or recipients or any(selectors.values()) or shamir_threshold else rule.place,
    )
