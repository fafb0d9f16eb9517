"""`.sops.yaml`: lookup, rules, key groups, and what a new file gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from secretsync.errors import ConfigError, ConflictingOptionsError, NoMatchingRuleError
from secretsync.sops import config as configs
from secretsync.sops.creation import choose, recipients_from
from secretsync.sops.datakey import MasterKey
from secretsync.sops.rules import CreationRule
from secretsync.sops.selectors import Selector

HOME = Path("/repo/.sops.yaml")


def parse(text: str) -> configs.Config:
    return configs.parse_config(text.encode(), HOME)


def rule(text: str, path: str = "/repo/a.yaml") -> CreationRule:
    found = parse(text).rule_for(path)
    assert found is not None
    return found


def age(*names: str) -> list[MasterKey]:
    return [MasterKey("age", name) for name in names]


# --- lookup -------------------------------------------------------------------------------------------------------


def test_the_nearest_config_upwards_is_found(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / ".sops.yaml").write_text("")
    assert configs.find_config(inner) == tmp_path / ".sops.yaml"
    (tmp_path / "a" / ".sops.yaml").write_text("")
    assert configs.find_config(inner) == tmp_path / "a" / ".sops.yaml"


def test_a_config_with_the_wrong_ending_is_only_warned_about(tmp_path: Path) -> None:
    (tmp_path / ".sops.yml").write_text("")
    warnings: list[str] = []
    found = configs.find_config(tmp_path, warnings)
    assert found is None or not found.is_relative_to(tmp_path)
    assert warnings == [f"{tmp_path / '.sops.yml'} is ignored: the file must be called .sops.yaml"]
    assert configs.find_config(tmp_path) == found


def test_a_config_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot read"):
        configs.load_config(tmp_path / "nothing.yaml")


def test_a_config_is_read_from_its_file(tmp_path: Path) -> None:
    (tmp_path / ".sops.yaml").write_text("creation_rules: [{age: age1x}]")
    found = configs.load_config(tmp_path / ".sops.yaml").rule_for(tmp_path / "f")
    assert found is not None
    assert found.groups == [age("age1x")]


# --- matching -----------------------------------------------------------------------------------------------------

RULES = "creation_rules:\n- path_regex: ^prod/\n  age: age1a\n- path_regex: x/y\n  age: age1b\n- age: age1c\n"


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("/repo/prod/a.yaml", 1),
        ("/repo/a/x/y.yaml", 2),
        ("/repo/z", 3),
        ("/elsewhere/prod/a", 3),
        ("/repo/a/../prod/b", 1),
    ],
)
def test_the_first_rule_found_in_the_relative_path_wins(path: str, number: int) -> None:
    assert rule(RULES, path).number == number


def test_a_relative_path_counts_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".sops.yaml").write_text("creation_rules: [{path_regex: ^f$, age: age1x}]")
    assert configs.load_config(".sops.yaml").rule_for("f") is not None


def test_no_match_is_an_error_that_names_the_path() -> None:
    with pytest.raises(NoMatchingRuleError, match=r"no creation rule matches 'a\.yaml'"):
        rule("creation_rules: [{path_regex: ^never$, age: age1x}]")


def test_an_empty_list_of_rules_matches_nothing() -> None:
    with pytest.raises(NoMatchingRuleError):
        rule("creation_rules: []")


@pytest.mark.parametrize("text", ["", "creation_rules: null\n", "destination_rules: []\n", "{}\n"])
def test_without_rules_there_is_no_config(text: str) -> None:
    assert parse(text).rule_for("/repo/a") is None


def test_an_invalid_pattern_counts_only_when_it_is_reached() -> None:
    assert rule("creation_rules: [{age: age1a}, {path_regex: '(?!x)', age: age1b}]").number == 1
    with pytest.raises(ConfigError, match=r"path_regex '\(\?!x\)' is not a valid RE2 pattern"):
        rule("creation_rules: [{path_regex: '(?!x)', age: age1b}, {age: age1a}]")


# --- keys ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["age: 'age1a, age1b,,'", "age: [age1a, ' age1b']", "age: 'age1a,\n  age1b'"],
    ids=["commas", "list", "folded"],
)
def test_keys_are_a_string_or_a_list(text: str) -> None:
    assert rule(f"creation_rules:\n- {text}\n").groups == [age("age1a", "age1b")]


def test_keys_of_all_kinds_come_in_sops_order() -> None:
    text = (
        "hc_vault_transit_uri: v\n  azure_keyvault: z\n  hckms: [h]\n  gcp_kms: g\n  kms: k\n"
        "  aws_profile: p\n  pgp: 'AB CD'\n  age: a"
    )
    assert rule(f"creation_rules:\n- {text}\n").groups == [
        [
            MasterKey("age", "a"),
            MasterKey("pgp", "ABCD"),
            MasterKey("kms", "k||p"),
            MasterKey("gcp_kms", "g"),
            MasterKey("hckms", "h"),
            MasterKey("azure_kv", "z"),
            MasterKey("hc_vault", "v"),
        ]
    ]


def test_key_groups_replace_the_keys_of_the_rule() -> None:
    text = "creation_rules:\n- age: age1x\n  shamir_threshold: 2\n  key_groups:\n  - age: [age1a]\n  - age: ['age1b,age1c']\n"
    found = rule(text)
    assert (found.groups, found.shamir_threshold) == ([age("age1a"), age("age1b", "age1c")], 2)


def test_an_empty_list_of_groups_leaves_the_keys_of_the_rule() -> None:
    assert rule("creation_rules: [{age: age1x, key_groups: []}]").groups == [age("age1x")]


def test_merged_groups_come_first_and_doubles_are_dropped() -> None:
    text = "creation_rules: [{key_groups: [{age: [a, b], merge: [{age: [b, c], merge: [{age: [d]}]}, {age: [c]}]}]}]"
    assert rule(text).groups == [age("d", "b", "c", "a")]


def test_groups_hold_every_kind() -> None:
    text = """\
