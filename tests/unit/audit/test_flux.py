"""`check --as flux` over repositories whose fate at the real controller is known; `tests/proofs/test_flux.py` compares."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from secretsync import age, sops
from secretsync.audit.flux import check_flux
from secretsync.documents.stores import store_named
from secretsync.masterkeys import MasterKeys
from secretsync.sops.selectors import Selector
from tests.proofs.flux_layouts import LAYOUTS, VALUE, Files, Maker

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 1, 1, tzinfo=UTC)
IDENTITY = age.generate()
KEYS = MasterKeys({"SOPS_AGE_KEY": IDENTITY.expose()})


def encrypt(content: bytes, store: str, kind: str, pattern: str) -> bytes:
    source = store_named(store).load(content)
    selector = Selector(kind, pattern) if kind else None
    return sops.encrypt(source, groups=[[("age", str(IDENTITY))]], keys=KEYS, now=NOW, selector=selector)


def written(root: Path, files: Files) -> str:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    return str(root)


def said(root: str, keys: MasterKeys | None = KEYS, **options: list[str]) -> dict[str, str]:
    found = check_flux(root, keys=keys, **options)
    for finding in found:
        assert VALUE not in finding.message
        assert "ENC[AES256_GCM,data" not in finding.message
    named = [each for each in found if each.rule != "flux-unverified"]
    files = {each.file.removeprefix(f"{root}/"): each.rule.removeprefix("flux-") for each in named}
    assert len(files) == len(named), "one finding a file"
    return files


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_layout_gets_the_verdicts_that_the_controller_bears_out(name: str, tmp_path: Path) -> None:
    layout = LAYOUTS[name]
    assert said(written(tmp_path, layout.files(Maker(encrypt, "flux-system")))) == layout.says
