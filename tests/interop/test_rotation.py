"""What a runbook wrote opens in the real sops with a key that remains, and with none that was removed."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from tests.peers import run
from tests.unit.rotation import monorepo
from tests.unit.rotation.repositories import FILES, POLICY, Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.peers.processes import Completed


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    """Return a repository with a key ring and four encrypted files, of four stores."""
    made = Sandbox(tmp_path / "shop")
    made.fill()
    return made


def _opened(binary: Path, sandbox: Sandbox, path: str, who: str) -> Completed:
    environ = {"SOPS_AGE_KEY_FILE": str(sandbox.key_file(who)), "HOME": str(sandbox.root.parent)}
    return run([binary, "decrypt", path], env=environ, cwd=sandbox.root, check=False)


def test_after_a_removal_sops_opens_with_remaining_keys_alone(sandbox: Sandbox, peer: Callable[[str], Path]) -> None:
    binary = peer("sops")
    before = {path: _opened(binary, sandbox, path, "bob").stdout for path in FILES}
    sandbox.merge(sandbox.apply(sandbox.plan("remove", subject="bob"), held=("bob",)))
    for path in FILES:
        assert _opened(binary, sandbox, path, "alice").stdout == before[path]
        refused = _opened(binary, sandbox, path, "bob")
        assert refused.code != 0
        assert refused.stdout == b""
    assert _opened(binary, sandbox, "prod/db.yaml", "prod").stdout == before["prod/db.yaml"]


def test_after_an_addition_sops_opens_with_the_new_key(sandbox: Sandbox, peer: Callable[[str], Path]) -> None:
    binary = peer("sops")
    plan = sandbox.plan("add", subject="carol", recipient=sandbox.recipient("dave"), key_id="carol-2")
    sandbox.merge(sandbox.apply(plan))
    for path in ("dev/app.json", "dev/app.env"):
        assert _opened(binary, sandbox, path, "dave").stdout == _opened(binary, sandbox, path, "carol").stdout != b""


def test_the_generated_rules_make_sops_agree_with_the_rotation(sandbox: Sandbox, peer: Callable[[str], Path]) -> None:
    """`sops updatekeys` finds nothing to do: the key ring's policy and `.sops.yaml` say the same."""
    sandbox.merge(sandbox.apply(sandbox.plan("remove", subject="bob")))
    environ = {"SOPS_AGE_KEY_FILE": str(sandbox.key_file("alice")), "HOME": str(sandbox.root.parent)}
    for path in FILES:
        ended = run([peer("sops"), "updatekeys", "--yes", path], env=environ, cwd=sandbox.root, check=False)
        assert "already up to date" in ended.stderr
    assert sandbox.git("status", "--porcelain") == ""


def test_an_envelope_smuggled_in_gets_no_new_data_key_from_us_and_would_from_sops(
    sandbox: Sandbox, peer: Callable[[str], Path]
) -> None:
    """`sops rotate` takes recipients from the file, which nothing authenticates; we take them from the policy."""
    binary, path = peer("sops"), "dev/app.json"
    sandbox.write({path: sandbox.encrypt(path, FILES[path], "alice", "bob", "carol", "dave")})
    sandbox.commit()
    environ = {"SOPS_AGE_KEY_FILE": str(sandbox.key_file("alice")), "HOME": str(sandbox.root.parent)}
    rotated = run([binary, "rotate", path], env=environ, cwd=sandbox.root).stdout
    assert sandbox.recipient("dave").encode() in rotated
    assert [one.kind for one in sandbox.plan("remove", subject="bob").problems] == ["unknown-recipient"]
    sandbox.merge(sandbox.apply(sandbox.plan("align", unknown="drop"), held=("dave",)))
    assert _opened(binary, sandbox, path, "alice").code == 0
    assert _opened(binary, sandbox, path, "dave").code != 0


def test_a_removal_that_two_operators_share_is_one_in_the_eyes_of_sops(
    sandbox: Sandbox, peer: Callable[[str], Path]
) -> None:
    """carol opens `dev` alone, the cluster `prod` alone: each changes what it opens, the second in a clone of its own."""
    binary = peer("sops")
    before = {path: _opened(binary, sandbox, path, "bob").stdout for path in FILES}
    outcome = sandbox.apply(sandbox.plan("remove", who="carol", subject="bob", allow_partial=True), who="carol")
    second = sandbox.clone("second")
    second.git("checkout", "-q", outcome.branch)
    opened = {path for path in FILES if _opened(binary, second, path, "bob").code == 0}
    assert opened == {path for path in FILES if path.startswith("prod/")}
    assert second.resumed("remove", who="prod")["ending"] == "done"
    for path in FILES:
        assert _opened(binary, second, path, "bob").code != 0
        assert _opened(binary, second, path, "alice").stdout == before[path]


def _with_old_envelopes(sandbox: Sandbox, path: str) -> str:
    """Write the newest file with the envelopes of its first version beside it, and return where."""
    first = sandbox.git("rev-list", "--max-parents=0", "HEAD")
    old, new = json.loads(sandbox.git("show", f"{first}:{path}")), json.loads((sandbox.root / path).read_bytes())
    new["sops"]["age"] = old["sops"]["age"]
    sandbox.write({"spliced.json": json.dumps(new)})
    return "spliced.json"


