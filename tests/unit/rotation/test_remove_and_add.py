"""A colleague leaves, another joins: plan, apply, prove, merge."""

from __future__ import annotations

import pytest

from secretsync.errors import NoIdentityMatchError
from tests.unit.rotation.repositories import FILES, READERS, Sandbox


def test_removing_a_person_gives_their_files_new_data_keys(sandbox: Sandbox) -> None:
    before = {path: sandbox.text(path) for path in FILES}
    plan = sandbox.plan("remove", subject="bob")
    assert plan.problems == []
    assert [file.operation for file in plan.files] == ["rotate"] * 4
    outcome = sandbox.apply(plan, held=("bob",))
    assert {check.id: check.status for check in outcome.checks} == {
        **dict.fromkeys(("V1", "V2", "V3", "V4", "V5", "V6", "V7", "V8", "V9"), "passed"),
        "V10": "not applicable",
        "V11": "unknown",
    }
    sandbox.merge(outcome)
    assert {path: sandbox.text(path) for path in FILES} == before
    for path in FILES:
        with pytest.raises(NoIdentityMatchError):
            sandbox.text(path, "bob")


def test_adding_a_person_changes_one_envelope_and_nothing_else(sandbox: Sandbox) -> None:
    policy = sandbox.ring()["keys/policy.yaml"].replace("alice, bob, carol]", "alice, bob, carol, group:new]")
    sandbox.change_ring({"keys/policy.yaml": policy, "keys/groups.yaml": "groups:\n  new: {members: [carol]}\n"})
    plan = sandbox.plan("add", subject="dave", recipient=sandbox.recipient("dave"), groups="new")
    assert plan.problems == []
    assert {file.path: file.added for file in plan.files} == {
        "dev/app.env": ["dave-2026"],
        "dev/app.json": ["dave-2026"],
    }
    old = (sandbox.root / "dev/app.json").read_text()
    sandbox.merge(sandbox.apply(plan))
    assert sandbox.text("dev/app.json", "dave") == sandbox.text("dev/app.json", "alice")
    new = (sandbox.root / "dev/app.json").read_text()
    assert {line.strip(", ") for line in old.splitlines()} <= {line.strip(", ") for line in new.splitlines()}


def test_a_file_is_rotated_whatever_its_name_and_encoding_say(sandbox: Sandbox) -> None:
    wide = sandbox.encrypt("dev/wide.yaml", "password: deep\n", *READERS["dev"]).decode().encode("utf-16")
    nameless = sandbox.encrypt("dev/x.yaml", "password: deeper\n", *READERS["dev"])
    quoted = sandbox.encrypt("dev/x.yaml", "password: example\n", "alice")
    sandbox.write({"dev/wide.yaml": wide, "dev/secrets.enc": nameless, "dev/quotes.md": b"```\n" + quoted + b"```\n"})
    sandbox.commit()
    plan = sandbox.plan("remove", subject="bob")
    assert {"dev/wide.yaml", "dev/secrets.enc"} <= {file.path for file in plan.files}
    assert "dev/quotes.md" not in {file.path for file in plan.files}
    assert [(one.path, one.kind, one.names) for one in plan.left_out] == [("dev/quotes.md", "quoted", [])]
    sandbox.merge(sandbox.apply(plan))
    assert sandbox.text("dev/wide.yaml").decode("utf-16") == "password: deep\n"
    assert sandbox.text("dev/secrets.enc") == b"password: deeper\n"
    with pytest.raises(NoIdentityMatchError):
        sandbox.text("dev/secrets.enc", who="bob")
