"""A key ring in a subfolder: its files alone change, and the rest of the repository is looked at for what it should not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from secretsync.errors import InterruptedRunError, RepositoryError
from secretsync.git import Repository
from secretsync.rotation import model
from secretsync.rotation.promises import of_plan
from secretsync.rotation.scenario import scenario_named
from tests.unit.rotation.monorepo import FOLDED, A, B, fill, planned, standing, statuses
from tests.unit.rotation.repositories import FILES, Sandbox

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shop(tmp_path: Path) -> Sandbox:
    """Return a monorepo."""
    made = Sandbox(tmp_path / "shop")
    fill(made)
    return made


def test_a_removal_changes_files_below_the_ring_alone(shop: Sandbox) -> None:
    before = shop.git("rev-parse", f"HEAD:{B}")
    with standing(shop) as run:
        plan = planned(run, subject="bob")
        assert (plan.problems, plan.within) == ([], A)
        assert {file.path for file in plan.files} == set(FILES)
        assert f"only files below {A} are looked at" in plan.notes
        found = run.apply(plan)
    assert found["ending"] == "done"
    branch = found["branch"]
    assert shop.git("rev-parse", f"{branch}:{B}") == before
    changed = shop.git("diff", "--name-only", "main", branch).splitlines()
    assert set(FOLDED) < set(changed)
    assert all(path.startswith(f"{A}/") for path in changed)
    assert shop.git("status", "--porcelain") == ""


def test_a_plan_names_its_folder_and_one_of_the_root_says_nothing_new(shop: Sandbox, tmp_path: Path) -> None:
    with standing(shop) as run, standing(shop, within=B) as other:
        plan, theirs = planned(run, subject="bob"), planned(other, subject="bob")
    assert model.parse(model.dump(plan), "plan.json") == plan
    assert plan.digest != theirs.digest
    at_root = Sandbox(tmp_path / "plain")
    at_root.fill()
    assert b'"within"' not in model.dump(at_root.plan("remove", subject="bob"))


def test_every_verb_takes_the_folder_from_the_operation(shop: Sandbox) -> None:
    with standing(shop) as run:
        plan = planned(run, subject="bob")
    with standing(shop, within="") as run:
        found = run.apply(run.planned_again(scenario_named("remove"), plan))
    name = found["operation"]
    with standing(shop, within="") as run:
        assert run.status("remove", name)["state"] == "done"
        assert run.resume("remove", name)["ending"] == "done"
        run.verify("remove", name).require_good()
        assert run.evidence("remove", name)["operation"] == name
    with standing(shop, within="") as run:
        assert run.roll_back("remove", name)["state"] == "rolled-back"


def test_the_latest_operation_is_that_of_the_ring(shop: Sandbox) -> None:
    with standing(shop) as run:
        ours = run.apply(planned(run, subject="bob"))["operation"]
    with standing(shop, within=B) as run:
        theirs = run.apply(planned(run, subject="carol"))["operation"]
        assert run.status("remove", None)["operation"] == theirs
    with standing(shop) as run:
        assert run.status("remove", None)["operation"] == ours
        assert run.verify("remove", None).promise.name == ours
    with standing(shop, within="") as run, pytest.raises(RepositoryError, match="begun here"):
        run.status("remove", None)


def test_an_interrupted_operation_is_gone_on_with(shop: Sandbox) -> None:
    with standing(shop) as run:
        plan = planned(run, subject="bob")
        with pytest.raises(InterruptedRunError):
            run.apply(plan, stopped=lambda: True)
        assert run.resume("remove", None)["ending"] == "done"


@pytest.mark.parametrize("named", [False, True])
def test_a_second_operator_finds_it_in_a_clone(shop: Sandbox, *, named: bool) -> None:
    with standing(shop, who="carol") as run:
        found = run.apply(planned(run, subject="bob", allow_partial=True))
    assert found["ending"] == "partial"
    second = shop.clone("second")
    with standing(second, who="prod", within="" if named else A) as run:
        done = run.resume("remove", found["operation"] if named else None)
    assert (done["ending"], done["operation"]) == ("done", found["operation"])
    assert second.git("rev-parse", f"{done['branch']}:{B}") == second.git("rev-parse", f"main:{B}")


def test_a_merge_is_judged_by_the_whole_repository(shop: Sandbox) -> None:
    with standing(shop) as run:
        plan = planned(run, subject="bob")
        found = run.apply(plan)
    shop.git("merge", "-q", "--squash", found["branch"])
    shop.commit("squash")
    promise = of_plan(model.dump(plan), "plan.json")
    with standing(shop, within="") as run:
        run.verify("remove", None, promise, at="main").require_good()
    shop.write({f"{B}/new.txt": "beside\n"})
    shop.git("add", "-A")
    shop.git("commit", "-q", "--amend", "--no-edit")
    with standing(shop) as run:
        judgement = run.verify("remove", None, promise, at="main")
    assert statuses(judgement.checks)["nothing-else"] == "failed"
    assert any(f"../{B}/new.txt: is not in the plan" in failure for failure in judgement.failures)


def test_what_others_do_elsewhere_meanwhile_is_no_fault(shop: Sandbox) -> None:
    with standing(shop) as run:
        found = run.apply(planned(run, subject="bob"))
    shop.write({f"{B}/new.txt": "beside\n"})
    shop.commit("of another team")
    shop.git("merge", "-q", "--no-edit", found["branch"])
    with standing(shop) as run:
        run.verify("remove", found["operation"], at="main").require_good()


def test_a_merged_operation_is_not_rolled_back(shop: Sandbox) -> None:
    with standing(shop) as run:
        found = run.apply(planned(run, subject="bob"))
        shop.git("merge", "-q", "--squash", found["branch"])
        shop.commit("squash")
        with pytest.raises(RepositoryError, match="is merged into main"):
            run.roll_back("remove", None)


def test_a_commit_elsewhere_on_the_branch_is_somebody_elses(shop: Sandbox) -> None:
    with standing(shop) as run:
        found = run.apply(planned(run, subject="bob"))
        shop.git("checkout", "-q", found["branch"])
        shop.write({f"{B}/new.txt": "beside\n"})
        shop.commit("mine")
        shop.git("checkout", "-q", "main")
        with pytest.raises(RepositoryError, match="not of the operation"):
            run.roll_back("remove", None)


def test_a_branch_that_is_checked_out_follows_below_the_folder(shop: Sandbox) -> None:
    with standing(shop, who="carol") as run:
        found = run.apply(planned(run, subject="bob", allow_partial=True))
    shop.git("checkout", "-q", found["branch"])
    with standing(shop, who="prod") as run:
        assert run.resume("remove", None)["ending"] == "done"
    assert shop.git("status", "--porcelain") == ""


def test_changes_below_the_folder_stand_in_the_way_and_others_do_not(shop: Sandbox) -> None:
    path = "dev/app.env"
    shop.write({f"{B}/{path}": "A=b\n"})
    with standing(shop) as run:
        assert planned(run, subject="bob").problems == []
        shop.write({f"{A}/{path}": "A=b\n"})
        assert [(one.path, one.kind) for one in planned(run, subject="bob").problems] == [(path, "dirty")]


@pytest.mark.parametrize("within", ["/etc", "a/../..", "a//b", "a/", ".", "../x"])
def test_a_folder_that_leads_elsewhere_is_refused(shop: Sandbox, within: str) -> None:
    with pytest.raises(RepositoryError, match="no folder of a repository"):
        Repository.containing(shop.root).below(within)
