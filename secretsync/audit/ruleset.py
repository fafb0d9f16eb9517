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
BARE_CIPHERTEXT: Final = Rule(
    "bare-ciphertext", "error", "nothing", "A value is sops ciphertext, and nothing decrypts it.",
    "restore the file's sops block from Git",
)  # fmt: skip
CLEAR_VALUE: Final = Rule(
    "clear-value", "error", "nothing", "An encrypted file holds a value in the clear that its selector, or a Secret, says is secret.",
    "correct the selector, and encrypt the file anew",
)  # fmt: skip
DEMO_KEY: Final = Rule(
    "demo-key", "warning", "nothing", "A file is encrypted for a key whose private half is public.",
    "take the key out: `secretsync rotate`, and change the values",
)  # fmt: skip
LAST_APPLIED: Final = Rule(
    "last-applied", "error", "nothing", "A Secret's values lie in the clear in the copy that kubectl keeps in an annotation.",
    "take the annotation kubectl.kubernetes.io/last-applied-configuration out, and change the values",
)  # fmt: skip
LOST_BLOCK: Final = Rule(
    "lost-block", "error", "nothing", "A file was encrypted, and its sops block is lost.",
    "restore the file from Git: `git log -p -- FILE`",
)  # fmt: skip
NO_NAMESPACE: Final = Rule(
    "no-namespace", "note", "nothing", "A SealedSecret is bound to a namespace that it does not name.",
    "write metadata.namespace",
)  # fmt: skip
NOT_ENCRYPTED: Final = Rule(
    "not-encrypted", "error", "nothing", "A file that its rule says is encrypted is not.",
    "encrypt the file: `secretsync encrypt -i FILE`",
)  # fmt: skip
NOT_EXAMINED: Final = Rule("not-examined", "note", "nothing", "A file is too large to be looked at.")
PLAINTEXT_GENERATOR: Final = Rule(
    "plaintext-generator", "error", "nothing", "A generator makes a Secret of what lies in the clear.",
    "encrypt the file that the generator names; make a file of a literal",
)  # fmt: skip
RULES_CHANGED: Final = Rule(
    "rules-changed", "note", "nothing", "A `.sops.yaml` or key ring is not the one of the revision that `--config-from` names.",
    "see who gains and who loses: `secretsync keys diff REV`, `git diff REV -- FILE`",
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
IGNORE_COMMENT: Final = Rule(
    "ignore-comment", "error", "nothing", "A comment that should accept a finding has a mistake, so it accepts nothing.",
    "write: `# secretsync: ignore RULE why it is accepted here`",
)  # fmt: skip
TEMPLATE_WIDENS: Final = Rule(
    "template-widens", "error", "nothing", "A SealedSecret's template says a wider scope than the object itself.",
    "take the annotation out of the template; where it is meant, seal it anew: `secretsync seal --scope SCOPE`",
)  # fmt: skip
UNKNOWN_FIELD: Final = Rule(
    "unknown-field", "error", "nothing", "A Secret has a field that Kubernetes does not know, and that no selector for Secrets picks.",
    "correct the field's name, and encrypt the file anew",
)  # fmt: skip
UNRESOLVED_MERGE: Final = Rule(
    "unresolved-merge", "error", "nothing", "The merge of an encrypted file stopped at a conflict, and nobody has finished it.",
    "finish it: `secretsync resolve FILE`",
)  # fmt: skip
"""It counts whatever a configuration, a baseline or a comment says: they come with the branches that are merged."""
UNSEALABLE: Final = Rule(
    "unsealable", "error", "nothing", "A SealedSecret cannot be what the controller expects.",
    "seal it anew: `secretsync seal`",
)  # fmt: skip

RULES: Final = (
    PLAINTEXT_SECRET, BARE_CIPHERTEXT, CLEAR_VALUE, DEMO_KEY, LAST_APPLIED, LOST_BLOCK, NO_NAMESPACE, NOT_ENCRYPTED,
    NOT_EXAMINED, PLAINTEXT_GENERATOR, RULES_CHANGED, SUSPECT, FLUX_AMBIGUOUS, FLUX_CHANGES, FLUX_DECRYPTS, FLUX_FAILS, FLUX_MISSED,
    FLUX_NOT_JUDGED, FLUX_RENAMED, FLUX_UNREACHED, FLUX_UNVERIFIED, IGNORE_COMMENT, TEMPLATE_WIDENS, UNKNOWN_FIELD,
    UNRESOLVED_MERGE, UNSEALABLE,
)  # fmt: skip


def every_rule() -> list[Rule]:
    """Return all rules by their ids: those of errors, of the key ring and of `check`; the later ones count."""
    found = {rule.id: rule for rule in (*rules_of_errors(), *keyring_ruleset.RULES, *RULES)}
    return sorted(found.values())
