"""What `check` finds and what it leaves alone: each miss with its honest neighbour."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest

import secretsync.audit.reading as reading
import secretsync.documents.yaml.loading as yaml_loading
from secretsync.age import generate
from secretsync.documents.tree import Mapping, Node
from tests.unit.audit.repository import DATA, Repository, secret

ENC = "ENC[AES256_GCM,data:aGVsbG8=,iv:pfgRn6dCRVs1kBWhH5ykSOvNCOyPyzOPzcZKVOVFcLY=,tag:YtmtLkpuQ3ZnQ7aXWwmYnw==,type:str]"


def without_block(text: str) -> str:
    """Return an encrypted YAML file that lost its block."""
    return text.partition("\nsops:")[0] + "\n"


# --- keys ---------------------------------------------------------------------------------------------------------


def test_what_cannot_be_opened_is_one_line_for_each_recipient(repository: Repository) -> None:
    for number in range(12):
        repository.encrypt(f"f{number}.yaml", secret(), ["own" if number % 3 else "other"])
    report = repository.report("auto")
    assert (report.findings, report.encrypted) == ([], 12)
    assert sorted(each.files for each in report.unopened) == [4, 8]
    repository.hold()
    assert [each.files for each in repository.report("auto").unopened] == [4]
    assert repository.report("none").unopened == []
    assert {each.rule for each in repository.report("required").findings} == {"no-key"}
    assert len(repository.report("required").findings) == 4


def test_a_changed_file_is_found_only_with_a_key_that_opens_it(repository: Repository) -> None:
    path = repository.encrypt("a.yaml", secret())
    path.write_text(path.read_text().replace("name: db", "name: other"))
    assert repository.found("auto") == []
    repository.hold()
    assert repository.found("none") == []
    assert repository.found("auto") == [("a.yaml", "mac-mismatch")]


def test_an_envelope_of_another_under_an_own_name_is_no_missing_key(repository: Repository) -> None:
    """Else whoever swaps envelopes would only make a file seem to be for somebody else."""
    path = repository.encrypt("a.yaml", secret(), ["other"])
    path.write_text(path.read_text().replace(repository.recipient("other"), repository.recipient()))
    assert repository.found("auto") == []
    repository.hold()
    assert repository.found("auto") == [("a.yaml", "no-key")]


def test_automatic_use_starts_no_plugin_and_asks_no_service(repository: Repository, tmp_path: Path) -> None:
    bait = tmp_path / "bin" / "age-plugin-bait"
    bait.parent.mkdir()
    bait.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\nexit 1\n")
    bait.chmod(0o755)
    repository.environ |= {
        "PATH": f"{bait.parent}:{os.environ['PATH']}",
        "SOPS_AGE_KEY": "AGE-PLUGIN-BAIT-1QQQSYQCYQ5RQWZQF",
    }
    repository.encrypt("a.yaml", secret())
    assert repository.found("auto") == []
    assert not (tmp_path / "started").exists()


def ring(repository: Repository) -> None:
    """Write a key ring in which dave reads dev and nothing else."""
    for name, identity in {"dave": "own", "olga": "other"}.items():
        key = f"  - {{id: {name}-1, type: age, recipient: {repository.recipient(identity)}}}\n"
        text = f"apiVersion: secretsync/v1\nkind: Principal\nname: {name}\nkeys:\n{key}"
        repository.write(f"keys/people/{name}.yaml", text)
    rules = "  - {paths: ['prod/**'], readers: [olga]}\n  - {paths: ['**'], readers: [dave, olga]}\n"
    repository.write("keys/policy.yaml", f"apiVersion: secretsync/v1\nkind: Policy\nrules:\n{rules}")


def test_what_policy_says_is_not_ones_own_is_no_finding(repository: Repository) -> None:
    ring(repository)
    repository.encrypt("prod/a.yaml", secret(), ["other"])
    repository.encrypt("dev/a.yaml", secret(), ["own", "other"])
    assert repository.found("required") == [("dev/a.yaml", "no-key"), ("prod/a.yaml", "no-key")]
    repository.hold()
    assert repository.found("required") == []
    (unopened,) = repository.report("auto").unopened
    assert unopened.recipient.endswith("(olga, olga-1)")


# --- recipients, selectors, structure ---------------------------------------------------------------------------------


def test_a_stranger_is_an_error_and_who_is_missing_a_warning(repository: Repository) -> None:
    repository.rules(f"age: '{repository.recipient()},{repository.recipient('third')}'")
    repository.encrypt("good.yaml", secret(), ["own", "third"])
    repository.encrypt("more.yaml", secret(), ["own", "third", "other"])
    repository.encrypt("less.yaml", secret(), ["own"])
    levels = [(each.file, each.rule, each.level) for each in repository.problems("none")]
    assert levels == [("less.yaml", "missing-recipient", "warning"), ("more.yaml", "extra-recipient", "error")]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("stringData:\n", "stringData:\n  extra: hunter2\n", "clear-value"),
        ("stringData:\n", "strngData:\n  extra: hunter2\nstringData:\n", "unknown-field"),
        ("kind: Secret\n", "kind: Secret\npassword: hunter2\n", "unknown-field"),
        (",tag:", ",tig:", "malformed-ciphertext"),
        ("  mac: ", "  mack: ", "sops-metadata"),
        ("  mac: ENC", "  mac: hunter2 ", "sops-metadata"),
        ("  lastmodified: ", "  lostmodified: ", "sops-metadata"),
        ("-> X25519", "-> ", "sops-metadata"),
        ("name: db", f"name: {ENC}", "bare-ciphertext"),
    ],
)
def test_what_is_broken_shows_without_a_key(repository: Repository, old: str, new: str, rule: str) -> None:
    path = repository.encrypt("a.yaml", secret())
    text = path.read_text()
    if old.startswith("->"):
        lines = [line for line in text.splitlines() if "Begin" not in line]
        text = "\n".join(line[:-4] if len(line.strip()) == 64 else line for line in lines) + "\n"
        old, new = "-----BEGIN AGE ENCRYPTED FILE-----\n", "-----BEGIN AGE ENCRYPTED FILE-----\n              %%%%\n"
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert [each for _, each in repository.found("none")] == [rule]


def test_a_value_that_is_kept_in_the_clear_beside_others_is_a_warning(repository: Repository) -> None:
    repository.encrypt("a.yaml", secret(values="password: hunter2\nuser: app"), encrypted_regex="^password$")
    repository.encrypt("b.yaml", secret(values="password: hunter2\nuser: ''"), encrypted_regex="^password$")
    assert [(each.file, each.rule, each.level) for each in repository.problems()] == [
        ("a.yaml", "clear-value", "warning")
    ]


def test_a_narrower_selector_than_the_rules_is_an_error_where_it_matters(repository: Repository) -> None:
    repository.rules("path_regex: '\\.enc\\.'")
    repository.encrypt("a.enc.yaml", "user: app\npassword: hunter2\n", encrypted_regex="^password$")
    repository.encrypt("b.enc.yaml", "password: hunter2\n", encrypted_regex="^password$")
    repository.encrypt("c.enc.yaml", secret())
    assert [(each.file, each.place, each.rule) for each in repository.problems()] == [
        ("a.enc.yaml", "user", "other-selector")
    ]


def test_a_wider_selector_than_the_rules_is_a_warning(repository: Repository) -> None:
    repository.rules(f"path_regex: '\\.enc\\.', encrypted_regex: '{DATA}'")
    repository.encrypt("a.enc.yaml", secret(), encrypted_regex="")
    assert [(each.rule, each.level) for each in repository.problems()] == [("other-selector", "warning")]


# --- plaintext where a rule says ciphertext ----------------------------------------------------------------------------

PLAIN = {
    "app.enc.env": "TOKEN=hunter2\n", "creds.enc.json": '{"password": "hunter2"}', "values.enc.yaml": "db:\n  password: hunter2\n",
    "app.enc.ini": "[db]\npassword = hunter2\n", "token.enc": "hunter2\n", "deep/er/x.enc.yml": "a: hunter2\n",
}  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_file_that_its_rule_names_is_found_in_every_store(repository: Repository, name: str) -> None:
    repository.rules("path_regex: '\\.enc(\\.|$)'")
    repository.write(name, PLAIN[name])
    assert repository.found() == [(name, "not-encrypted")]
    assert "creation_rules[0] of .sops.yaml" in repository.problems()[0].message


@pytest.mark.parametrize(
    ("rule", "name", "text", "found"),
    [
        ("path_regex: '\\.enc\\.'", "a.enc.env", "", False),
        ("path_regex: '\\.enc\\.'", "a.enc.yaml", "# nothing\n", False),
        ("path_regex: '\\.enc\\.'", "a.enc.yaml", "password: ${PASSWORD}\n", False),
        ("path_regex: '\\.enc\\.'", "a.enc.env.example", "TOKEN=change-me\n", False),
        ("path_regex: '\\.enc\\.'", "a.enc.yaml", "kind: ConfigMap\napiVersion: v1\ndata: {a: b}\n", False),
        ("path_regex: '\\.enc\\.'", "a.enc.json", '["hunter2"]', True),
        ("path_regex: '\\.enc\\.'", "a.enc.yaml", "- hunter2\n", True),
        ("path_regex: '\\.enc\\.'", "a.enc.yaml", "a: {{ b }}\n", False),
        ("path_regex: '\\.sops\\.yaml$'", "a.sops.yaml", "cluster: {id: hunter2}\n", True),
        ("path_regex: '^secrets/.*'", "secrets/a.yaml", "a: hunter2\n", True),
        ("path_regex: '^secrets/.*'", "secrets/token", "hunter2\n", True),
        ("path_regex: '^secrets/.*'", "secrets/README.md", "About these.\n", False),
        ("path_regex: '^secrets/.*'", "secrets/kustomization.yaml", "resources: [a.yaml]\n", False),
        ("path_regex: '^deploy/.*'", "deploy/README.md", "About these.\n", False),
        ("path_regex: '^deploy/.*'", "deploy/package.json", '{"name": "x"}', False),
        ("path_regex: '^deploy/.*'", "deploy/creds.json", '{"password": "hunter2"}', True),
        ("path_regex: '^deploy/.*'", "deploy/d.yaml", "apiVersion: apps/v1\nkind: Deployment\nspec: {a: b}\n", False),
        (f"path_regex: '^deploy/.*', encrypted_regex: '{DATA}'", "deploy/v.yaml", "image: {tag: v1}\n", False),
        (f"path_regex: '^deploy/.*', encrypted_regex: '{DATA}'", "deploy/cm.yaml", "apiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n", False),
        ("path_regex: '\\.env$'", "app.env", "TOKEN=hunter2\n", True),
        ("path_regex: '.*\\.ya?ml$'", "values.yaml", "image: {tag: v1}\n", False),
        ("path_regex: '.*\\.ya?ml$'", ".github/workflows/ci.yaml", "on: push\n", False),
        ("", "README.md", "x\n", False),
        ("", "package.json", "{}\n", False),
        ("", "values.yaml", "image: {tag: v1}\n", False),
        ("", "app.env", "MODE=fast\n", False),
    ],
)  # fmt: skip
def test_a_rule_says_of_a_file_what_its_pattern_does(
    repository: Repository, rule: str, name: str, text: str, *, found: bool
) -> None:
    repository.rules(rule)
    repository.write(name, text)
    assert repository.found() == ([(name, "not-encrypted")] if found else [])


def test_a_secret_in_the_clear_is_told_once(repository: Repository) -> None:
    repository.rules("path_regex: '\\.enc\\.'")
    repository.write("a.enc.yaml", secret())
    assert repository.found() == [("a.enc.yaml", "plaintext-secret")]


# --- what is ours ----------------------------------------------------------------------------------------------------


def test_a_secret_is_found_beside_braces(repository: Repository) -> None:
    repository.write("a.yaml", secret(values='url: "http://{{ host }}/"\npassword: hunter2'))
    repository.write("b.yaml", "{{- if .Values.on }}\na: 1\n{{- end }}\n---\n" + secret())
    repository.write("c.yaml", f"# {{{{ x }}}}\n{secret()}")
    repository.write("d.yaml", "a: {{ .Values.x }}\n---\n" + secret() + "---\n- a list\n")
    assert repository.found() == [(f"{name}.yaml", "plaintext-secret") for name in "abcd"]


OTHERS: dict[str, str | bytes] = {
    "tasks.yaml": "- name: install sops\n  package: {name: sops}\n- kind: Secret\n",
    "list.json": '[{"kind": "Secret", "note": "sops"}]',
    "settings.json": '{\n  // sops, Secret\n  "files.associations": {"*.enc": "sops"},\n}\n',
    "default.nix": '{ pkgs, ... }:\n{ environment.systemPackages = [ pkgs."sops" ]; }\n',
    "swagger.yml": "responses:\n  200: {description: Secret found}\n",
    "backup.yaml": "# kind: Secret, sops\n",
    "chart/templates/d.yaml": 'metadata:\n  name: {{ include "sops.fullname" . }}\n',
    "chart/templates/s.yaml": "apiVersion: v1\nkind: Secret\ndata:\n  {{- range .Values.x }}\n  {{ . }}: {{ . | b64enc }}\n  {{- end }}\n",
    "chart/templates/q.yaml": secret(name='"{{ .Release.Name }}"', values='password: "{{ .Values.password }}"'),
    "notes.md": f"sops: see {ENC}\n",
    "ci.yaml": f"steps:\n- run: grep -v '{ENC[:16]}' sops.yaml\n",
    "two.yaml": "a: 1\na: 2\nsops_user: Secret\n",
    "a.json": '{"a": 1, "sops": {}}',
    "b.json": '{"sops": "a tool", "Secret": 1}',
    "values.yaml": "sops:\n  enabled: true\n  age: {secret: x}\n",
    "empty.yaml": "",
    "store.yaml": "apiVersion: external-secrets.io/v1\nkind: SecretStore\nspec: {a: [}\n",
    "latin.yaml": b"name: \xe9 Secret sops\n",
    "crd.yaml": "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nspec: {names: {kind: SopsSecret}}\n",
    "es.yaml": "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nspec: {data: [{secretKey: a}]}\n",
}


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_of_others_is_left_alone(repository: Repository, name: str) -> None:
    repository.write(name, OTHERS[name])
    assert repository.report().findings == []


def test_links_other_repositories_and_odd_files_are_left_alone(repository: Repository, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.yaml").write_text(secret())
    for name in ("vendor", "clone"):
        repository.write(f"{name}/secret.yaml", secret())
    repository.write("vendor/.git", "gitdir: ../.git/modules/vendor\n")
    (repository.root / "clone" / ".git").mkdir()
    for name, target in {
        "gone.yaml": "nowhere.yaml", "abs.yaml": "/nonexistent/secret.yaml", "out.yaml": "../outside/secret.yaml",
        "outside": "../outside", "self": "self", "a": "b", "b": "a", "up": ".",
    }.items():  # fmt: skip
        (repository.root / name).symlink_to(target)
    os.mkfifo(repository.root / "pipe.yaml")
    assert repository.report().findings == []


def test_a_file_that_is_named_has_to_be_there(repository: Repository) -> None:
    assert [each.rule for each in repository.report(path="gone.yaml").findings] == ["missing-file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_named(repository: Repository) -> None:
    for name in ("closed/a.yaml", "b.yaml"):
        repository.write(name, secret())
    try:
        for name in ("closed", "b.yaml"):
            (repository.root / name).chmod(0)
        assert repository.found() == [("b.yaml", "file-access"), ("closed", "file-access")]
    finally:
        (repository.root / "closed").chmod(0o700)


def test_a_file_of_a_gigabyte_is_named_and_not_read(repository: Repository) -> None:
    for name in ("film.mp4", "large.yaml"):
        with repository.write(name, "").open("ab") as file:
            file.truncate(1 << 30)
    found = [(each.location, each.rule, each.level) for each in repository.report().findings]
    assert found == [("film.mp4", "not-examined", "note"), ("large.yaml", "limit-exceeded", "error")]


def test_a_large_file_is_ours_by_its_content(repository: Repository) -> None:
    filling = "x: " + "y" * (1 << 20) + "\n"
    repository.write("data.yaml", "".join(f"k{number}{filling}" for number in range(17)))
    assert repository.report().findings == []
    repository.write("data.yaml", "".join(f"k{number}{filling}" for number in range(17)) + f"a: {ENC}\n")
    assert repository.found() == [("data.yaml", "limit-exceeded")]
    repository.write("data.yaml", "kind: Secret\n" + "".join(f"k{number}{filling}" for number in range(17)))
    assert repository.found() == [("data.yaml", "limit-exceeded")]


def test_names_that_are_filled_in_later_are_not_judged(repository: Repository) -> None:
    repository.hold()
    named = secret().replace("namespace: shop", "namespace: ${ns}")
    repository.encrypt("a.yaml", named)
    repository.encrypt("b.yaml", named.replace("name: db", "name: ${cluster}-db"))
    assert repository.found() == []
    repository.encrypt("a.yaml", secret(values="password: 1").replace("namespace: shop", "namespace: ${ns}"))
    repository.encrypt("b.yaml", secret().replace("namespace: shop", "namespace: No_Namespace"))
    assert {rule for _, rule in repository.found()} == {"invalid-manifest"}


# --- kinds of leaks --------------------------------------------------------------------------------------------------


def test_bare_ciphertext_is_found_in_any_object(repository: Repository) -> None:
    encoded = base64.b64encode(ENC.encode()).decode()
    repository.write("a.yaml", secret(values=f"password: {ENC}"))
    repository.write("b.yaml", f"apiVersion: v1\nkind: ConfigMap\ndata:\n  url: {ENC}\n")
    repository.write("c.yaml", secret(values=f"password: {encoded}", field="data"))
    repository.write("d.yaml", f"apiVersion: v1\nkind: ConfigMap\ndata:\n  note: see {ENC} there\n")
    assert repository.found() == [(f"{name}.yaml", "bare-ciphertext") for name in "abc"]


@pytest.mark.parametrize("store", ["yaml", "json", "env", "ini"])
def test_a_lost_block_is_told_as_that(repository: Repository, store: str) -> None:
    text = {
        "yaml": "a: hunter2\nb: c\n",
        "json": '{"a": "hunter2"}',
        "env": "A=hunter2\n",
        "ini": "[x]\na = hunter2\n",
    }[store]
    path = repository.encrypt(f"f.{store}", text, encrypted_regex="")
    whole = path.read_text()
    if store == "json":
        values = json.loads(whole)
        del values["sops"]
        path.write_text(json.dumps(values))
    else:
        marks = {"yaml": "\nsops:", "env": "\nsops_", "ini": "\n[sops]"}
        path.write_text(whole.partition(marks[store])[0] + "\n")
    assert repository.found() == [(f"f.{store}", "lost-block")]
    assert "was encrypted" in repository.problems()[0].message


@pytest.mark.parametrize("name", ["f.yaml", "f.json", "blob"])
@pytest.mark.parametrize("part", [0.05, 0.2, 0.5, 0.9])
def test_a_file_that_is_cut_off_is_found(repository: Repository, name: str, part: float) -> None:
    text = '{"a": "hunter2", "b": "hunter2"}' if name == "f.json" else "a: hunter2\nb: hunter2\n"
    path = repository.encrypt(name, text, encrypted_regex="", store="" if name != "blob" else "binary")
    whole = path.read_bytes()
    cut = whole[: max(len(whole) * part, 60).__int__()]
    path.write_bytes(cut)
    assert {file for file, _ in repository.found()} == {name}


def test_the_copy_of_kubectl_is_looked_into(repository: Repository) -> None:
    copy = json.dumps({"apiVersion": "v1", "kind": "Secret", "stringData": {"password": "hunter2"}})
    annotated = secret().replace(
        "  namespace: shop\n",
        f"  namespace: shop\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: '{copy}'\n",
    )
    repository.encrypt("a.yaml", annotated)
    repository.encrypt("b.yaml", annotated.replace("hunter2", "${PASSWORD}"))
    repository.encrypt("c.yaml", annotated, encrypted_regex="^(data|stringData|annotations)$")
    repository.encrypt("d.yaml", annotated.replace(f"'{copy}'", "'no json'"))
    assert repository.found() == [("a.yaml", "last-applied")]


def test_generators_are_looked_behind(repository: Repository) -> None:
    text = (
        "secretGenerator:\n- {name: a, literals: [password=hunter2, 'b=${B}']}\n- {name: b, literals: ['c=${C}', d=]}\n"
    )
    text += "- {name: c, envs: [plain.env, good.env, holders.env]}\n- {name: d, files: [tls.key=../keys/tls.pem, ca.crt, x=values.yaml]}\n"
    text += "- {name: e, envs: [gone.env, ../../../etc/passwd]}\nconfigMapGenerator:\n- {name: m, literals: [mode=fast], envs: [config.env]}\n"
    repository.write("app/kustomization.yaml", text)
    for name in ("plain.env", "config.env"):
        repository.write(f"app/{name}", "TOKEN=hunter2\n")
    repository.write("app/holders.env", "TOKEN=${TOKEN}\n# a: b\nEMPTY=\n")
    repository.encrypt("app/good.env", "TOKEN=hunter2\n", encrypted_regex="")
    repository.encrypt("app/values.yaml", "a: hunter2\n", encrypted_regex="")
    repository.write("app/ca.crt", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    repository.write("keys/tls.pem", "hunter2 as a key\n")
    rule = "plaintext-generator"
    assert repository.found() == [("app/kustomization.yaml", rule), ("app/plain.env", rule), ("keys/tls.pem", rule)]
    messages = {each.file: f"{each.place} {each.message}" for each in repository.problems()}
    assert "secretGenerator[0].literals[0]" in messages["app/kustomization.yaml"]
    assert "secretGenerator[2].envs[0] of app/kustomization.yaml" in messages["app/plain.env"]


def test_a_plain_secret_of_the_operators_kind_is_one(repository: Repository) -> None:
    text = "apiVersion: isindir.github.com/v1alpha3\nkind: SopsSecret\nmetadata: {{name: a}}\nspec:\n  secretTemplates:\n  - name: b\n    stringData:\n      password: {}\n"
    repository.write("a.yaml", text.format("hunter2"))
    repository.write("b.yaml", text.format("${PASSWORD}"))
    repository.encrypt("c.yaml", text.format("hunter2"))
    assert repository.found() == [("a.yaml", "plaintext-secret")]


def test_a_merge_key_hides_no_value(repository: Repository) -> None:
    repository.write(
        "a.yaml", "x-base: &base\n  stringData: {password: hunter2}\n---\n" + secret().partition("stringData")[0]
    )
    repository.write(
        "b.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: a, x: &v {password: hunter2}}\nstringData: {<<: *v}\n"
    )
    assert repository.found() == [("b.yaml", "plaintext-secret")]


def test_private_keys_are_found_and_never_shown(repository: Repository) -> None:
    key = generate().expose()
    repository.write("key.txt", f"# a key\n{key}\n")
    repository.write(".sops.yaml", f"creation_rules:\n  - age: {key}\n")
    report = repository.report()
    assert sorted(each.file for each in report.findings) == [".sops.yaml", "key.txt"]
    assert key[:30] not in str(report)


MARKED = "<<<<<<< HEAD\na: {0}\n=======\na: {0}x\n>>>>>>> side\n"


@pytest.mark.parametrize("name", ["a.yaml", "a.json", "a.env", "a.ini"])
def test_conflict_markers_are_named_with_their_line(repository: Repository, name: str) -> None:
    repository.write(name, "x: 1\n" + MARKED.format(ENC))
    repository.write("other.yaml", "x: 1\n" + MARKED.format("b"))
    repository.write("notes.md", MARKED.format(ENC))
    (finding,) = repository.problems()
    assert (finding.file, finding.rule, finding.line) == (name, "conflict-markers", 2)
    assert finding.message == "conflict markers of Git"


def test_the_namespace_of_a_sealed_secret_may_stand_beside_it(repository: Repository) -> None:
    sealed = (
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db}\nspec: {encryptedData: {a: AgAB}}\n"
    )
    repository.write("a/sealed.yaml", sealed)
    repository.write("a/kustomization.yaml", "namespace: shop\nresources: [sealed.yaml]\n")
    assert repository.report().findings == []
    repository.write("b/sealed.yaml", sealed)
    assert [(each.file, each.rule, each.level) for each in repository.report().findings] == [
        ("b/sealed.yaml", "no-namespace", "note")
    ]


# --- speed -----------------------------------------------------------------------------------------------------------


def test_each_file_of_ours_is_parsed_once_and_no_other(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in calls, which are the same on every machine; comments are placed only where something is encrypted."""
    repository.rules("path_regex: '\\.enc\\.'")
    repository.encrypt("a.enc.yaml", secret())
    repository.write("b.yaml", f"# a comment\n{secret(values='a: ${A}')}")
    for number in range(20):
        repository.write(f"maps/{number}.yaml", "# a comment\napiVersion: v1\nkind: ConfigMap\ndata: {a: b}\n")
    calls: list[bool] = []
    load = yaml_loading.load

    def counted(data: bytes, **options: object) -> object:
        calls.append(bool(options.get("comments", True)))
        return load(data, **options)  # type: ignore[arg-type]

    repository.hold()
    monkeypatch.setattr(yaml_loading, "load", counted)
    assert repository.found() == []
    assert calls == [True, True, False]  # the rules, the encrypted file, the Secret


