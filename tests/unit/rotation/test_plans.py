"""Plans as they lie on disk: what one version wrote, the next one goes on with."""

from __future__ import annotations

import json

from secretsync.rotation.model import dump, parse
from tests.unit.rotation.repositories import Sandbox


def test_a_plan_from_before_items_of_sealed_secrets_were_named_is_the_same_plan(sandbox: Sandbox) -> None:
    plan = sandbox.plan("remove", subject="bob")
    values = json.loads(dump(plan))
    files = [file for phase in values["phases"] for file in phase["files"]]
    assert files
    for file in files:
        assert file.pop("sealed") == []
    assert parse(json.dumps(values).encode(), "plan.json") == plan
