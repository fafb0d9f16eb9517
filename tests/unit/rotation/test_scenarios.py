"""The other runbooks: a leaked key, a key that ends, a move to another kind of key, files out of policy, old data keys."""

from __future__ import annotations

from datetime import timedelta

import pytest

from secretsync import age
from secretsync.errors import NoIdentityMatchError
from secretsync.git import Repository
from secretsync.rotation.ageing import ages
from tests.unit.rotation.repositories import FILES, NOW, Sandbox


def test_a_leaked_key_is_replaced_and_opens_nothing_any_more(sandbox: Sandbox) -> None:
    sandbox.identities["new"] = age.generate()
    sandbox.key_file("new").write_text(f"{sandbox.identities['new'].expose()}\n")
    plan = sandbox.plan(
        "compromised", subject="bob-1", recipient=sandbox.recipient("new"), key_id="bob-2", since="2026-11-01"
    )
    assert plan.problems == []
    assert {tuple(file.added) for file in plan.files} == {("bob-2",)}
    sandbox.merge(sandbox.apply(plan, held=("bob",)))
    assert "compromised_since: '2026-11-01'" in (sandbox.root / "keys/retired/bob.yaml").read_text().replace('"', "'")
    assert sandbox.text("prod/db.yaml", "new") == sandbox.text("prod/db.yaml", "alice")
    with pytest.raises(NoIdentityMatchError):
        sandbox.text("prod/db.yaml", "bob")


def test_a_leaked_key_without_successor_is_only_taken_out(sandbox: Sandbox) -> None:
    plan = sandbox.plan("compromised", subject="bob-1")
    assert {tuple(file.removed) for file in plan.files} == {("bob-1",)}
    assert all(task.due <= "2026-11-25" for task in plan.tasks)
    sandbox.merge(sandbox.apply(plan))
    assert "name: bob" in (sandbox.root / "keys/people/bob.yaml").read_text()


@pytest.mark.parametrize("scenario", ["migrate", "expiring"])
def test_a_key_follows_another_in_two_stages(sandbox: Sandbox, scenario: str) -> None:
    new = age.generate(post_quantum=True)
    sandbox.identities["new"] = new
    sandbox.key_file("new").write_text(f"{new.expose()}\n")
    dual = sandbox.plan(scenario, subject="bob-1", recipient=str(new), key_id="bob-pq")
    assert {file.operation for file in dual.files} == {"updatekeys"}
    sandbox.merge(sandbox.apply(dual))
    assert sandbox.text("dev/app.json", "new") == sandbox.text("dev/app.json", "bob")
    retire = sandbox.plan(scenario, subject="bob-1", stage="retire")
    assert retire.problems == []
    assert {(file.operation, tuple(file.removed)) for file in retire.files} == {("rotate", ("bob-1",))}
    sandbox.merge(sandbox.apply(retire, who="new", held=("bob",)))
    assert sandbox.text("dev/app.json", "new") == sandbox.text("dev/app.json", "alice")
    with pytest.raises(NoIdentityMatchError):
        sandbox.text("dev/app.json", "bob")


def test_an_extended_key_gets_new_envelopes(sandbox: Sandbox) -> None:
    plan = sandbox.plan("expiring", subject="carol-1", stage="extend", expires="2027-11-24")
    assert [file.path for file in plan.files] == ["dev/app.env", "dev/app.json"]
    before = (sandbox.root / "dev/app.env").read_bytes()
    sandbox.merge(sandbox.apply(plan))
    assert not set(before.split()) & {
        line for line in (sandbox.root / "dev/app.env").read_bytes().split() if b"ENC[" in line
    }


def test_files_are_brought_back_to_the_policy(sandbox: Sandbox) -> None:
    """One was widened by hand, one narrowed, one has an envelope that nobody knows."""
    sandbox.write(
        {
            "dev/app.env": sandbox.encrypt("dev/app.env", FILES["dev/app.env"], "alice", "bob", "carol", "prod"),
            "dev/app.json": sandbox.encrypt("dev/app.json", FILES["dev/app.json"], "alice", "bob"),
            "prod/api.yaml": sandbox.encrypt("prod/api.yaml", FILES["prod/api.yaml"], "alice", "bob", "prod", "dave"),
        }
    )
    sandbox.commit()
    assert [problem.kind for problem in sandbox.plan("align").problems] == ["unknown-recipient"]
    plan = sandbox.plan("align", unknown="drop")
    assert plan.problems == []
    assert {file.path: file.operation for file in plan.files} == {
        "dev/app.env": "rotate",
        "dev/app.json": "updatekeys",
        "prod/api.yaml": "rotate",
    }
    sandbox.merge(sandbox.apply(plan))
    assert sandbox.plan("align").files == []


def test_the_oldest_data_keys_go_first_and_no_more_than_the_budget(sandbox: Sandbox) -> None:
    later = NOW + timedelta(days=4000)
    plan = sandbox.plan("age-out", at=later, max_age="365", budget="2")
    assert len(plan.files) == 2
    outcome = sandbox.apply(plan)
    sandbox.merge(outcome)
    assert {check.id for check in outcome.checks if check.status == "passed"} >= {"V1", "V4", "V5", "V6", "V9"}


def test_a_rotation_is_seen_in_history_as_a_new_data_key(sandbox: Sandbox) -> None:
    sandbox.merge(sandbox.apply(sandbox.plan("compromised", subject="carol-1")))
    repository = Repository.containing(sandbox.root)
    found = {one.path: one for one in ages(repository, repository.resolve("HEAD"), FILES)}
    assert found["dev/app.env"].commit == repository.resolve("HEAD")
    assert found["prod/db.yaml"].commit == repository.resolve("HEAD~2")


def test_closed_history_gives_a_newcomer_files_under_new_data_keys(sandbox: Sandbox) -> None:
    plan = sandbox.plan("add", subject="bob", recipient=sandbox.recipient("dave"), history="closed")
    assert {(file.operation, tuple(file.added)) for file in plan.files} == {("rotate", ("bob-2026",))}
    sandbox.merge(sandbox.apply(plan))
    assert sandbox.text("prod/db.yaml", "dave")
    with pytest.raises(NoIdentityMatchError):
        sandbox.text("prod/db.yaml", "dave", ref="HEAD~1")