creation_rules:
- key_groups:
  - pgp: [AB CD]
    kms:
    - {arn: arn:1}
    - {arn: arn:2, role: role}
    - {arn: arn:3, context: {b: 2, a: x}}
    - {arn: arn:4, aws_profile: p}
    gcp_kms: [{resource_id: g}]
    hckms: [{key_id: "r:u"}]
    azure_keyvault: [{vaultUrl: "https://v", key: k, version: "1"}]
    hc_vault: [https://h/v1/t/keys/k]
"""
    assert rule(text).groups == [
        [
            MasterKey("pgp", "ABCD"),
            MasterKey("kms", "arn:1"),
            MasterKey("kms", "arn:2+role"),
            MasterKey("kms", "arn:3|a:x,b:2"),
            MasterKey("kms", "arn:4||p"),
            MasterKey("gcp_kms", "g"),
            MasterKey("hckms", "r:u"),
            MasterKey("azure_kv", "https://v/keys/k/1"),
            MasterKey("hc_vault", "https://h/v1/t/keys/k"),
        ]
    ]


def test_anchors_and_merge_keys_work_as_in_any_yaml() -> None:
    text = """\
creation_rules:
- &base
  path_regex: ^a
  encrypted_regex: ^x$
  age: age1a
- <<: *base
  path_regex: ^b
- <<: [{age: age1c}, *base]
  path_regex: ^c
"""
    assert rule(text, "/repo/b").groups == [age("age1a")]
    assert rule(text, "/repo/c").groups == [age("age1c")]
    assert rule(text, "/repo/c").selector == Selector("encrypted_regex", "^x$")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("creation_rules: text", "expected a list"),
        ("creation_rules: [text]", "expected a mapping"),
        ("creation_rules: [{pgp: 1234567890123456}]", "expected a string or a list"),
        ("creation_rules: [{age: [1]}]", "expected a string or a list"),
        ("creation_rules: [{age: {a: b}}]", "expected a string or a list"),
        ("creation_rules: [{hckms: text}]", "expected a list"),
        ("creation_rules: [{hckms: [[a]]}]", "expected a list of strings"),
        ("creation_rules: [{path_regex: [a]}]", "expected a string"),
        ("creation_rules: [{shamir_threshold: x}]", "whole number"),
        ("creation_rules: [{shamir_threshold: true}]", "whole number"),
        ("creation_rules: [{mac_only_encrypted: x}]", "true or false"),
        ("creation_rules: [{key_groups: [text]}]", "expected a mapping"),
        ("creation_rules: [{encrypted_regex: a, encrypted_suffix: b}]", "more than one selector"),
        ("creation_rules: [{age: a, age: b}]", "age"),
        ("stores: text", "expected a mapping"),
        ("a: [", ""),
        ("- list", ""),
        ("destination_rules: [{recreation_rule: x}]", "expected a mapping"),
    ],
)
def test_a_malformed_config_is_refused_and_named(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert words in str(caught.value)
    assert str(caught.value).startswith("/repo/.sops.yaml")


def test_a_rule_that_is_null_is_an_empty_one() -> None:
    assert rule("creation_rules: [null]").groups == [[]]


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("creation_rule: []", "creation_rule: unknown key, ignored; did you mean 'creation_rules'?"),
        (
            "creation_rules: [{encrypted_regexp: x}]",
            "creation_rules[0].encrypted_regexp: unknown key, ignored; did you mean 'encrypted_regex'?",
        ),
        (
            "creation_rules: [{encrypted-regex: x}]",
            "creation_rules[0].encrypted-regex: unknown key, ignored; did you mean 'encrypted_regex'?",
        ),
        (
            "creation_rules: [{key_groups: [{gcpkms: []}]}]",
            "creation_rules[0].key_groups[0].gcpkms: unknown key, ignored; did you mean 'gcp_kms'?",
        ),
        ("stores: {yaml: {zzz: 2}}", "stores.yaml.zzz: unknown key, ignored"),
        ("zzz: 1", "zzz: unknown key, ignored"),
    ],
)
def test_an_unknown_key_is_a_warning_with_a_suggestion(text: str, warning: str) -> None:
    assert parse(text).warnings == [warning]


def test_the_list_of_anchors_that_many_files_begin_with_is_no_mistake() -> None:
    assert parse("keys: [&alice age1x]\ncreation_rules: [{age: *alice}]").warnings == []


def test_indents_and_destinations_are_read() -> None:
    text = (
        "stores: {yaml: {indent: 2}, json: {indent: 0}, json_binary: {indent: 1}, dotenv: {}}\n"
        "destination_rules: [{path_regex: ^x, s3_bucket: b, recreation_rule: {age: a}}]\n"
    )
    found = parse(text)
    assert found.indents == {"yaml": 2, "json": 0, "binary": 1}
    assert [(one.path_regex, one.fields["s3_bucket"]) for one in found.destinations] == [("^x", "b")]


# --- what a new file gets -----------------------------------------------------------------------------------------


def test_flags_beat_variables_and_keys_come_in_sops_order() -> None:
    environ = {"SOPS_AGE_RECIPIENTS": "age1env", "SOPS_PGP_FP": "AB CD, EF", "SOPS_KMS_ARN": "arn"}
    assert recipients_from({"age": "age1flag"}, environ) == [
        MasterKey("kms", "arn"),
        MasterKey("pgp", "ABCD"),
        MasterKey("pgp", "EF"),
        MasterKey("age", "age1flag"),
    ]


RULE = CreationRule(1, "", [age("age1rule")], Selector("encrypted_regex", "^a$"), True, 2)


def test_a_rule_gives_everything() -> None:
    choice = choose(RULE, recipients=[], selectors={})
    assert (choice.groups, choice.selector) == (RULE.groups, RULE.selector)
    assert (choice.mac_only_encrypted, choice.shamir_threshold) == (True, 2)


def test_one_key_replaces_all_keys_of_the_rule() -> None:
    assert choose(RULE, recipients=age("age1flag"), selectors={}).groups == [age("age1flag")]


def test_a_selector_replaces_one_of_its_kind_and_conflicts_with_another() -> None:
    choice = choose(
        RULE, recipients=[], selectors={"encrypted_regex": "^b$", "encrypted_suffix": ""}, shamir_threshold=3
    )
    assert (choice.selector, choice.shamir_threshold) == (Selector("encrypted_regex", "^b$"), 3)
    with pytest.raises(ConflictingOptionsError, match="encrypted_suffix and encrypted_regex") as caught:
        choose(RULE, recipients=[], selectors={"encrypted_suffix": "_x"})
    assert caught.value.sops_exit_code == 8


def test_without_a_rule_a_key_is_needed() -> None:
    with pytest.raises(ConfigError, match="no recipients"):
        choose(None, recipients=[], selectors={})
    choice = choose(None, recipients=age("a"), selectors={}, mac_only_encrypted=True)
    assert (choice.selector, choice.mac_only_encrypted, choice.shamir_threshold) == (None, True, 0)
