"""Objects that left the input of `apply` since the last time are named, by a real API server's memory, and stay there."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.e2e.test_apply_refusals import secret, settings, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.peers import Completed
    from tests.peers.api import Api
    from tests.peers.control_plane import ControlPlane

CANARY: Final = "canary-hunter2"


def inside(namespace: str, *objects: Any) -> tuple[Any, ...]:
    return tuple({**each, "metadata": {**each["metadata"], "namespace": namespace}} for each in objects)


@pytest.fixture
def api(control_plane: ControlPlane) -> Api:
    return control_plane.api


@pytest.fixture
def secretsync(
    control_plane: ControlPlane, in_process: Callable[..., Completed], tmp_path: Path
) -> Callable[..., Completed]:
    def call(verb: str, *arguments: object, code: int = 0, cwd: Path | None = None) -> Completed:
        environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
        ended = in_process(verb, "--kubeconfig", control_plane.kubeconfig, *arguments, env=environ, cwd=cwd)
        assert ended.code == code, ended.stderr
        return ended

    return call


def left(ended: Completed) -> list[str]:
    mark = " was applied before, is not in the input any more"
    lines = [line.removeprefix("secretsync: warning: ") for line in ended.stderr.splitlines()]
    return [line.partition(mark)[0] for line in lines if mark in line]


def test_objects_that_left_a_folder_are_named_until_they_are_gone(
    secretsync: Callable[..., Completed], api: Api, tmp_path: Path
) -> None:
    api.create_namespace("left")
    kept, secret_gone, config_gone = inside("left", settings("a"), secret("b", stringData={"p": CANARY}), settings("c"))
    folder = written(tmp_path / "in", kept, secret_gone, config_gone)
    assert left(secretsync("apply", "-n", "left", folder)) == []
    written(folder, kept)
    expected = ["configmap/c in left", "secret/b in left"]
    shown = secretsync("diff", "-n", "left", folder)
    assert (left(shown), shown.stdout) == (expected, b"")
    for _ in range(2):
        told = secretsync("apply", "-n", "left", folder)
        assert left(told) == expected
        assert told.stdout == b"configmap/a in left unchanged\n"
    assert "kubectl delete configmap c -n left" in told.stderr
    assert api.get("Secret", "b", "left") is not None
    api.delete("Secret", "b", "left")
    api.apply(config_gone, manager="secretsync")
    (memory,) = (each for each in api.list("ConfigMap", "left") if "inventory" in each["metadata"]["name"])
    assert CANARY not in str(memory)
    assert left(secretsync("apply", "-n", "left", folder)) == ["configmap/c in left"]
    written(folder)
    (folder / "nothing.yaml").write_text("# nothing is left\n")
    assert left(secretsync("apply", "-n", "left", "--allow-empty", folder)) == ["configmap/a in left", expected[0]]
    written(folder, kept, config_gone)
    assert left(secretsync("apply", "-n", "left", folder)) == []


def test_other_inputs_and_other_managers_are_left_alone(
    secretsync: Callable[..., Completed], api: Api, tmp_path: Path
) -> None:
    """Also an object that moved to another folder, and one folder that is a part of the other."""
    api.create_namespace("several")
    one, two, moved, theirs = inside(
        "several", *(settings(name, data={"x": "y"}) for name in ("one", "two", "moved", "theirs"))
    )
    repository = tmp_path / "repository"
    (repository / "deploy").mkdir(parents=True)
    subprocess.run(["git", "init", "-q", repository], check=True)
    subprocess.run(["git", "-C", repository, "remote", "add", "origin", "https://me@x.example/a.git"], check=True)
    first, second = written(repository / "deploy" / "first", one, moved, theirs), written(tmp_path / "second", two)
    arguments = ("apply", "-n", "several")
    secretsync(*arguments, first)
    assert left(secretsync(*arguments, second)) == []
    written(first, one)
    written(second, two, moved)
    api.delete("ConfigMap", "theirs", "several")
    api.apply(theirs, manager="somebody")
    secretsync(*arguments, second)
    assert left(secretsync(*arguments, "first", cwd=repository / "deploy")) == []
    assert left(secretsync(*arguments, first.parent)) == []
    written(first, moved)
    assert left(secretsync(*arguments, first.parent)) == ["configmap/one in several"]


def test_another_clone_knows_what_was_applied(secretsync: Callable[..., Completed], api: Api, tmp_path: Path) -> None:
    api.create_namespace("clones")
    names = ("apply", "-n", "clones")
    for number, url in enumerate(["git@x.example:team/shop.git", "https://token@x.example/team/shop"]):
        clone = tmp_path / f"clone{number}"
        subprocess.run(["git", "init", "-q", clone], check=True)
        subprocess.run(["git", "-C", clone, "remote", "add", "origin", url], check=True)
        written(clone / "deploy", *inside("clones", *(settings(name) for name in ("a", "b")[: 2 - number])))
        told = left(secretsync(*names, "deploy", cwd=clone))
        assert told == ["configmap/b in clones"] * number
    assert left(secretsync(*names, "--inventory", "none", "deploy", cwd=clone)) == []


def test_a_named_inventory_serves_any_input(secretsync: Callable[..., Completed], api: Api, tmp_path: Path) -> None:
    api.create_namespace("named")
    arguments = ("apply", "-n", "named", "--inventory", "shop")
    secretsync(*arguments, written(tmp_path / "one", *inside("named", settings("a"), settings("b"))))
    assert left(secretsync(*arguments, written(tmp_path / "two", *inside("named", settings("a"))))) == [
        "configmap/b in named"
    ]
    assert api.get("ConfigMap", "secretsync-inventory-shop", "named") is not None
    secretsync("apply", "-n", "named", "--inventory", "No Name", tmp_path / "two", code=4)


def test_a_namespace_that_comes_with_the_objects_keeps_the_names(
    secretsync: Callable[..., Completed], tmp_path: Path
) -> None:
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "fresh-names"}}
    objects = inside("fresh-names", settings("a"), settings("b"))
    folder = written(tmp_path / "in", namespace, *objects)
    assert secretsync("apply", "-n", "fresh-names", folder).stderr == ""
    written(folder, namespace, objects[0])
    assert left(secretsync("apply", "-n", "fresh-names", folder)) == ["configmap/b in fresh-names"]
