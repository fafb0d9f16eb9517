"""Every blob of the commit is asked by content; what is no file of ours is named for what it is, and blocks nothing."""

from __future__ import annotations

from base64 import b64encode

import pytest

from secretsync.git import Repository
from secretsync.keyring.linting import lint
from secretsync.rotation.census import named_in, texts_of
from secretsync.rotation.model import Plan, PlannedKey
from secretsync.rotation.named_files import naming
from secretsync.rotation.verification import removed_are_gone
from tests.unit.rotation.repositories import FILES, NOW, READERS, Sandbox

IGNORE = 'ignore:\n  - paths: ["docs/**"]\n    reason: examples\n'


def _kinds(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {one.path: (one.kind, *one.names) for one in plan.left_out}


def _problems(plan: Plan) -> list[tuple[str, str]]:
    return [(one.path, one.kind) for one in plan.problems]


@pytest.mark.parametrize(
    ("made", "name"),
    [
        ("x.yaml", "dev/secrets"),
        ("x.yaml", "dev/prod.tfvars.enc"),
        ("x.yaml", "dev/values.yaml.gotmpl"),
        ("x.yaml", "dev/odd.ini"),
        ("x.yaml", "dev/odd.env"),
        ("x.env", "dev/.env.prod"),
        ("x.env", "dev/.envrc"),
        ("x.env", "dev/odd.ini"),
        ("x.ini", "dev/conf.ini.enc"),
        ("x.json", "dev/odd.conf"),
        ("x.bin", "dev/blob.yaml"),
    ],
)
def test_a_file_is_found_by_content_whatever_it_is_called(sandbox: Sandbox, made: str, name: str) -> None:
    text = {"x.env": "A=b\n", "x.ini": "[a]\nb = c\n", "x.json": '{"a": "b"}\n', "x.bin": "\0binary"}.get(
        made, "a: b\n"
    )
    sandbox.write({name: sandbox.encrypt(made, text, *READERS["dev"])})
    sandbox.commit()
    plan = sandbox.plan("remove", subject="bob")
    assert plan.problems == []
    assert name in {file.path for file in plan.files}
    outcome = sandbox.apply(plan, held=("bob",))
    assert outcome.ending == "done"
    assert sandbox.recipient("bob").encode() not in sandbox.git("show", f"{outcome.branch}:{name}").encode()


def test_what_is_no_file_of_ours_is_named_and_blocks_nothing(sandbox: Sandbox) -> None:
    other = sandbox.root.parent / "other"
    sandbox.git("init", "-q", str(other))
    sandbox.git(
        "-C", str(other), "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "--allow-empty", "-m", "x"
    )
    sandbox.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "vendored")
    (sandbox.root / "to-dev").symlink_to("dev")
    (sandbox.root / "dev/outside").symlink_to("../../elsewhere")
    sandbox.write({"big.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"})
    sandbox.write({"docs/page.md": "```\nP: ENC[AES256_GCM,data:abc=,iv:abc=,tag:abc=,type:str]\nsops: {}\n```\n"})
    sandbox.commit()
    plan = sandbox.plan("remove", subject="bob")
    assert plan.problems == []
    assert _kinds(plan) == {
        "vendored": ("submodule",),
        "to-dev": ("link",),
        "dev/outside": ("link-out",),
        "big.bin": ("lfs",),
        "docs/page.md": ("quoted",),
    }
    assert sandbox.apply(plan).ending == "done"
    assert lint(sandbox.root, ["to-dev", "vendored"], today=NOW.date()).problems == 0


