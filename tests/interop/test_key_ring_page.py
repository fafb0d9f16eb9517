"""The commands of docs/how-to/key-ring.md, run one after the other as a reader would, with the real age."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "key-ring.md"


def test_the_page_works_from_top_to_bottom(peer: Callable[[str], Path], tmp_path: Path) -> None:
    commands = re.findall(r"^\$ (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(commands) > 15
    work = tmp_path / "work"
    work.mkdir()
    places = [str(Path(sys.executable).parent), str(peer("age").parent), os.environ["PATH"]]
    environment = {
        "PATH": os.pathsep.join(places),
        "HOME": str(tmp_path),
        **{
            f"GIT_{role}_{field}": "alice@example.org"
            for role in ("AUTHOR", "COMMITTER")
            for field in ("NAME", "EMAIL")
        },
    }
    outcome = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(commands)],
        cwd=work, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "+ bob-laptop of bob" in outcome.stdout
    assert "retired-recipient" in outcome.stdout
    assert outcome.stdout.rstrip().endswith("0 findings")
