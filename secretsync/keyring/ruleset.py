"""The rules of `keys lint`, one entry each; their ids stay the same between versions."""

from __future__ import annotations

from typing import Final

from secretsync.findings import Level, Needs, Rule

ALIGN: Final = "secretsync runbook align plan"
FIX: Final = "secretsync keys lint --fix"
LOOK: Final = "if it is meant: secretsync keys lint --fix --accept"
LEAKED: Final = "it stays in the history: take it out, and replace the key: secretsync runbook compromised plan KEY"
_REPLACE: Final = "secretsync runbook expiring plan KEY"
_REMOVE: Final = "secretsync keys remove NAME --key KEY"


def _rule(id_: str, meaning: str, remedy: str, *, level: Level = "error", needs: Needs = "the key ring") -> Rule:
    return Rule(id_, level, needs, meaning, remedy)


GENERATED_DRIFT: Final = _rule("generated-drift", "`.sops.yaml` is not what follows from `keys/`.", FIX)
LOCK_DRIFT: Final = _rule("lock-drift", "`keys/` was changed since `keyring.lock` was written.", FIX)
LOST_LOCK: Final = _rule("lost-lock", "`keyring.lock` is missing or damaged, so nobody can tell what changed.", LOOK)
CHANGED_SELECTOR: Final = _rule(
    "changed-selector",
    "A rule encrypts something else than the lock says, or is gone: values may get into the clear.",
    LOOK,
)
CHANGED_PIN: Final = _rule(
    "changed-pin",
    "A sealing certificate's pin is not that of the lock: new secrets would be sealed for another key.",
    LOOK,
)
WEAKER_DEFAULTS: Final = _rule("weaker-defaults", "The policy demands less than the lock says.", LOOK)
NESTED_CONFIG: Final = _rule(
    "nested-config",
    "A `.sops.yaml` below the root takes the files next to it away from the policy.",
    "git rm FILE",
    needs="nothing",
)
PRIVATE_KEY: Final = _rule(
    "private-key-in-repository", "A private key lies in the repository.", LEAKED, needs="nothing"
)
UNKNOWN_RECIPIENT: Final = _rule(
    "unknown-recipient",
    "A file is encrypted for a key that the key ring does not know.",
    f"see who added it: git log -p -- FILE; then: {ALIGN} --unknown drop",
)
RETIRED_RECIPIENT: Final = _rule("retired-recipient", "A retired key is back, in a file or in the ring.", ALIGN)
EXTRA_RECIPIENT: Final = _rule(
    "extra-recipient",
    "A file is encrypted for somebody whom its rule, in `.sops.yaml` or the policy, does not name for it.",
    ALIGN,
)
MISSING_RECIPIENT: Final = _rule(
    "missing-recipient", "A file is not encrypted for somebody whom the policy names for it.", ALIGN
)
OTHER_GROUPS: Final = _rule("other-groups", "A file's key groups or threshold are not the policy's.", ALIGN)
OTHER_SELECTOR: Final = _rule(
    "other-selector", "A file encrypts something else than the policy says.", "decrypt the file and encrypt it anew"
)
NO_RULE: Final = _rule("no-rule", "No rule of the policy is for an encrypted file.", "add one to keys/policy.yaml")
IGNORED_FILES: Final = _rule(
    "ignored-files",
    "The policy ignores files: whom they are encrypted for is not judged.",
    "look at what keys/policy.yaml says under ignore",
    level="note",
)
WRONG_PIN: Final = _rule(
    "wrong-pin",
    "A sealing certificate is not the one that the policy pins, or cannot be used.",
    "secretsync keys pin CLUSTER FILE",
)
UNPINNED: Final = _rule(
    "unpinned-certificate",
    "A certificate lies in `keys/sealing/` that the policy does not pin.",
    "secretsync keys pin CLUSTER FILE, or: git rm FILE",
)
WRONG_PGP_KEY: Final = _rule(
    "wrong-pgp-key",
    "A file in `keys/pgp/` is not the public key it is named for, or that key is unusable.",
    "secretsync keys import",
)
EXPIRED_KEY: Final = _rule("expired-key", "A key has expired, so nothing is encrypted for it any more.", _REPLACE)
EXPIRING_KEY: Final = _rule("expiring-key", "A key expires within 30 days.", _REPLACE, level="warning")
WEAK_KEY: Final = _rule("weak-key", "A key is too weak, or cannot decrypt.", _REMOVE)
DEMO_RECIPIENT: Final = _rule("demo-recipient", "A key's private half is public.", _REMOVE)
DUPLICATE_RECIPIENT: Final = _rule("duplicate-recipient", "One key stands in the ring twice.", _REMOVE)
UNNAMED_KEY: Final = _rule(
    "unnamed-key",
    "Nobody knows yet whose key this is.",
    "find out, then: secretsync keys rename UNKNOWN NAME",
    level="warning",
)
INACTIVE_KEY: Final = _rule(
    "compromised-key", "A key is marked compromised and not retired.", "secretsync runbook compromised plan KEY"
)
LARGE_GROUP: Final = _rule(
    "large-group", "A group has more members than its limit.", "make the group smaller, or raise its limit"
)
FEW_RECIPIENTS: Final = _rule(
    "too-few-recipients", "A rule has fewer recipients than the policy demands.", "name more readers in the rule"
)
MIXED_STRENGTH: Final = _rule(
    "mixed-post-quantum",
    "A rule mixes post-quantum keys with others, which are as weak as the weakest.",
    "let the rule name keys of one strength",
)

RULES: Final = (
    GENERATED_DRIFT, LOCK_DRIFT, LOST_LOCK, CHANGED_SELECTOR, CHANGED_PIN, WEAKER_DEFAULTS, NESTED_CONFIG, PRIVATE_KEY, UNKNOWN_RECIPIENT, RETIRED_RECIPIENT, EXTRA_RECIPIENT, MISSING_RECIPIENT, OTHER_GROUPS, OTHER_SELECTOR, NO_RULE, IGNORED_FILES, WRONG_PIN, UNPINNED, WRONG_PGP_KEY, EXPIRED_KEY, EXPIRING_KEY, WEAK_KEY, DEMO_RECIPIENT, DUPLICATE_RECIPIENT, UNNAMED_KEY, INACTIVE_KEY, LARGE_GROUP, FEW_RECIPIENTS, MIXED_STRENGTH,
)  # fmt: skip

DELIBERATE: Final = frozenset(
    each.id for each in (LOST_LOCK, CHANGED_SELECTOR, CHANGED_PIN, WEAKER_DEFAULTS, RETIRED_RECIPIENT)
)
"""What `keys lint --fix` does not settle without `--accept`: writing a new lock would make it look as if it had been so."""