@pytest.mark.parametrize("form", ["conflict", "damaged", "quoted", "wide", "nested rules"])
def test_what_still_names_the_key_and_cannot_be_changed_is_a_problem(sandbox: Sandbox, form: str) -> None:
    text = sandbox.encrypt("dev/x.yaml", "a: b\n", *READERS["dev"]).decode()
    path, data = {
        "conflict": ("dev/x.yaml.orig", f"<<<<<<< HEAD\n{text}=======\n{text}>>>>>>> other\n".encode()),
        "damaged": ("dev/x.yaml", text.replace("mac:", "mac").encode()),
        "quoted": ("notes.txt", f"as bob said:\n{text}".replace("sops:", "sops ").encode()),
        "wide": ("notes.txt", f"as bob said:\n{text}".replace("sops:", "sops ").encode("utf-16")),
        "nested rules": ("dev/.sops.yaml", f"creation_rules: [{{age: {sandbox.recipient('bob')}}}]\n".encode()),
    }[form]
    sandbox.write({path: data})
    sandbox.commit()
    plan = sandbox.plan("remove", subject="bob")
    assert [one.path for one in plan.problems] == [path]
    assert "bob-1" in plan.problems[0].message
    assert "--allow-partial" in plan.problems[0].hint
    partial = sandbox.plan("remove", subject="bob", allow_partial=True)
    assert partial.problems == []
    assert sandbox.apply(partial).ending == "partial"


def test_trouble_in_files_that_do_not_name_the_key_is_drift(sandbox: Sandbox) -> None:
    damaged = sandbox.encrypt("dev/y.yaml", "a: b\n", "alice", "carol").replace(b"mac:", b"mac")
    sandbox.write(
        {
            "dev/x.yaml": sandbox.encrypt("dev/x.yaml", "a: b\n", "alice", "carol", "dave"),
            "dev/y.yaml": damaged,
            "tests/fixture.yaml": sandbox.encrypt("tests/fixture.yaml", "a: b\n", "dave"),
        }
    )
    sandbox.commit()
    for scenario, subject in {"remove": "bob", "compromised": "bob-1"}.items():
        plan = sandbox.plan(scenario, subject=subject)
        assert plan.problems == []
        assert {line.partition(":")[0] for line in plan.drift} == {"dev/x.yaml", "dev/y.yaml", "tests/fixture.yaml"}
    assert sandbox.apply(plan).ending == "done"


def test_a_page_that_only_mentions_the_key_is_named_and_blocks_nothing(sandbox: Sandbox) -> None:
    sandbox.write({"README.md": f"bob: {sandbox.recipient('bob')}\n"})
    sandbox.commit()
    plan = sandbox.plan("remove", subject="bob")
    assert (plan.problems, _kinds(plan)) == ([], {"README.md": ("mention", "bob-1")})
    assert sandbox.apply(plan).ending == "done"


def test_a_removal_that_changes_nothing_while_something_names_the_key_is_refused(sandbox: Sandbox) -> None:
    sandbox.change_ring({"keys/people/dave.yaml": sandbox.ring()["keys/people/carol.yaml"].replace("carol", "dave")
                         .replace(sandbox.recipient("carol"), sandbox.recipient("dave"))})  # fmt: skip
    assert sandbox.plan("remove", subject="dave").problems == []
    sandbox.write({"README.md": f"dave: {sandbox.recipient('dave')}\n"})
    sandbox.commit()
    assert _problems(sandbox.plan("remove", subject="dave")) == [("", "nothing-rekeyed")]
    assert _problems(sandbox.plan("remove", subject="dave", allow_partial=True)) == [("", "nothing-rekeyed")]


def test_what_the_policy_ignores_is_left_alone_and_never_in_silence(sandbox: Sandbox) -> None:
    sandbox.change_ring({"keys/policy.yaml": sandbox.ring()["keys/policy.yaml"] + IGNORE})
    sandbox.write(
        {
            "docs/a.yaml": sandbox.encrypt("docs/a.yaml", "a: b\n", "dave"),
            "docs/b.yaml": "P: ENC[AES256_GCM,data:abc=]\nsops:\n  mac: ENC[AES256_GCM,data:abc=]\n",
        }
    )
    sandbox.commit()
    plan = sandbox.plan("remove", subject="bob")
    assert plan.problems == []
    assert _kinds(plan) == {"docs/a.yaml": ("ignored",), "docs/b.yaml": ("ignored",)}
    assert "the policy ignores docs/** (examples)" in plan.notes
    assert sandbox.apply(plan).ending == "done"
    notes = lint(sandbox.root, [*FILES, "docs/a.yaml"], today=NOW.date()).findings
    assert [(one.level, one.message) for one in notes] == [("note", "docs/** (examples): 1 encrypted file")]


