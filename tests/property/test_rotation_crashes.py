"""Killed at any record of the journal, an operation resumes to what it would have become without the kill."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from secretsync.errors import OperationRunningError, RepositoryError
from secretsync.git import Repository
from secretsync.rotation import rolling_back
from secretsync.rotation.journal import Operation
from tests.unit.rotation.repositories import FILES, Sandbox

if TYPE_CHECKING:
    from secretsync.rotation.model import Plan


SECOND = "second"
"""An operator who has other keys than alice, and opens every file as well."""


def _killed_at(sandbox: Sandbox, plan: Plan, number: int, *, resume: bool = False, who: str = "alice") -> None:
    """Carry the plan out in a child that dies by SIGKILL as soon as record `number` is on disk."""
    _, status = os.waitpid(_until(sandbox, plan, number, signal.SIGKILL, resume=resume, who=who), 0)
    assert os.WIFSIGNALED(status), "the child was to be killed, and ended by itself"


def _until(
    sandbox: Sandbox, plan: Plan, number: int, sent: signal.Signals, *, resume: bool = False, who: str = "alice"
) -> int:
    """Carry the plan out in a child that sends itself a signal as soon as record `number` is on disk; return its id."""
    pid = os.fork()
    if pid == 0:
        seen = 0

        def die(_: object) -> None:
            nonlocal seen
            seen += 1
            if seen == number:
                os.kill(os.getpid(), sent)

        try:
            sandbox.apply(plan, observer=die, resume=resume, who=who)
        finally:
            os._exit(1)
    return pid


def _result(sandbox: Sandbox, branch: str) -> dict[str, object]:
    """Return what an operation left: the tree with its files decrypted, who opens them, and the commits."""
    with Repository.containing(sandbox.root).reader() as reader:
        blobs = Repository.containing(sandbox.root).blobs(branch)
        tree: dict[str, object] = {path: reader.read(blob) for path, blob in blobs.items() if path not in FILES}
    for path in FILES:
        tree[path] = sandbox.text(path, ref=branch)
        tree[f"{path} without bob"] = sandbox.recipient("bob") not in sandbox.git("show", f"{branch}:{path}")
    tree["commits"] = sandbox.git("log", "--format=%B", f"main..{branch}")
    tree["worktrees"] = sandbox.git("worktree", "list").count("\n")
    tree["dirty"] = sandbox.git("status", "--porcelain")
    return tree


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Sandbox, Plan, dict[str, object], int]:
    """Return a sandbox with a plan, what it comes to undisturbed, and how many records that takes."""
    sandbox = Sandbox(tmp_path_factory.mktemp("crash") / "shop")
    sandbox.fill()
    keys = (sandbox.key_file(name).read_text() for name in ("carol", "prod"))
    sandbox.key_file(SECOND).write_text("".join(keys))
    plan = sandbox.plan("remove", subject="bob")
    pristine = sandbox.root.parent / "pristine"
    shutil.copytree(sandbox.root, pristine, symlinks=True)
    whole = _result(sandbox, sandbox.apply(plan).branch)
    return sandbox, plan, whole, len(Operation(Repository.containing(sandbox.root), plan.operation).records())


def _fresh(sandbox: Sandbox) -> None:
    shutil.rmtree(sandbox.root)
    shutil.copytree(sandbox.root.parent / "pristine", sandbox.root, symlinks=True)


def test_a_kill_at_any_record_and_a_resume_give_the_uninterrupted_tree(
    begun: tuple[Sandbox, Plan, dict[str, object], int],
) -> None:
    sandbox, plan, whole, records = begun
    assert records > 12
    for number in range(1, records + 1):
        _fresh(sandbox)
        _killed_at(sandbox, plan, number)
        outcome = sandbox.apply(plan, resume=True)
        assert _result(sandbox, outcome.branch) == whole, f"killed at record {number}"


def test_a_resume_can_be_killed_as_well(begun: tuple[Sandbox, Plan, dict[str, object], int]) -> None:
    sandbox, plan, whole, _ = begun
    _fresh(sandbox)
    _killed_at(sandbox, plan, 4)
    _killed_at(sandbox, plan, 3, resume=True)
    _killed_at(sandbox, plan, 5, resume=True)
    assert _result(sandbox, sandbox.apply(plan, resume=True).branch) == whole


def test_a_second_resume_changes_nothing(begun: tuple[Sandbox, Plan, dict[str, object], int]) -> None:
    sandbox, plan, _, _ = begun
    _fresh(sandbox)
    first = sandbox.apply(plan).commits
    assert sandbox.apply(plan, resume=True).commits == first


def test_temporary_files_and_locks_of_a_killed_run_are_cleaned_up(
    begun: tuple[Sandbox, Plan, dict[str, object], int],
) -> None:
    sandbox, plan, whole, _ = begun
    _fresh(sandbox)
    _killed_at(sandbox, plan, 10)
    tree = Path(Operation(Repository.containing(sandbox.root), plan.operation).tree)
    (tree / "prod" / ".secretsync-0011223344556677.tmp").write_text("half a file")
    index_lock = Path(sandbox.git("-C", str(tree), "rev-parse", "--git-path", "index.lock"))
    (index_lock if index_lock.is_absolute() else tree / index_lock).write_text("")
    assert _result(sandbox, sandbox.apply(plan, resume=True).branch) == whole


def test_a_second_operator_waits_for_the_first_and_goes_on_where_a_kill_left_it(
    begun: tuple[Sandbox, Plan, dict[str, object], int],
) -> None:
    sandbox, plan, whole, records = begun
    for number in range(1, records + 1, 3):
        _fresh(sandbox)
        first = _until(sandbox, plan, number, signal.SIGSTOP)
        os.waitpid(first, os.WUNTRACED)
        before = Operation(Repository.containing(sandbox.root), plan.operation).records()
        with pytest.raises(OperationRunningError, match=f"process {first}"):
            sandbox.apply(plan, resume=True, who=SECOND)
        assert Operation(Repository.containing(sandbox.root), plan.operation).records() == before
        os.kill(first, signal.SIGKILL)
        os.waitpid(first, 0)
        outcome = sandbox.apply(plan, resume=True, who=SECOND)
        assert _result(sandbox, outcome.branch) == whole, f"killed at record {number}"


def test_two_operators_who_are_killed_in_turn_come_to_the_uninterrupted_tree(
    begun: tuple[Sandbox, Plan, dict[str, object], int],
) -> None:
    sandbox, plan, whole, _ = begun
    _fresh(sandbox)
    _killed_at(sandbox, plan, 4)
    _killed_at(sandbox, plan, 2, resume=True, who=SECOND)
    _killed_at(sandbox, plan, 2, resume=True)
    _killed_at(sandbox, plan, 3, resume=True, who=SECOND)
    assert _result(sandbox, sandbox.apply(plan, resume=True).branch) == whole


def test_a_second_operator_goes_on_in_another_clone_with_the_branch_that_a_killed_one_left(
    begun: tuple[Sandbox, Plan, dict[str, object], int],
) -> None:
    """Only commits travel: where the first had made none, there is nothing to go on with, and the second begins."""
    sandbox, plan, whole, records = begun
    seen = set()
    for number in range(1, records + 1, 3):
        _fresh(sandbox)
        _killed_at(sandbox, plan, number)
        branch = Operation(Repository.containing(sandbox.root), plan.operation).branch
        is_there = branch in sandbox.git("branch", "--format=%(refname:short)").split()
        has_commits = is_there and bool(sandbox.git("rev-list", f"main..{branch}"))
        second = sandbox.clone(f"second-{number}")
        seen.add(has_commits)
        if has_commits:
            assert second.resumed("remove", who=SECOND)["ending"] == "done"
        else:
            with pytest.raises(RepositoryError, match="no operation of runbook remove was begun here"):
                second.resumed("remove", who=SECOND)
            second.apply(plan, who=SECOND)
        assert _result(second, branch) == whole, f"killed at record {number}"
        sandbox.git("fetch", "-q", str(second.root), f"{branch}:refs/remotes/second/{branch}")
        assert sandbox.resumed("remove")["ending"] == "done"
        assert _result(sandbox, branch) == whole, f"killed at record {number}, and both went on"
    assert seen == {False, True}


def test_a_rollback_takes_back_what_a_kill_left_at_any_record_and_the_plan_is_applied_again(
    begun: tuple[Sandbox, Plan, dict[str, object], int],
) -> None:
    sandbox, plan, whole, records = begun
    for number in range(1, records + 1, 4):
        _fresh(sandbox)
        _killed_at(sandbox, plan, number)
        repository = Repository.containing(sandbox.root)
        rolling_back.roll_back(Operation(repository, plan.operation), repository)
        assert sandbox.git("branch", "--format=%(refname:short)") == "main"
        assert _result(sandbox, sandbox.apply(plan, who=SECOND).branch) == whole, f"killed at record {number}"


def test_a_rollback_that_was_killed_is_rolled_back_again(
    begun: tuple[Sandbox, Plan, dict[str, object], int],
) -> None:
    """Its folder went, then its branch; the record came last, and did not come."""
    sandbox, plan, whole, _ = begun
    for gone in ("folder", "branch"):
        _fresh(sandbox)
        branch = sandbox.apply(plan).branch
        repository = Repository.containing(sandbox.root)
        operation = Operation(repository, plan.operation)
        shutil.rmtree(operation.tree, ignore_errors=True)
        if gone == "branch":
            sandbox.git("branch", "-qD", branch)
        assert rolling_back.roll_back(operation, repository).discarded == []
        assert operation.ending == "rolled-back"
        assert _result(sandbox, sandbox.apply(plan).branch) == whole
