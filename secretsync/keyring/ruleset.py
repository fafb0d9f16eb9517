"""The rules of `keys lint`, with what each means; their names stay the same between versions."""

from __future__ import annotations

from typing import Final

GENERATED_DRIFT: Final = "generated-drift"
LOCK_DRIFT: Final = "lock-drift"
LOST_LOCK: Final = "lost-lock"
CHANGED_SELECTOR: Final = "changed-selector"
CHANGED_PIN: Final = "changed-pin"
WEAKER_DEFAULTS: Final = "weaker-defaults"
NESTED_CONFIG: Final = "nested-config"
PRIVATE_KEY: Final = "private-key-in-repository"
UNKNOWN_RECIPIENT: Final = "unknown-recipient"
RETIRED_RECIPIENT: Final = "retired-recipient"
EXTRA_RECIPIENT: Final = "extra-recipient"
MISSING_RECIPIENT: Final = "missing-recipient"
OTHER_GROUPS: Final = "other-groups"
OTHER_SELECTOR: Final = "other-selector"
NO_RULE: Final = "no-rule"
WRONG_PIN: Final = "wrong-pin"
UNPINNED: Final = "unpinned-certificate"
WRONG_PGP_KEY: Final = "wrong-pgp-key"
EXPIRED_KEY: Final = "expired-key"
EXPIRING_KEY: Final = "expiring-key"
WEAK_KEY: Final = "weak-key"
DEMO_RECIPIENT: Final = "demo-recipient"
DUPLICATE_RECIPIENT: Final = "duplicate-recipient"
UNNAMED_KEY: Final = "unnamed-key"
INACTIVE_KEY: Final = "compromised-key"
LARGE_GROUP: Final = "large-group"
FEW_RECIPIENTS: Final = "too-few-recipients"
MIXED_STRENGTH: Final = "mixed-post-quantum"

RULES: Final[dict[str, str]] = {
    GENERATED_DRIFT: "`.sops.yaml` is not what follows from `keys/`.",
    LOCK_DRIFT: "`keys/` was changed since `keyring.lock` was written.",
    LOST_LOCK: "`keyring.lock` is missing or damaged, so nobody can tell what changed.",
    CHANGED_SELECTOR: "A rule encrypts something else than the lock says, or is gone: values may get into the clear.",
    CHANGED_PIN: "A sealing certificate's pin is not that of the lock: new secrets would be sealed for another key.",
    WEAKER_DEFAULTS: "The policy demands less than the lock says.",
    NESTED_CONFIG: "A `.sops.yaml` below the root takes the files next to it away from the policy.",
    PRIVATE_KEY: "A private key lies in the repository.",
    UNKNOWN_RECIPIENT: "A file is encrypted for a key that the key ring does not know.",
    RETIRED_RECIPIENT: "A retired key is back, in a file or in the ring.",
    EXTRA_RECIPIENT: "A file is encrypted for somebody whom its rule, in `.sops.yaml` or the policy, does not name for it.",
    MISSING_RECIPIENT: "A file is not encrypted for somebody whom the policy names for it.",
    OTHER_GROUPS: "A file's key groups or threshold are not the policy's.",
    OTHER_SELECTOR: "A file encrypts something else than the policy says.",
    NO_RULE: "No rule of the policy is for an encrypted file.",
    WRONG_PIN: "A sealing certificate is not the one that the policy pins, or cannot be used.",
    UNPINNED: "A certificate lies in `keys/sealing/` that the policy does not pin.",
    WRONG_PGP_KEY: "A file in `keys/pgp/` is not the public key it is named for, or that key is unusable.",
    EXPIRED_KEY: "A key has expired, so nothing is encrypted for it any more.",
    EXPIRING_KEY: "A key expires within 30 days.",
    WEAK_KEY: "A key is too weak, or cannot decrypt.",
    DEMO_RECIPIENT: "A key's private half is public.",
    DUPLICATE_RECIPIENT: "One key stands in the ring twice.",
    UNNAMED_KEY: "Nobody knows yet whose key this is.",
    INACTIVE_KEY: "A key is marked compromised and not retired.",
    LARGE_GROUP: "A group has more members than its limit.",
    FEW_RECIPIENTS: "A rule has fewer recipients than the policy demands.",
    MIXED_STRENGTH: "A rule mixes post-quantum keys with others, which are as weak as the weakest.",
}

LEAKED: Final = "it stays in the history: take it out, and replace the key: secretsync runbook compromised plan KEY"
"""What to do about a private key in a repository."""

DELIBERATE: Final = frozenset({LOST_LOCK, CHANGED_SELECTOR, CHANGED_PIN, WEAKER_DEFAULTS, RETIRED_RECIPIENT})
"""What `keys lint --fix` does not settle without `--accept`: writing a new lock would make it look as if it had been so."""