@pytest.mark.parametrize("is_edited", [False, True])
def test_after_a_removal_no_envelope_of_before_opens_what_updatekeys_left(
    sandbox: Sandbox, peer: Callable[[str], Path], *, is_edited: bool
) -> None:
    """`is_edited`: all values changed in the same commit, so that only a key at hand shows the data key to be the same."""
    binary, path = peer("sops"), "dev/app.json"
    environ = {"SOPS_AGE_KEY_FILE": str(sandbox.key_file("alice")), "HOME": str(sandbox.root.parent)}
    sandbox.write({path: sandbox.encrypt(path, '{"password": "hunter2-dev"}', "alice", "bob", "carol")})
    sandbox.commit()
    sandbox.git("reset", "-q", "--soft", sandbox.git("rev-list", "--max-parents=0", "HEAD"))
    sandbox.git("commit", "-q", "--amend", "-m", "begin")
    policy = POLICY.replace("readers: [alice, bob, carol]", "readers: [alice]")
    sandbox.change_ring({"keys/policy.yaml": policy})
    if is_edited:
        run([binary, "set", path, '["password"]', '"hunter3-dev"'], env=environ, cwd=sandbox.root)
    run([binary, "updatekeys", "--yes", path], env=environ, cwd=sandbox.root)
    sandbox.commit()
    assert _opened(binary, sandbox, _with_old_envelopes(sandbox, path), "bob").code == 0
    (sandbox.root / "spliced.json").unlink()
    outcome = sandbox.apply(sandbox.plan("remove", subject="bob"))
    sandbox.merge(outcome)
    is_open = _opened(binary, sandbox, _with_old_envelopes(sandbox, path), "bob").code == 0
    assert (outcome.ending, is_open) in {("done", False), ("partial", True)}
    assert is_edited or not is_open


def _tagged(text: re.Match[str]) -> str:
    return f"!!binary {b64encode(text[1].encode()).decode()}"


@pytest.mark.parametrize("form", ["json", "yaml", "continued", "tagged"])
def test_a_removal_reaches_files_that_only_sops_saw_through(
    sandbox: Sandbox, peer: Callable[[str], Path], form: str
) -> None:
    """Escapes in the ciphertext and the recipients hide nothing: what sops opens for somebody is found."""
    binary, bob = peer("sops"), sandbox.recipient("bob")
    path, text = ("dev/h.json", '{"a": "a value"}\n') if form == "json" else ("dev/h.yaml", "a: a value\n")
    plain = sandbox.encrypt(path, text, "alice", "bob", "carol").decode()
    mark, name = {
        "json": ("\\u0045NC[", f"\\u0061{bob[1:]}"),
        "yaml": ("\\x45NC[", f'"\\x61{bob[1:]}"'),
        "continued": ("EN\\\n      C[", f'"{bob[:9]}\\\n        {bob[9:]}"'),
        "tagged": ("", ""),
    }[form]
    if form != "json":
        plain = re.sub(r": (ENC\[.*\])$", r': "\1"', plain, flags=re.MULTILINE)
    hidden = plain.replace("ENC[", mark).replace(bob, name)
    if form == "tagged":
        hidden = re.sub(r'"?(ENC\[.*\]|age1\w+)"?$', _tagged, plain, flags=re.MULTILINE)
        assert bob not in hidden
        assert "ENC[" not in hidden
    sandbox.write({path: hidden})
    sandbox.commit()
    before = _opened(binary, sandbox, path, "bob")
    assert before.code == 0, before.stderr
    outcome = sandbox.apply(sandbox.plan("remove", subject="bob"), held=("bob",))
    assert outcome.ending == "done"
    sandbox.merge(outcome)
    assert _opened(binary, sandbox, path, "bob").code != 0
    assert _opened(binary, sandbox, path, "alice").stdout == before.stdout


def test_in_a_monorepo_a_removal_by_one_team_leaves_the_other_as_it_was(
    tmp_path: Path, peer: Callable[[str], Path]
) -> None:
    """Each team has a `.sops.yaml` of its own, which sops takes in its folder."""
    binary, sandbox = peer("sops"), Sandbox(tmp_path / "shop")
    monorepo.fill(sandbox)
    ours, theirs = ([f"{team}/{path}" for path in FILES] for team in (monorepo.A, monorepo.B))
    before = {path: _opened(binary, sandbox, path, "bob").stdout for path in (*ours, *theirs)}
    assert all(before.values())
    with monorepo.standing(sandbox) as run_:
        found = run_.apply(monorepo.planned(run_, subject="bob"))
    sandbox.git("merge", "-q", "--ff-only", found["branch"])
    for path in ours:
        assert _opened(binary, sandbox, path, "bob").code != 0
        assert _opened(binary, sandbox, path, "alice").stdout == before[path]
    assert {path: _opened(binary, sandbox, path, "bob").stdout for path in theirs} == {
        path: before[path] for path in theirs
    }
    environ = {"SOPS_AGE_KEY_FILE": str(sandbox.key_file("alice")), "HOME": str(sandbox.root.parent)}
    for team, path in ((team, path) for team in (monorepo.A, monorepo.B) for path in FILES):
        ended = run([binary, "updatekeys", "--yes", path], env=environ, cwd=sandbox.root / team, check=False)
        assert "already up to date" in ended.stderr