def test_an_ignored_file_that_the_removed_key_opens_keeps_the_removal_from_being_done(sandbox: Sandbox) -> None:
    sandbox.change_ring({"keys/policy.yaml": sandbox.ring()["keys/policy.yaml"] + IGNORE})
    sandbox.write({"docs/a.yaml": sandbox.encrypt("docs/a.yaml", "a: b\n", "bob")})
    sandbox.commit()
    plan = sandbox.plan("remove", subject="bob")
    assert (plan.problems, _kinds(plan)) == ([], {"docs/a.yaml": ("ignored", "bob-1")})
    outcome = sandbox.apply(plan)
    assert (outcome.ending, [one.path for one in outcome.open_still]) == ("partial", ["docs/a.yaml"])


def test_a_branch_that_ignores_more_is_not_asked(sandbox: Sandbox) -> None:
    """What the working tree and the index say of the policy does not count: the plan starts from the commit."""
    sandbox.write({"keys/policy.yaml": sandbox.ring()["keys/policy.yaml"] + IGNORE.replace("docs/**", "**")})
    assert len(sandbox.plan("compromised", subject="bob-1").files) == len(FILES)


def test_a_wider_ignore_is_a_change_that_has_to_be_accepted(sandbox: Sandbox) -> None:
    sandbox.write({"keys/policy.yaml": sandbox.ring()["keys/policy.yaml"] + IGNORE})
    found = [one for one in lint(sandbox.root, [], today=NOW.date()).findings if one.rule == "weaker-defaults"]
    assert [one.message for one in found] == ["docs/** are ignored from now on (examples)"]


def test_clones_are_named_for_what_they_are(sandbox: Sandbox) -> None:
    sandbox.git("config", "uploadpack.allowFilter", "true")
    sandbox.write({"README.md": "more\n"})
    sandbox.commit()
    shallow = sandbox.clone("shallow", "--depth", "1")
    assert any("shallow" in note for note in shallow.plan("remove", subject="bob").notes)
    sparse = sandbox.clone("sparse", "--sparse")
    plan = sparse.plan("remove", subject="bob")
    assert any("sparse" in note for note in plan.notes)
    assert sparse.apply(plan).ending == "done"


def test_what_a_partial_clone_left_out_may_name_the_key(sandbox: Sandbox) -> None:
    sandbox.git("config", "uploadpack.allowFilter", "true")
    partial = sandbox.clone("partial", "--filter=blob:none", "--no-checkout")
    partial.git("sparse-checkout", "set", "--no-cone", "/*", "!/prod/")
    partial.git("checkout", "-q", "main")
    sandbox.root.rename(sandbox.root.parent / "away")
    plan = partial.plan("remove", subject="bob")
    assert {one.kind for one in plan.problems} == {"missing"}
    assert {one.path for one in plan.problems} == {"prod/api.yaml", "prod/db.yaml"}
    again = partial.plan("remove", subject="bob", allow_partial=True)
    assert (again.problems, partial.apply(again).ending) == ([], "partial")


def _escaped(data: bytes, *words: str) -> bytes:
    """Escape the first letter of words in JSON, as every reader of JSON takes it."""
    text = data.decode()
    for word in words:
        assert word in text
        text = text.replace(word, f"\\u{ord(word[0]):04x}{word[1:]}")
    return text.encode()


def test_a_file_that_hides_the_key_on_a_branch_is_noted_and_fails_where_it_stays(sandbox: Sandbox) -> None:
    """What V8 says of a branch that came by a forged merge is asked of the same commit."""
    hidden = _escaped(sandbox.encrypt("dev/h.json", '{"a": "b"}\n', *READERS["dev"]), "ENC[", sandbox.recipient("bob"))
    plan = sandbox.plan("remove", subject="bob")
    sandbox.git("checkout", "-q", "-b", "other")
    sandbox.write({"dev/h.json": hidden})
    other = sandbox.commit()
    sandbox.git("checkout", "-q", "main")
    repository = Repository.containing(sandbox.root)
    check = removed_are_gone(repository, plan, plan.base)
    assert any(note.startswith("refs/heads/other still carries 5 files that bob-1 opens") for note in check.notes)
    check = removed_are_gone(repository, plan, other)
    assert (check.status, "dev/h.json: still names bob-1" in check.failures) == ("failed", True)


