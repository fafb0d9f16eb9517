"""What one more file costs a runbook, counted: waits for the disk, programs, parses, questions to git, and digests.

Counts are the same on every machine; `benchmarks` has the times.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from secretsync import programs
from secretsync.documents.yaml import loading
from secretsync.git import Repository
from secretsync.git.objects import ObjectReader
from secretsync.masterkeys import MasterKeys
from secretsync.rotation import model
from secretsync.rotation.run import RunbookRun
from secretsync.rotation.scenario import scenario_named
from secretsync.sops import values
from tests.unit.rotation.repositories import NOW, Sandbox

FEW, MANY = 4, 16
SECRET: Final = "kind: Secret\nmetadata: {{name: s{0}}}\nstringData:\n  user: u{0}\n  password: p-{0}-9Hd72\n"

COUNTED: Final[dict[str, tuple[Any, str]]] = {
    "waits for the disk": (os, "fsync"),
    "programs": (programs, "start"),
    "digests": (model, "sha256"),
    "parses": (loading, "load"),
    "questions to git": (ObjectReader, "ask"),
    "envelopes made": (MasterKeys, "wrap"),
    "envelopes opened": (MasterKeys, "unwrap"),
    "values opened": (values, "decode"),
}


def _counting(patch: pytest.MonkeyPatch, counts: Counter[str], name: str) -> None:
    owner, attribute = COUNTED[name]
    real: Callable[..., Any] = getattr(owner, attribute)

    def counted(*arguments: Any, **named: Any) -> Any:
        counts[name] += 1
        return real(*arguments, **named)

    patch.setattr(owner, attribute, counted)


def _left(folder: Path, files: int, patch: pytest.MonkeyPatch) -> Counter[str]:
    """Let bob leave a repository of so many files, all in this process, and return what that took."""
    sandbox = Sandbox(folder / "shop")
    sandbox.fill({f"prod/s{number:02}.yaml": SECRET.format(number) for number in range(files)})
    counts: Counter[str] = Counter()
    with patch.context() as counting:
        for name in COUNTED:
            _counting(counting, counts, name)
        with RunbookRun(Repository.containing(sandbox.root), sandbox.keys()) as run:
            plan = run.plan(scenario_named("remove"), {"subject": "bob"}, now=NOW)
            evidence = run.apply(plan)
    assert len(evidence["files"]) == files
    assert all(check["status"] != "failed" for check in evidence["checks"])
    return counts


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, float]]:
    """Return what a run of few files took, and what each file more."""
    patch = pytest.MonkeyPatch()
    few = _left(tmp_path_factory.mktemp("few"), FEW, patch)
    many = _left(tmp_path_factory.mktemp("many"), MANY, patch)
    return {name: (few[name], (many[name] - few[name]) / (MANY - FEW)) for name in COUNTED}


@pytest.mark.parametrize("name", ["waits for the disk", "programs", "digests", "questions to git"])
def test_one_more_file_takes_no_more_of_what_a_run_pays_once(costs: dict[str, tuple[int, float]], name: str) -> None:
    assert costs[name][1] == 0


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("parses", 2),  # as it was, and the bytes that were written
        ("envelopes made", 2.1),  # alice and the cluster stay; a few more for the run
        ("envelopes opened", 3 + 2 + 1),  # tried until one opens: as it was, as it is; and by each identity alone
        ("values opened", 3 * 3),  # as it was, before it is written, and as it was written: two values and the MAC
    ],
)
def test_one_more_file_takes_no_more_than_it_has_to(costs: dict[str, tuple[int, float]], name: str, most: int) -> None:
    assert 0 < costs[name][1] <= most


def test_a_run_pays_once_for_what_it_pays_once(costs: dict[str, tuple[int, float]]) -> None:
    assert costs["digests"][0] <= 3, "of the plan that was made, and of the one that was kept"
    assert costs["waits for the disk"][0] <= 24
    assert costs["programs"][0] <= 80
