"""The rules that `check` has of its own, one entry each. To add one: an entry here, and a place that yields its findings."""

from __future__ import annotations

from typing import Final

import secretsync.keyring.ruleset as keyring_ruleset
from secretsync.findings import Rule, rules_of_errors

_FLUX: Final = "Flux's objects"

PLAINTEXT_SECRET: Final = Rule(
    "plaintext-secret",
    "error",
    "nothing",
    "A Secret lies in the clear.",
    "encrypt the file: `secretsync encrypt -i FILE`",
)
CLEAR_VALUE: Final = Rule(
    "clear-value", "warning", "a key", "An encrypted file holds a Secret's value in the clear.",
    "correct the selector, and encrypt the file anew",
)  # fmt: skip
DEMO_KEY: Final = Rule(
    "demo-key", "warning", "nothing", "A file is encrypted for a key whose private half is public.",
    "take the key out: `secretsync rotate`, and change the values",
)  # fmt: skip
SUSPECT: Final = Rule("suspect", "warning", "a key", "A file opens, and something about it deserves a look.")
FLUX_AMBIGUOUS: Final = Rule(
    "flux-ambiguous", "warning", _FLUX, "Flux may read a value in one format or in another.",
    "let the name of its key end in the format",
)  # fmt: skip
FLUX_CHANGES: Final = Rule(
    "flux-changes", "warning", _FLUX, "Flux applies a decrypted value as another one, or where everybody reads it.",
    "write `$$` for each `$`, or switch substitution off for the object",
)  # fmt: skip
FLUX_DECRYPTS: Final = Rule("flux-decrypts", "note", _FLUX, "Flux decrypts this, with the key named.")
FLUX_FAILS: Final = Rule("flux-fails", "error", _FLUX, "Flux refuses this, and applies nothing.")
FLUX_MISSED: Final = Rule("flux-missed", "error", _FLUX, "Flux does not decrypt this, and applies ciphertext.")
FLUX_NOT_JUDGED: Final = Rule(
    "flux-not-judged", "note", _FLUX, "What Flux does here depends on what is not in the repository."
)
FLUX_RENAMED: Final = Rule(
    "flux-renamed", "error", _FLUX, "A SealedSecret arrives under a name or namespace it was not sealed for.",
    "seal it for that name, or with a wider `--scope`",
)  # fmt: skip
FLUX_UNREACHED: Final = Rule(
    "flux-unreached", "note", _FLUX, "No Kustomization that Flux applies reaches an encrypted file.",
    "name the file in a kustomization, or the folder in a Kustomization",
)  # fmt: skip
FLUX_UNVERIFIED: Final = Rule("flux-unverified", "note", _FLUX, "Flux does not verify what it decrypts.")
TEMPLATE_WIDENS: Final = Rule(
    "template-widens", "error", "nothing", "A SealedSecret's template says a wider scope than the object itself.",
    "take the annotation out of the template; where it is meant, seal it anew: `secretsync seal --scope SCOPE`",
)  # fmt: skip
UNSEALABLE: Final = Rule(
    "unsealable", "error", "nothing", "A SealedSecret cannot be what the controller expects.",
    "seal it anew: `secretsync seal`",
)  # fmt: skip

RULES: Final = (
    PLAINTEXT_SECRET, CLEAR_VALUE, DEMO_KEY, SUSPECT, FLUX_AMBIGUOUS, FLUX_CHANGES, FLUX_DECRYPTS, FLUX_FAILS, FLUX_MISSED,
    FLUX_NOT_JUDGED, FLUX_RENAMED, FLUX_UNREACHED, FLUX_UNVERIFIED, TEMPLATE_WIDENS, UNSEALABLE,
)  # fmt: skip


def every_rule() -> list[Rule]:
    """Return all rules by their ids: those of errors, of the key ring and of `check`; the later ones count."""
    found = {rule.id: rule for rule in (*rules_of_errors(), *keyring_ruleset.RULES, *RULES)}
    return sorted(found.values())
