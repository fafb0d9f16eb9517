"""The rules of `check` and `keys lint`: machines know them by ids, which stay the same between versions."""

from __future__ import annotations

import secretsync.errors as errors
from secretsync.audit.ruleset import RULES, every_rule
from secretsync.errors import MacMismatchError, SecretsyncError
from secretsync.findings import Finding, finding_of
from secretsync.keyring.ruleset import RULES as KEY_RING_RULES

IDS = [
    "age-armor",
    "age-header",
    "age-header-mac",
    "age-payload",
    "already-encrypted",
    "authentication",
    "bad-value",
    "bare-ciphertext",
    "changed-pin",
    "changed-selector",
    "clear-value",
    "cluster",
    "compromised-key",
    "configuration",
    "conflict-markers",
    "conflicting-options",
    "conversion",
    "demo-key",
    "demo-key-refused",
    "demo-recipient",
    "duplicate-key",
    "duplicate-recipient",
    "editor",
    "empty-file",
    "environment-value",
    "expired-certificate",
    "expired-key",
    "expiring-key",
    "extra-recipient",
    "file-access",
    "file-changed",
    "flux-ambiguous",
    "flux-changes",
    "flux-decrypts",
    "flux-fails",
    "flux-missed",
    "flux-not-judged",
    "flux-renamed",
    "flux-unreached",
    "flux-unverified",
    "generated-drift",
    "ignore-comment",
    "ignored-files",
    "integrity",
    "interrupted",
    "invalid-manifest",
    "key-service",
    "kind-of-key-named-twice",
    "large-group",
    "last-applied",
    "limit-exceeded",
    "lock-drift",
    "lost-block",
    "lost-lock",
    "mac-mismatch",
    "malformed-ciphertext",
    "malformed-input",
    "missing-dependency",
    "missing-file",
    "missing-recipient",
    "mixed-post-quantum",
    "nested-config",
    "no-key",
    "no-matching-creation-rule",
    "no-namespace",
    "no-rule",
    "not-encrypted",
    "not-examined",
    "not-found",
    "not-this-key",
    "operation-running",
    "other-groups",
    "other-selector",
    "parse-error",
    "path-escape",
    "plaintext-generator",
    "plaintext-refused",
    "plaintext-secret",
    "plan",
    "private-key",
    "private-key-given",
    "private-key-in-repository",
    "proof",
    "refused",
    "repository",
    "retired-recipient",
    "rules-changed",
    "sealing-certificate",
    "sops-metadata",
    "suspect",
    "template",
    "template-widens",
    "too-few-recipients",
    "tree",
    "tree-path",
    "unchanged",
    "unknown-field",
    "unknown-recipient",
    "unnamed-key",
    "unpinned-certificate",
    "unreachable",
    "unresolved-merge",
    "unseal",
    "unsealable",
    "weak-key",
    "weaker-defaults",
    "wrong-parameter",
    "wrong-pgp-key",
    "wrong-pin",
]


def test_the_ids_stay_what_they_are() -> None:
    """Add to this list; what is on it is what SARIF consumers and policies know."""
    assert [rule.id for rule in every_rule() if rule.id != SecretsyncError.rule] == IDS


def test_each_error_class_and_each_entry_has_an_id_of_its_own() -> None:
    classes = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, SecretsyncError)]
    assert [each.__name__ for each in classes if "rule" not in vars(each)] == []
    ids = [each.rule for each in classes] + [rule.id for rule in (*RULES, *KEY_RING_RULES)]
    assert sorted(ids) == sorted(set(ids))


def test_an_error_is_a_finding_by_its_id_and_not_by_its_words() -> None:
    found = finding_of(MacMismatchError("does not hold", location="a.yaml#2 x", hint="look"), "a.yaml")
    assert found == Finding("a.yaml", "#2 x", "mac-mismatch", "error", "does not hold", "look")


def test_an_entry_makes_findings_of_its_own_level_unless_told() -> None:
    rule = RULES[0]
    assert rule.finding("f", "p", "m") == Finding("f", "p", rule.id, rule.level, "m")
    assert rule.finding("f", "p", "m", "h", level="note").level == "note"
