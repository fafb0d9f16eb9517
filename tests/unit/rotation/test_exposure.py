"""What a key could ever open: live, changed since, deleted; nothing forgotten, no value shown."""

from __future__ import annotations

from secretsync.git import Repository
from secretsync.keyring import load_from
from secretsync.processes import Pool
from secretsync.rotation.exposure import exposed, recipients_of
from secretsync.rotation.file_metadata import options_for
from secretsync.rotation.file_worker import FileWork
from secretsync.rotation.planning import snapshot
from secretsync.sops.datakey import MasterKey
from secretsync.sops.operations import json_value, set_value
from secretsync.sops.recipients import update_keys
from tests.unit.rotation.repositories import FILES, NOW, Sandbox


def _states(sandbox: Sandbox, name: str = "bob", who: str = "alice") -> dict[str, str]:
    repository = Repository.containing(sandbox.root)
    head = repository.resolve("HEAD")
    recipients = recipients_of(load_from(snapshot(repository, head)), name)
    with Pool(FileWork(repository, sandbox.keys(who))) as pool:
        found = exposed(repository, pool, head, recipients)
    return {f"{one.path} {one.place}": f"{one.state} {one.elsewhere}".strip() for one in found}


def test_values_are_live_changed_or_deleted(sandbox: Sandbox) -> None:
    changed = FILES["prod/db.yaml"].replace("hunter2-prod", "a-new-one")
    sandbox.write({"prod/db.yaml": sandbox.encrypt("prod/db.yaml", changed, "alice", "prod")})
    (sandbox.root / "prod/api.yaml").unlink()
    sandbox.commit()
    states = _states(sandbox)
    assert states["prod/db.yaml stringData.password"] == "changed"
    assert states["prod/db.yaml stringData.user"] == "live"
    assert states["prod/api.yaml stringData.token"] == "deleted"
    assert states["dev/app.env PASSWORD"] == "live"


def test_a_value_that_moved_is_live_where_it_is_now(sandbox: Sandbox) -> None:
    (sandbox.root / "prod/api.yaml").unlink()
    sandbox.write({"prod/new.yaml": sandbox.encrypt("prod/new.yaml", FILES["prod/api.yaml"], "alice", "prod")})
    sandbox.commit()
    assert _states(sandbox)["prod/api.yaml stringData.token"] == "live prod/new.yaml stringData.token"


def test_a_version_under_a_known_data_key_counts_though_it_names_somebody_else(sandbox: Sandbox) -> None:
    """Taking a recipient out without a new data key takes nothing away: the next value is theirs as well."""
    path = sandbox.root / "dev/app.env"
    options = options_for("dev/app.env", path.read_bytes(), sandbox.keys())
    others = [[MasterKey("age", sandbox.recipient("alice")), MasterKey("age", sandbox.recipient("carol"))]]
    without_bob = update_keys(path.read_bytes(), others, options, now=NOW).data
    path.write_bytes(set_value(without_bob, ("PASSWORD",), json_value('"newer"'), options, now=NOW).data)
    sandbox.commit()
    assert _states(sandbox)["dev/app.env PASSWORD"] == "live"


def test_what_no_key_here_opens_is_live_only_as_the_same_ciphertext(sandbox: Sandbox) -> None:
    sandbox.write({"dev/app.env": sandbox.encrypt("dev/app.env", "PASSWORD=other\n", "alice", "bob", "carol")})
    sandbox.write({"dev/app.env": sandbox.encrypt("dev/app.env", "PASSWORD=more\n", "alice", "carol")})
    sandbox.commit()
    states = _states(sandbox, who="dave")
    assert states["prod/db.yaml stringData.password"] == "live"
    assert states["dev/app.env PASSWORD"] == "unknown"


def test_a_file_on_another_branch_counts(sandbox: Sandbox) -> None:
    sandbox.git("checkout", "-q", "-b", "side")
    sandbox.write({"dev/side.env": sandbox.encrypt("dev/side.env", "X=1\n", "alice", "bob", "carol")})
    sandbox.commit()
    sandbox.git("checkout", "-q", "main")
    assert _states(sandbox)["dev/side.env X"] == "deleted"


def test_the_plan_for_a_leaver_lists_the_live_values_with_owners_and_dates(sandbox: Sandbox) -> None:
    plan = sandbox.plan("remove", subject="bob")
    tasks = {task.what: (task.owner, task.due) for task in plan.tasks}
    assert tasks["change at their source, and then in prod/db.yaml: stringData.password, stringData.user"] == (
        "test@example.org",
        "2026-12-01",
    )
    assert not any("hunter2" in task.what for task in plan.tasks)
