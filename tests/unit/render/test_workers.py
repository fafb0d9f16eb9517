"""Several processes give what one gives: the same bytes in the same order, and the first error."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from secretsync.errors import CiphertextFormatError
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.kinds import KINDS
from secretsync.rendering import Options, render
from secretsync.rendering.workers import LocalKeys, RemoteKeyError, wanted
from tests.unit.render.workshop import CONFIG, ENVIRON, SECRET, certificate, encrypted, rendered


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 130 files, every third encrypted."""
    folder = tmp_path_factory.mktemp("many")
    for number in range(130):
        text = SECRET.replace("db", f"db-{number}") if number % 3 == 0 else CONFIG + f"# {number}\n"
        data = encrypted(text) if number % 3 == 0 else text.encode()
        (folder / f"{number:03}.yaml").write_bytes(data)
    return folder


@pytest.fixture(autouse=True)
def _no_other_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fork as in a process without threads, whatever servers other tests have running in this one."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)


@pytest.mark.parametrize("mode", ["reveal", "seal", "redact"])
def test_several_processes_give_what_one_gives(many: Path, mode: str, tmp_path: Path) -> None:
    options = {"mode": mode, "cert_file": certificate(tmp_path, days=20)}
    alone = rendered(many, workers=1, **options)
    together = rendered(many, workers=3, **options)
    assert together.files == alone.files
    assert together.warnings == alone.warnings


def test_the_first_error_in_order_is_reported_whoever_met_it(many: Path, tmp_path: Path) -> None:
    for path in many.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    for number in (99, 66, 120):
        bad = (tmp_path / f"{number:03}.yaml").read_bytes().replace(b"password: ENC", b"password: XNC")
        (tmp_path / f"{number:03}.yaml").write_bytes(bad)
    for workers in (1, 2, 4):
        with pytest.raises(CiphertextFormatError, match=r"/066\.yaml stringData\.password"):
            rendered(tmp_path, workers=workers)


def test_no_child_outlives_the_rendering(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    children: list[int] = []
    fork = os.fork

    def recorded() -> int:
        child = fork()
        children.append(child)
        return child

    monkeypatch.setattr(os, "fork", recorded)
    rendered(many, workers=4)
    assert children
    for child in children:
        with pytest.raises(ChildProcessError):
            os.waitpid(child, os.WNOHANG)


def test_a_child_asks_no_remote_service(many: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "age", KINDS["age"]._replace(unattended=False))
    keys = MasterKeys(ENVIRON)
    with pytest.raises(RemoteKeyError):
        LocalKeys(keys).unwrap("age", {"recipient": "age1", "enc": ""})
    result = render([str(many)], Options(environ=ENVIRON, workers=3), keys=keys)
    assert len(result.pieces) == 130


@pytest.mark.parametrize(("files", "workers", "processes"), [(64, 8, 2), (31, 8, 1), (1000, 2, 2), (1000, 1, 1)])
def test_processes_are_used_where_they_pay(files: int, workers: int, processes: int) -> None:
    assert wanted(files, workers) == processes
