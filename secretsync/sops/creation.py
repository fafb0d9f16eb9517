"""What a new file gets: keys, selector and threshold from flags, environment and creation rule, in sops' precedence.

One key flag or its variable is enough to leave the rule's keys aside; a selector flag replaces the rule's of its own
kind only. Source: sops cmd/sops/main.go `getEncryptConfig`, `keyGroups` at v3.13.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from secretsync.errors import ConfigError, ConflictingOptionsError
from secretsync.sops.datakey import MasterKey
from secretsync.sops.rules import CreationRule, comma_separated, recipient
from secretsync.sops.selectors import KINDS as SELECTOR_KINDS
from secretsync.sops.selectors import Selector

KEY_VARIABLES: Final = {
    "kms": "SOPS_KMS_ARN",
    "gcp_kms": "SOPS_GCP_KMS_IDS",
    "hckms": "SOPS_HUAWEICLOUD_KMS_IDS",
    "azure_kv": "SOPS_AZURE_KEYVAULT_URLS",
    "pgp": "SOPS_PGP_FP",
    "hc_vault": "SOPS_VAULT_URIS",
    "age": "SOPS_AGE_RECIPIENTS",
}
"""Kind to the variable that stands in for its flag, in the order the keys get in the file."""

FLAGS: Final = {kind: kind.replace("_", "-") for kind in KEY_VARIABLES} | {"hc_vault": "hc-vault-transit"}
"""Kind to its flag, without the hyphens in front; `add-` and `rm-` go there."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a new file is encrypted with; `selector` None means sops' default suffix."""

    groups: list[list[MasterKey]]
    selector: Selector | None
    mac_only_encrypted: bool
    shamir_threshold: int


def recipients_from(flags: Mapping[str, str], environ: Mapping[str, str]) -> list[MasterKey]:
    """Return the keys that flags (by kind, comma-separated) or their variables name; a flag beats its variable."""
    found = []
    for kind, variable in KEY_VARIABLES.items():
        given = flags.get(kind)
        place = f"--{FLAGS[kind]}" if given else variable
        found += [recipient(kind, name, place) for name in comma_separated(given or environ.get(variable, ""))]
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
    )
