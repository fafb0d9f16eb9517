"""A kind of master key is spelled in its record and nowhere else, so that one more is one record more."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from secretsync.masterkeys.kinds import KINDS, in_flags, in_rules

PACKAGE = Path(__file__).parents[2] / "secretsync"
HOME = "masterkeys"
ALLOWED = {
    "age/x25519.py": {"age"},  # what a recipient of the age format begins with
    "cli/keys/showing.py": {"age", "pgp"},  # output formats, named after the tools that read them
}
WORDS = {
    word
    for kind in KINDS.values()
    for word in (kind.name, kind.rule_list, kind.group_list, kind.flag, kind.variable, *kind.ring_types)
}


def _literals(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_no_other_module_spells_a_kind(path: Path) -> None:
    name = path.relative_to(PACKAGE).as_posix()
    if not name.startswith(HOME):
        assert _literals(path) & WORDS == ALLOWED.get(name, set())


def test_every_name_belongs_to_one_kind() -> None:
    for names in (
        [kind.rule_list for kind in KINDS.values()],
        [kind.group_list for kind in KINDS.values()],
        [kind.flag for kind in KINDS.values()],
        [kind.variable for kind in KINDS.values()],
        [each for kind in KINDS.values() for each in kind.ring_types],
        [field.name for kind in KINDS.values() for field in kind.identity_fields],
    ):
        assert len(set(names)) == len(names)


def test_kinds_have_the_orders_of_sops() -> None:
    assert list(KINDS) == ["kms", "gcp_kms", "hckms", "azure_kv", "hc_vault", "pgp", "age"]
    assert [kind.name for kind in in_rules()] == ["age", "pgp", "kms", "gcp_kms", "hckms", "azure_kv", "hc_vault"]
    assert [kind.name for kind in in_flags()] == ["kms", "gcp_kms", "hckms", "azure_kv", "pgp", "hc_vault", "age"]
