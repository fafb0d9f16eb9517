"""`secretsync keys` and `secretsync init`, as somebody uses them: a repository from nothing to a colleague who left."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from secretsync import age, files
from secretsync.errors import FileAccessError
from tests.cli.conftest import SECRET_MANIFEST, Invoke

ALICE = "--name=alice"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a home of its own, with a fresh Git repository `repo` in it that is the working directory."""
    for name in [name for name in os.environ if name.startswith(("SOPS_", "GIT_", "XDG_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    repository = tmp_path / "repo"
    repository.mkdir()
    monkeypatch.chdir(repository)
    git("init", "-q", "-b", "main")
    return tmp_path


def git(*arguments: str) -> None:
    identity = ["-c", "user.name=alice", "-c", "user.email=alice@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def commit() -> None:
    git("add", "-A")
    git("commit", "-qm", "state")


def begin(invoke: Invoke) -> None:
    """Set the repository up, and encrypt one Secret in it."""
    assert invoke("init", ALICE).code == 0
    Path("db.enc.yaml").write_text(SECRET_MANIFEST)
    assert invoke("encrypt", "-i", "db.enc.yaml").code == 0
    commit()


def snapshot() -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in sorted(Path().rglob("*"))
        if path.is_file() and ".git/" not in str(path)
    }


def test_init_sets_a_repository_up_in_one_go(invoke: Invoke, home: Path) -> None:
    begin(invoke)
    identities = home / ".config/sops/age/keys.txt"
    assert identities.stat().st_mode & 0o777 == 0o600
    assert b"canary" not in Path("db.enc.yaml").read_bytes()
    assert b"canary-password" in invoke("decrypt", "db.enc.yaml").out
    lint = invoke("keys", "lint")
    assert (lint.code, lint.out) == (0, b"6 files checked, 1 encrypted: 0 findings\n")


def test_init_appends_to_identities_that_are_there(invoke: Invoke, home: Path) -> None:
    identities = home / ".config/sops/age/keys.txt"
    identities.parent.mkdir(parents=True)
    before = f"# mine\n{age.generate().expose()}"
    identities.write_text(before)
    identities.chmod(0o600)
    assert invoke("init", ALICE).code == 0
    assert identities.read_text().startswith(f"{before}\n# created: ")
    assert len(age.parse_identities(identities.read_text())) == 2


def test_init_says_what_it_would_do_and_does_nothing(invoke: Invoke, home: Path) -> None:
    outcome = invoke("init", ALICE, "--dry-run")
    assert outcome.code == 0
    assert "would write keys/people/alice.yaml" in outcome.err
    assert snapshot() == {}
    assert not (home / ".config").exists()


def test_init_with_a_key_makes_none(invoke: Invoke, home: Path) -> None:
    assert invoke("init", ALICE, "--recipient", age.generate(), "--path", "prod/**").code == 0
    assert not (home / ".config").exists()
    assert "prod/**" in Path("keys/policy.yaml").read_text()


def test_init_never_puts_an_identity_into_the_repository(invoke: Invoke, home: Path) -> None:
    outcome = invoke("init", ALICE, "--identity-file", "keys/me.txt")
    assert (outcome.code, snapshot()) == (11, {})


def test_init_never_overwrites(invoke: Invoke, home: Path) -> None:
    begin(invoke)
    before = snapshot()
    assert invoke("init", ALICE).code == 11
    Path("keys/policy.yaml").unlink()
    Path(".sops.yaml").unlink()
    assert invoke("init", ALICE).code == 11
    assert snapshot().items() <= before.items()


@pytest.mark.parametrize("command", [("init",), ("keys", "import")], ids=["init", "import"])
def test_an_existing_configuration_is_adopted(invoke: Invoke, home: Path, command: tuple[str, ...]) -> None:
    old, other = age.generate(), age.generate()
    Path(".sops.yaml").write_text(f"keys:\n  - &bob {old}\ncreation_rules:\n  - age: [*bob, '{other}']\n")
    Path("x.yaml").write_text("a: b\n")
    assert invoke("encrypt", "-i", "x.yaml").code == 0
    before = Path("x.yaml").read_bytes()
    outcome = invoke(*command)
    assert outcome.code == 0
    assert "1 encrypted file keeps its recipients and its selector" in outcome.err
    assert re.search(r"it is called unknown-[0-9a-f]{8}$", outcome.err, re.MULTILINE)
    assert Path("x.yaml").read_bytes() == before
    unknown = re.findall(r"unknown-[0-9a-f]{8}", outcome.err)[0]
    assert invoke("keys", "lint").out.endswith(b"6 files checked, 1 encrypted: 1 finding\n")
    assert invoke("keys", "rename", unknown, "carol").code == 0
    assert invoke("keys", "lint").code == 0


def test_a_diff_reaches_back_over_the_adoption(invoke: Invoke, home: Path) -> None:
    ann, bob = age.generate(), age.generate()
    Path(".sops.yaml").write_text(f"keys:\n  - &ann {ann}\n  - &bob {bob}\ncreation_rules:\n  - age: [*ann, *bob]\n")
    Path("x.yaml").write_text("a: b\n")
    assert invoke("encrypt", "-i", "x.yaml").code == 0
    commit()
    assert invoke("init").code == 0
    assert invoke("keys", "diff").out == b""
    assert invoke("keys", "remove", "bob").code == 0
    changed = invoke("keys", "diff")
    assert (changed.code, changed.out) == (1, b"x.yaml\n  - bob-1 of bob\n")


BROKEN_RINGS = {
    "a member": ("keys/groups.yaml", "- alice", "- carol", "keys/groups.yaml groups.admins.members: "),
    "a reader": ("keys/policy.yaml", "group:admins", "group:nobody", "keys/policy.yaml rules[0].readers: "),
    "a name": ("keys/people/alice.yaml", "name: alice", "name: [", "keys/people/alice.yaml #1 line "),
    "a field": ("keys/people/alice.yaml", "status:", "stat:", "keys/people/alice.yaml keys[0].stat: "),
    "everybody": (
        "keys/policy.yaml",
        "rules:",
        "defaults: {require: [admins]}\nrules:",
        "keys/policy.yaml defaults.require: ",
    ),
}


@pytest.mark.parametrize(("file", "old", "new", "place"), BROKEN_RINGS.values(), ids=BROKEN_RINGS)
def test_the_file_of_a_broken_ring_is_named(
    invoke: Invoke, home: Path, file: str, old: str, new: str, place: str
) -> None:
    begin(invoke)
    text = Path(file).read_text()
    assert old in text
    Path(file).write_text(text.replace(old, new))
    listed = invoke("keys", "list")
    assert (listed.code, listed.out) == (3, b"")
    assert f"error: {place}" in listed.err
    assert invoke("keys", "lint").code


def test_two_files_of_a_broken_ring_are_named(invoke: Invoke, home: Path) -> None:
    begin(invoke)
    text = Path("keys/people/alice.yaml").read_text()
    Path("keys/people/bob.yaml").write_text(text.replace("name: alice", "name: bob"))
    told = invoke("keys", "list").err
    assert "keys/people/bob.yaml: key 'alice-" in told
    assert "is there twice, also in keys/people/alice.yaml" in told


def test_a_colleague_comes_and_goes(invoke: Invoke, home: Path) -> None:
    begin(invoke)
    bob = age.generate()
    (home / "bob.txt").write_text(bob.expose())
    (home / "bob.pub").write_text(f"# public key\n{bob}\n")
    added = invoke("keys", "add", "bob", "--file", home / "bob.pub", "-g", "admins", "--expires", "2099-12-31")
    assert added.code == 0
    diff = invoke("keys", "diff")
    assert (diff.code, b"db.enc.yaml\n  + bob-" in diff.out) == (1, True)
    assert b"[missing-recipient]" in invoke("keys", "lint").out
    assert invoke("updatekeys", "-y", ".").code == 0
    assert invoke("keys", "lint").code == 0
    commit()
    assert invoke("keys", "diff").code == 0
    ciphertext = Path("db.enc.yaml").read_bytes()
    removed = invoke("keys", "remove", "bob")
    assert removed.code == 0
    assert "secretsync runbook align plan" in removed.err
    assert Path("db.enc.yaml").read_bytes() == ciphertext
    lint = invoke("keys", "lint", "-o", "json")
    assert [each["rule"] for each in json.loads(lint.out)["findings"]] == ["retired-recipient"]
    assert invoke("keys", "add", "bob", bob).code == 11


def test_the_holder_of_a_key_proves_it(invoke: Invoke, home: Path) -> None:
    begin(invoke)
    bob = age.generate()
    assert invoke("keys", "add", "bob", bob, "--id", "bob-laptop", "-g", "admins").code == 0
    challenge = invoke("keys", "prove", "bob-laptop")
    answer = age.decrypt(challenge.out, [bob]).decode()
    kept = home / "repo/.git/secretsync/proofs/bob-laptop.json"
    assert answer.split()[-1] not in kept.read_text()
    wrong = invoke("keys", "prove", "bob-laptop", "--response", "0" * 32)
    assert (wrong.code, "proof" in Path("keys/people/bob.yaml").read_text()) == (11, False)
    assert invoke("keys", "prove", "bob-laptop", "--response", "-", "--by", "alice", stdin=answer.encode()).code == 0
    assert "verified_by: alice" in Path("keys/people/bob.yaml").read_text()
    assert not kept.exists()
    assert invoke("keys", "prove", "bob-laptop", "--response", answer).code == 3
    assert invoke("keys", "lint").out.count(b"lock-drift") == 0


def test_a_challenge_is_answered_and_nothing_else_is_opened(
    invoke: Invoke, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(invoke)
    bob = age.generate()
    assert invoke("keys", "add", "bob", bob, "--id", "bob-laptop").code == 0
    challenge = invoke("keys", "prove", "bob-laptop").out
    assert invoke("keys", "answer", "-", stdin=challenge).code == 5
    (home / "bob.txt").write_text(bob.expose())
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(home / "bob.txt"))
    answer = invoke("keys", "answer", "-", stdin=challenge).out.decode()
    assert invoke("keys", "prove", "bob-laptop", "--response", answer).code == 0
    secret = age.encrypt(b"canary-1Xp9", [age.parse_recipient(str(bob))], armored=True)
    refused = invoke("keys", "answer", "-", stdin=secret)
    assert (refused.code, refused.out, "canary" in refused.err) == (11, b"", False)


def test_a_key_of_this_machine_is_proved_at_once(invoke: Invoke, home: Path) -> None:
    begin(invoke)
    key = json.loads(invoke("keys", "list", "-o", "json").out)["keys"][0]
    assert invoke("keys", "prove", key["key"], "--here").code == 0
    again = json.loads(invoke("keys", "list", "-o", "json").out)["keys"][0]
    assert (key["proved"], bool(again["proved"])) == (None, True)


def test_keys_go_to_other_tools(invoke: Invoke, home: Path) -> None:
    begin(invoke)
    bob = str(age.generate())
    assert invoke("keys", "add", "bob", bob).code == 0
    assert bob in invoke("keys", "export").out.decode()
    assert bob not in invoke("keys", "export", "--for", "db.enc.yaml").out.decode()
    assert [
        each["principal"] for each in json.loads(invoke("keys", "export", "group:admins", "-o", "json").out)["keys"]
    ] == ["alice"]
    assert invoke("keys", "export", "--for", "README.md").code == 3


def test_a_list_is_a_table(invoke: Invoke, home: Path) -> None:
    begin(invoke)
    head, row = invoke("keys", "list").out.decode().splitlines()
    assert head.split() == ["PRINCIPAL", "KIND", "KEY", "TYPE", "RECIPIENT", "STATUS", "EXPIRES", "PROVED", "GROUPS"]
    assert row.split()[:2] == ["alice", "person"]


def test_a_new_lock_does_not_hide_a_weaker_rule(invoke: Invoke, home: Path) -> None:
    begin(invoke)
    policy = Path("keys/policy.yaml")
    policy.write_text(policy.read_text().replace("^(data|stringData)$", "^nothing$"))
    refused = invoke("keys", "lint", "--fix")
    assert (refused.code, "nothing" in Path(".sops.yaml").read_text()) == (11, False)
    assert invoke("keys", "lint", "--fix", "--accept").code == 1
    assert "nothing" in Path(".sops.yaml").read_text()
    assert b"[other-selector]" in invoke("keys", "lint").out


def test_drift_is_mended(invoke: Invoke, home: Path) -> None:
    begin(invoke)
    before = Path(".sops.yaml").read_bytes()
    Path(".sops.yaml").write_bytes(before + b"# more\n")
    assert invoke("keys", "lint", "-o", "sarif").code == 1
    assert invoke("keys", "lint", "--fix").code == 0
    assert Path(".sops.yaml").read_bytes() == before


def test_a_sealing_certificate_is_pinned_and_held_to_its_pin(invoke: Invoke, home: Path) -> None:
    certificate = Path(__file__).parents[2] / "examples/demo-keys/sealing.crt"
    begin(invoke)
    assert invoke("keys", "pin", "prod", certificate).code == 0
    assert invoke("keys", "lint").code == 0
    (path,) = Path("keys/sealing/prod").iterdir()
    sealed = invoke("render", "--mode", "seal", "db.enc.yaml")
    assert b"kind: SealedSecret" in sealed.out
    policy = Path("keys/policy.yaml")
    policy.write_text(policy.read_text().replace(re.findall(r"[0-9a-f]{64}", policy.read_text())[0], "f" * 64))
    refused = invoke("render", "--mode", "seal", "db.enc.yaml")
    assert (refused.code, refused.out) == (11, b"")
    assert f"secretsync keys pin CLUSTER {path.resolve()}" in refused.err


@pytest.mark.parametrize(
    "arguments",
    [("list",), ("add", "bob", "age1"), ("remove", "bob"), ("lint",), ("diff",), ("export",), ("pin", "a", "b")],
    ids=lambda arguments: arguments[0],
)
def test_without_a_ring_every_command_says_how_to_begin(invoke: Invoke, home: Path, arguments: tuple[str, ...]) -> None:
    outcome = invoke("keys", *arguments)
    assert outcome.code == 3
    assert "hint: secretsync init" in outcome.err


def test_an_adding_that_cannot_be_written_leaves_everything(
    invoke: Invoke,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin(invoke)
    before, write = snapshot(), files.write_below

    def failing(root: Path, path: str, data: bytes, *, replaces: bytes | None = None) -> None:
        if path.endswith("keyring.lock"):
            raise FileAccessError("disk full", location=path)
        write(root, path, data, replaces=replaces)

    monkeypatch.setattr(files, "write_below", failing)
    assert invoke("keys", "add", "bob", age.generate(), "-g", "admins").code == 12
    assert snapshot() == before


def files_of(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts}


LINKED: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "people, outside": ("keys/people", "../../outside", ("keys", "add", "bob", "RECIPIENT")),
    "people, elsewhere in the repository": ("keys/people", "../elsewhere", ("keys", "add", "bob", "RECIPIENT")),
    "services": ("keys/services", "../../outside", ("keys", "add", "bot", "RECIPIENT", "--kind", "service")),
    "keys": ("keys", "../outside", ("keys", "add", "bob", "RECIPIENT")),
    "a file": (".sops.yaml", "../outside/file", ("keys", "add", "bob", "RECIPIENT", "-g", "admins")),
}


@pytest.mark.parametrize(("link", "target", "command"), LINKED.values(), ids=LINKED)
def test_a_ring_that_is_kept_through_a_link_is_refused_and_nothing_is_written_through_it(
    invoke: Invoke, home: Path, link: str, target: str, command: tuple[str, ...]
) -> None:
    begin(invoke)
    away = (Path(link).parent / target).resolve()
    away.parent.mkdir(exist_ok=True)
    if Path(link).exists():
        Path(link).rename(away)
    else:
        away.mkdir()
    Path(link).symlink_to(target)
    before = files_of(home)
    outcome = invoke(*(str(age.generate()) if word == "RECIPIENT" else word for word in command))
    assert (outcome.code, outcome.out) == (12, b"")
    assert link in outcome.err
    assert "link" in outcome.err or "leads out" in outcome.err
    assert files_of(home) == before
    if link != ".sops.yaml":
        assert invoke("keys", "lint").code == 12


def test_a_dry_run_of_every_change_writes_nothing(invoke: Invoke, home: Path) -> None:
    begin(invoke)
    assert invoke("keys", "add", "bob", age.generate(), "-g", "admins").code == 0
    before = snapshot()
    assert invoke("keys", "add", "carol", age.generate(), "--dry-run").code == 0
    assert invoke("keys", "remove", "bob", "--dry-run").code == 0
    assert snapshot() == before