def test_a_document_becomes_plain_values_once(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks at it shares them: also what asks whether a rule wants it encrypted."""
    repository.rules("path_regex: '\\.enc\\.'")
    repository.write("a.enc.yaml", secret())
    read: list[Node] = []
    real = reading.plain

    def counted(node: Node) -> object:
        if isinstance(node, Mapping) and node.get("kind"):
            read.append(node)
        return real(node)

    monkeypatch.setattr(reading, "plain", counted)
    assert [file for file, _ in repository.found()] == ["a.enc.yaml"]
    assert len(read) == 1


def test_many_files_are_looked_at_in_the_time_that_is_promised(repository: Repository) -> None:
    """5,000 in five seconds of processor time, measured in `make bench`; here a tenth, with room for a slow machine."""
    for number in range(500):
        text = f"# file {number}\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{number}}}\ndata:\n"
        repository.write(
            f"d{number % 20}/f{number}.yaml", text + "".join(f"  k{key}: v{key} # x\n" for key in range(20))
        )
    began = os.times()
    assert repository.report().findings == []
    ended = os.times()
    assert ended.user + ended.system - began.user - began.system < 2


def test_a_working_tree_of_git_is_checked_like_any_folder(repository: Repository) -> None:
    subprocess.run(["git", "init", "-q", "."], cwd=repository.root, check=True)
    repository.write("a.yaml", secret())
    assert repository.found() == [("a.yaml", "plaintext-secret")]
