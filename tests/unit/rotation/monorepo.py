"""A monorepo: two teams in one repository, each with a key ring and files of its own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from secretsync.git import Repository
from secretsync.keyring import Snapshot
from secretsync.keyring.editing import regenerated
from secretsync.rotation.run import RunbookRun
from secretsync.rotation.scenario import scenario_named
from tests.unit.rotation.repositories import FILES, READERS, Sandbox

if TYPE_CHECKING:
    from secretsync.rotation.model import Plan

A, B = "team-a", "team-b"
FOLDED: Final = [f"{A}/{path}" for path in FILES]
AT: Final = datetime(2026, 11, 27, 12, tzinfo=UTC)


def fill(sandbox: Sandbox) -> None:
    """Commit the same ring and files in the folders of both teams."""
    ring = sandbox.ring()
    following = regenerated(Snapshot({path: text.encode() for path, text in ring.items()}), {}, today=AT.date())
    for team in (A, B):
        sandbox.write({f"{team}/{path}": data for path, data in {**ring, **following}.items() if data is not None})
        for path, text in FILES.items():
            data = sandbox.encrypt(path, text, *READERS[path.partition("/")[0]])
            sandbox.write({f"{team}/{path}": data})
    sandbox.write({"README.md": "Two teams.\n"})
    sandbox.commit("begin")


def standing(sandbox: Sandbox, *, who: str = "alice", within: str = A) -> RunbookRun:
    """Return what the verbs work with, as somebody who stands in a folder; the root is an empty text."""
    return RunbookRun(Repository.containing(sandbox.root).below(within), sandbox.keys(who))


def planned(run: RunbookRun, scenario: str = "remove", *, allow_partial: bool = False, **given: str) -> Plan:
    """Make a plan."""
    return run.plan(scenario_named(scenario), given, allow_partial=allow_partial)


def statuses(checks: list[Any]) -> dict[str, str]:
    """Return the status of each check."""
    return {check.id: check.status for check in checks}
