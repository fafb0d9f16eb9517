"""What is wrong is found by the plan and named, and nothing is written; what happens meanwhile is noticed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from secretsync import age
from secretsync.errors import (
    ChangedFileError,
    ConfigError,
    EscapeError,
    FormatError,
    InterruptedRunError,
    OperationRunningError,
    PlanProblemError,
    PolicyError,
    RepositoryError,
)
from secretsync.git import Repository
from secretsync.rotation import model, rolling_back
from secretsync.rotation.journal import Operation, OperationLock, boot
from tests.peers.api import wait_for
from tests.unit.rotation.repositories import FILES, NOW, Sandbox


def _problems(sandbox: Sandbox, scenario: str = "remove", who: str = "alice", **given: str) -> list[tuple[str, str]]:
    plan = sandbox.plan(scenario, who=who, at=NOW, allow_partial=False, **(given or {"subject": "bob"}))
    if plan.problems:
        with pytest.raises(PlanProblemError):
            sandbox.apply(plan, who=who)
        assert not Operation(Repository.containing(sandbox.root), plan.operation).exists
        assert plan.operation not in sandbox.git("branch")
    return [(problem.path, problem.kind) for problem in plan.problems]


def test_a_file_with_changes_that_are_not_committed(sandbox: Sandbox) -> None:
    (sandbox.root / "prod/db.yaml").write_text("changed: true\n")
    assert _problems(sandbox) == [("prod/db.yaml", "dirty")]


@pytest.mark.parametrize("target", ["outside", "keys/elsewhere"])
def test_a_folder_of_the_key_ring_that_is_a_link(sandbox: Sandbox, tmp_path: Path, target: str) -> None:
    away = (tmp_path if target == "outside" else sandbox.root) / target
    away.mkdir(parents=True)
    (sandbox.root / "keys/services").symlink_to(away)
    sandbox.commit()
    bot = {"subject": "bot", "kind": "service", "recipient": str(age.generate())}
    assert _problems(sandbox, "add", **bot) == [("keys/services", "linked")]
    assert list(away.iterdir()) == []
    (sandbox.root / "keys/services").unlink()
    sandbox.commit()
    assert _problems(sandbox, "add", **bot) == []


def test_a_link_that_is_put_into_the_worktree_is_not_written_through(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outside").mkdir()
    plan = sandbox.plan("add", subject="bot", kind="service", recipient=str(age.generate()))
    record = Operation.record

    def link_first(operation: Operation, event: str, *, durable: bool = True, **values: object) -> None:
        record(operation, event, durable=durable, **values)
        if event == "worktree":
            (Path(operation.tree) / "keys").mkdir(exist_ok=True)
            (Path(operation.tree) / "keys/services").symlink_to(tmp_path / "outside")

    monkeypatch.setattr(Operation, "record", link_first)
    with pytest.raises(EscapeError, match="symbolic link"):
        sandbox.apply(plan)
    assert list((tmp_path / "outside").iterdir()) == []


def test_changes_elsewhere_do_not_matter_and_stay(sandbox: Sandbox) -> None:
    (sandbox.root / "README.md").write_text("work in progress\n")
    sandbox.apply(sandbox.plan("remove", subject="bob"))
    assert sandbox.git("status", "--porcelain") == "M README.md"


def test_a_file_that_no_rule_matches_and_that_the_removed_key_opens(sandbox: Sandbox) -> None:
    sandbox.write({"elsewhere/x.yaml": sandbox.encrypt("elsewhere/x.yaml", "a: b\n", "alice", "bob")})
    sandbox.commit()
    assert _problems(sandbox) == [("elsewhere/x.yaml", "no-rule")]


def test_an_envelope_that_the_key_ring_does_not_know_with_who_brought_it(sandbox: Sandbox) -> None:
    sandbox.write({"dev/app.env": sandbox.encrypt("dev/app.env", "A=b\n", "alice", "bob", "carol", "dave")})
    commit = sandbox.commit()
    assert _problems(sandbox) == [("dev/app.env", "unknown-recipient")]
    message = sandbox.plan("remove", subject="bob").problems[0].message
    assert commit[:12] in message
    assert "test@example.org" in message


def test_a_retired_recipient_that_a_merge_brought_back(sandbox: Sandbox) -> None:
    old = (sandbox.root / "dev/app.env").read_bytes()
    sandbox.merge(sandbox.apply(sandbox.plan("remove", subject="bob")))
    sandbox.write({"dev/app.env": old})
    sandbox.commit("merge an old branch")
    assert _problems(sandbox, subject="carol") == [("dev/app.env", "retired-recipient")]
    sandbox.merge(sandbox.apply(sandbox.plan("align"), held=("bob",)))
    assert _problems(sandbox, subject="carol") == []


def test_a_file_that_nobody_here_can_open(sandbox: Sandbox) -> None:
    assert _problems(sandbox, who="carol") == [("prod/api.yaml", "cannot-open"), ("prod/db.yaml", "cannot-open")]


def test_files_that_lose_the_only_key_that_is_here(sandbox: Sandbox) -> None:
    new = str(age.generate())
    plan = sandbox.plan("compromised", subject="alice-1", recipient=new)
    assert {problem.kind for problem in plan.problems} == {"nobody-here"}


def test_a_file_that_was_tampered_with(sandbox: Sandbox) -> None:
    path = sandbox.root / "dev/app.json"
    path.write_text(path.read_text().replace('"port": "ENC[AES256_GCM,data:', '"port": "ENC[AES256_GCM,data:AAAA'))
    sandbox.commit()
    assert _problems(sandbox) == [("dev/app.json", "damaged")]


def test_a_recipient_that_cannot_be_encrypted_to(sandbox: Sandbox) -> None:
    ring = sandbox.ring()["keys/people/carol.yaml"].replace("type: age", "type: pgp")
    ring = ring.replace(sandbox.recipient("carol"), "0123456789ABCDEF0123456789ABCDEF01234567")
    sandbox.change_ring({"keys/people/carol.yaml": ring})
    files = {path: sandbox.encrypt(path, FILES[path], "alice", "bob") for path in FILES if path.startswith("dev")}
    sandbox.write(files)
    sandbox.commit()
    assert _problems(sandbox) == [("", "recipient-unusable")]


def test_a_policy_that_would_leave_nobody(sandbox: Sandbox) -> None:
    policy = sandbox.ring()["keys/policy.yaml"].replace("[alice, bob, carol]", "[bob]")
    sandbox.change_ring({"keys/policy.yaml": policy})
    sandbox.write({path: sandbox.encrypt(path, FILES[path], "bob") for path in FILES if path.startswith("dev")})
    sandbox.commit()
    with pytest.raises(ConfigError, match="nobody would be left"):
        sandbox.plan("remove", subject="bob")


def test_a_retired_key_does_not_come_back(sandbox: Sandbox) -> None:
    sandbox.merge(sandbox.apply(sandbox.plan("remove", subject="bob")))
    with pytest.raises(PolicyError, match="retired"):
        sandbox.plan("add", subject="robert", recipient=sandbox.recipient("bob"))


def test_a_second_run_at_the_same_time(sandbox: Sandbox) -> None:
    plan = sandbox.plan("remove", subject="bob")
    repository = Repository.containing(sandbox.root)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(writer)
        with OperationLock(repository, "the other one"):
            os.write(2, b"")
            (sandbox.root.parent / "locked").touch()
            os.read(reader, 1)
        os._exit(0)
    os.close(reader)
    try:
        wait_for((sandbox.root.parent / "locked").exists)
        with pytest.raises(OperationRunningError, match=f"the other one, process {pid}"):
            sandbox.apply(plan)
    finally:
        os.close(writer)
        os.waitpid(pid, 0)
    sandbox.apply(plan)


def test_a_repository_without_a_committer_is_refused_before_anything_is_written(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = sandbox.plan("remove", subject="bob")
    sandbox.git("config", "--unset", "user.name")
    sandbox.git("config", "user.useConfigOnly", "true")
    sandbox.git("config", "--unset", "user.email")
    monkeypatch.setenv("HOME", str(sandbox.root.parent))
    with pytest.raises(RepositoryError, match="who commits here"):
        sandbox.apply(plan)
    assert not Operation(Repository.containing(sandbox.root), plan.operation).exists


def test_a_shallow_clone_says_that_its_history_is_not_all(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.write({"README.md": "more\n"})
    sandbox.commit()
    sandbox.git("clone", "-q", "--depth", "1", f"file://{sandbox.root}", str(tmp_path / "clone"))
    sandbox.root = tmp_path / "clone"
    assert any("shallow" in note for note in sandbox.plan("remove", subject="bob").notes)


def test_an_operation_is_not_begun_twice(sandbox: Sandbox) -> None:
    plan = sandbox.plan("remove", subject="bob")
    sandbox.apply(plan)
    with pytest.raises(RepositoryError, match="was begun"):
        sandbox.apply(plan)


def test_an_interrupt_finishes_the_file_at_hand_and_says_how_to_go_on(sandbox: Sandbox) -> None:
    plan = sandbox.plan("remove", subject="bob")
    calls = iter([False] * 6 + [True] * 100)
    with pytest.raises(InterruptedRunError) as caught:
        sandbox.apply(plan, stopped=lambda: next(calls))
    assert caught.value.hint == f"secretsync runbook remove resume {plan.operation}"
    assert caught.value.exit_code == 130
    sandbox.merge(sandbox.apply(plan, resume=True))
    assert sandbox.text("prod/db.yaml") == FILES["prod/db.yaml"].encode()


def test_a_file_that_somebody_changes_in_the_worktree_stops_the_resume(sandbox: Sandbox) -> None:
    plan = sandbox.plan("remove", subject="bob")
    calls = iter([False] * 6 + [True] * 100)
    with pytest.raises(InterruptedRunError):
        sandbox.apply(plan, stopped=lambda: next(calls))
    tree = Path(Operation(Repository.containing(sandbox.root), plan.operation).tree)
    (tree / "prod/db.yaml").write_text("not ours\n")
    with pytest.raises(ChangedFileError):
        sandbox.apply(plan, resume=True)


def test_after_a_power_failure_a_torn_worktree_is_filled_anew(sandbox: Sandbox) -> None:
    plan = sandbox.plan("remove", subject="bob")
    calls = iter([False] * 3 + [True] * 100)
    with pytest.raises(InterruptedRunError):
        sandbox.apply(plan, stopped=lambda: next(calls))
    operation = Operation(Repository.containing(sandbox.root), plan.operation)
    tree, journal = Path(operation.tree), Path(operation.folder) / "journal.jsonl"
    (tree / "prod/db.yaml").write_bytes(b"")
    (tree / "dev/app.json").unlink()
    unsynced = journal.read_text().replace(boot(), "an earlier start").splitlines(keepends=True)
    journal.write_text("".join(unsynced[:-2]) + unsynced[-2][:20])
    sandbox.merge(sandbox.apply(plan, resume=True))
    assert sandbox.text("prod/db.yaml") == FILES["prod/db.yaml"].encode()
    assert sandbox.recipient("bob") not in sandbox.git("show", "HEAD:prod/db.yaml", "HEAD:dev/app.json")


def test_a_rollback_leaves_nothing_behind(sandbox: Sandbox) -> None:
    plan = sandbox.plan("remove", subject="bob")
    sandbox.apply(plan)
    repository = Repository.containing(sandbox.root)
    rolling_back.roll_back(Operation(repository, plan.operation), repository)
    assert sandbox.git("branch") == "* main"
    assert "\n" not in sandbox.git("worktree", "list")


def test_what_is_merged_is_not_rolled_back(sandbox: Sandbox) -> None:
    plan = sandbox.plan("remove", subject="bob")
    sandbox.merge(sandbox.apply(plan))
    repository = Repository.containing(sandbox.root)
    with pytest.raises(RepositoryError, match="merged") as caught:
        rolling_back.roll_back(Operation(repository, plan.operation), repository)
    assert "git revert" in (caught.value.hint or "")


def test_a_plan_reads_back_and_an_edited_one_is_refused(sandbox: Sandbox) -> None:
    plan = sandbox.plan("remove", subject="bob")
    data = model.dump(plan)
    assert model.parse(data, "plan.json") == plan
    with pytest.raises(FormatError, match="edited"):
        model.parse(data.replace(b'"rotate"', b'"updatekeys"', 1), "plan.json")
    with pytest.raises(FormatError, match="not a plan"):
        model.parse(b"{}", "plan.json")


def test_the_journal_holds_no_secret(sandbox: Sandbox) -> None:
    plan = sandbox.plan("remove", subject="bob")
    sandbox.apply(plan)
    folder = Path(Operation(Repository.containing(sandbox.root), plan.operation).folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.iterdir():
        text = path.read_text()
        assert "hunter2" not in text
        assert "AGE-SECRET-KEY" not in text
        assert path.stat().st_mode & 0o777 == 0o600
