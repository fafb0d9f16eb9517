"""The commands of docs/how-to/runbooks, run page by page as a reader would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from secretsync.rotation.scenario import SCENARIOS
from tests.unit.rotation.repositories import FILES, Sandbox
from tests.unit.rotation.test_resealing import key_pem, sealed_manifest

FOLDER = Path(__file__).parents[2] / "docs" / "how-to" / "runbooks"
PAGES = sorted(path.name for path in FOLDER.glob("*.md"))


def _for_add(sandbox: Sandbox) -> None:
    policy = sandbox.ring()["keys/policy.yaml"].replace("[alice, bob, carol]", "[alice, bob, carol, group:readers]")
    sandbox.change_ring({"keys/policy.yaml": policy, "keys/groups.yaml": "groups:\n  readers: {members: [carol]}\n"})


def _for_align(sandbox: Sandbox) -> None:
    sandbox.write(
        {"dev/app.env": sandbox.encrypt("dev/app.env", FILES["dev/app.env"], "alice", "bob", "carol", "prod")}
    )
    sandbox.commit()


def _for_reseal(sandbox: Sandbox) -> None:
    sandbox.write({"prod/db.sealed.yaml": sealed_manifest()})
    certificate, new = key_pem("new")
    (sandbox.root.parent / "new.crt").write_text(certificate)
    (sandbox.root.parent / "sealing-keys.pem").write_text(new + key_pem("old")[1])
    sandbox.commit()


PREPARATIONS = {"add.md": _for_add, "align.md": _for_align, "reseal.md": _for_reseal}


def test_every_runbook_has_a_page_and_the_overview_leads_to_it() -> None:
    assert {f"{name}.md" for name in SCENARIOS} == set(PAGES) - {"README.md"}
    assert all(
        f"({page})" in (FOLDER / "README.md").read_text(encoding="utf-8") for page in PAGES if page != "README.md"
    )


@pytest.mark.parametrize("page", PAGES)
def test_the_page_works_from_top_to_bottom(tmp_path: Path, page: str) -> None:
    sandbox = Sandbox(tmp_path / "shop")
    sandbox.fill()
    PREPARATIONS.get(page, lambda _: None)(sandbox)
    commands = re.findall(r"^\$ (.*)$", (FOLDER / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert len(commands) > 1
    environment = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(tmp_path),
        "SOPS_AGE_KEY_FILE": str(sandbox.key_file("alice")),
    }
    outcome = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(commands)],
        cwd=sandbox.root, env=environment, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "internal error" not in outcome.stderr