@pytest.mark.parametrize("damaged", [False, True])
def test_a_removal_that_changes_nothing_sees_a_key_behind_escapes(sandbox: Sandbox, *, damaged: bool) -> None:
    sandbox.change_ring({"keys/people/dave.yaml": sandbox.ring()["keys/people/carol.yaml"].replace("carol", "dave")
                         .replace(sandbox.recipient("carol"), sandbox.recipient("dave"))})  # fmt: skip
    data = _escaped(sandbox.encrypt("dev/h.json", '{"a": "b"}\n', "dave"), "ENC[", sandbox.recipient("dave"))
    sandbox.write({"dev/h.json": data.rstrip().rstrip(b"}") if damaged else data})
    sandbox.commit()
    assert [path for path, _ in _problems(sandbox.plan("remove", subject="dave"))] == ["dev/h.json"]
    expected = ("", "nothing-rekeyed") if damaged else ("dev/h.json", "cannot-open")
    assert _problems(sandbox.plan("remove", subject="dave", allow_partial=True)) == [expected]


def test_what_hides_its_ciphertext_is_not_said_to_be_in_the_clear(sandbox: Sandbox) -> None:
    sandbox.write({"dev/h.json": _escaped(sandbox.encrypt("dev/h.json", '{"a": "b"}\n', *READERS["dev"]), "ENC[")})
    sandbox.commit()
    plan = sandbox.plan("remove", subject="bob")
    assert "dev/h.json" in {file.path for file in plan.files}
    assert not any("sops" in task.what for task in plan.tasks)


@pytest.mark.parametrize(
    ("kind", "recipient", "text"),
    [
        ("age", "age1qyz", "recipient: AGE1QYZ"),
        ("age", "ssh-ed25519 AAAA+b/c", "recipient: ssh-ed25519\n  AAAA+b/c"),
        ("age", "ssh-ed25519 AAAA+b/c", '"recipient": "ssh-ed25519 AAAA+b\\/c me@here"'),
        ("pgp", "ABCDEF0123", "fp: abcdef0123"),
        ("kms", "arn:aws:kms:x:1:key/a+arn:aws:iam::1:role/b|c:d", '"arn": "arn:aws:kms:x:1:key\\/a"'),
        ("kms", "arn:aws:kms:x:1:key/a|c:d", "arn: arn:aws:kms:x:1:key/a"),
        ("azure_kv", "https://v.example/keys/k/0a1b2c", "vault_url: https://v.example\nname: k\nversion: 0a1b2c"),
    ],
)
def test_keys_are_found_as_files_spell_them(kind: str, recipient: str, text: str) -> None:
    keys = texts_of({"one": PlannedKey(kind, recipient)})
    assert named_in(text.encode(), keys) == named_in(text.encode("utf-16"), keys) == ["one"]
    assert named_in(text.replace("a", "e").replace("A", "E").encode(), keys) == []


@pytest.mark.parametrize("kind", ["tagged", "vault"])
def test_a_key_that_no_text_tells_is_read_off_the_file(sandbox: Sandbox, kind: str) -> None:
    text = sandbox.encrypt("dev/h.yaml", "a: b\n", "alice", "bob").decode()
    bob = sandbox.recipient("bob")
    if kind == "tagged":
        keys = {"one": PlannedKey("age", bob)}
        text = text.replace(bob, f"!!binary {b64encode(bob.encode()).decode()}")
    else:
        keys = {"one": PlannedKey("hc_vault", "https://v.example/v1/transit/keys/k")}
        text += "    hc_vault:\n    - {vault_address: https://v.example, engine_path: transit, key_name: k, created_at: '2026-01-01T00:00:00Z', enc: x}\n"
    sandbox.write({"dev/h.yaml": text})
    commit = sandbox.commit()
    repository = Repository.containing(sandbox.root)
    assert named_in(text.encode(), texts_of(keys)) == []
    found = dict(naming(repository, [commit], keys))["one"].get(commit, [])
    assert "dev/h.yaml" in found
