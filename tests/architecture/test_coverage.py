"""What tests cover is held to floors: the whole may only rise, four rooms are whole, and every exception has a reason."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "secretsync"
WHOLE = ("crypto", "age", "sops", "sealed")
"""Rooms of which every branch is taken by a test: what they get wrong, nobody notices."""


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True).stdout


def _floor(settings: str) -> float | None:
    report = tomllib.loads(settings).get("tool", {}).get("coverage", {}).get("report", {})
    floor = report.get("fail_under")
    return None if floor is None else float(floor)


def test_the_floor_never_falls() -> None:
    floor = _floor((ROOT / "pyproject.toml").read_text())
    assert floor is not None
    commits = _git("log", "--format=%H", "-G", "^fail_under", "--", "pyproject.toml").split()
    earlier = [_floor(_git("show", f"{commit}:pyproject.toml")) for commit in commits]
    assert floor >= max((one for one in earlier if one is not None), default=floor)


def test_four_rooms_are_held_to_the_whole() -> None:
    tasks = (ROOT / "Makefile").read_text()
    rooms = next(line for line in tasks.splitlines() if line.startswith("WHOLE := ")).removeprefix("WHOLE := ")
    assert rooms == ",".join(f"secretsync/{room}/*" for room in WHOLE)
    assert "--include='$(WHOLE)' --fail-under=100" in tasks


def test_ci_runs_every_folder_of_tests_once() -> None:
    tasks, ci = (ROOT / "Makefile").read_text(), (ROOT / ".ci" / "run").read_text()
    covered = next(line for line in tasks.splitlines() if line.startswith("COVERED := ")).split()[2:]
    assert "make coverage" in ci
    assert {
        word.removeprefix("--ignore=") for word in ci.replace('"', " ").split() if word.startswith("--ignore=")
    } == {*covered}


def test_what_is_left_out_has_a_reason() -> None:
    lines = [
        (str(path.relative_to(ROOT)), line.strip())
        for path in PACKAGE.rglob("*.py")
        for line in path.read_text().splitlines()
        if "pragma: no " in line
    ]
    assert lines
    assert [place for place in lines if "  # " not in place[1].partition("pragma: no ")[2]] == []
