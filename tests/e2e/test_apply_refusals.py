"""What `apply` and `diff` say where a real API server refuses, where managers meet, and where the connection breaks off."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import pytest

from tests.peers.forwarder import forwarder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.peers import Completed
    from tests.peers.api import Api
    from tests.peers.control_plane import ControlPlane
    from tests.peers.forwarder import Forwarder

NAMESPACE: Final = "refusals"
TYPE: Final = "type cannot change once the object is there"
ENV: Final = "spec.template.spec.containers[0].env[0]"
CANARY: Final = "canary-hunter2"
Object: TypeAlias = "dict[str, Any]"


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def secret(name: str, **fields: Any) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": NAMESPACE}, **fields}


def settings(name: str, namespace: str = NAMESPACE, **fields: Any) -> Object:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, **fields}


def written(folder: Path, *objects: Object) -> Path:
    """Write the objects into a folder of their own, one file each, in this order."""
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    for number, each in enumerate(objects):
        (folder / f"{number:02}.json").write_text(json.dumps(each))
    return folder


@pytest.fixture(scope="module")
def door(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forwarder]:
    with forwarder(control_plane, tmp_path_factory.mktemp("forwarder")) as running:
        yield running


@pytest.fixture
def secretsync(
    door: Forwarder, api: Api, in_process: Callable[..., Completed], tmp_path: Path
) -> Callable[..., Completed]:
    """Return a function that runs `secretsync` through the forwarder; nothing that it says holds a value."""
    api.create_namespace(NAMESPACE)
    door.arm(None)

    def call(verb: str, *arguments: object, code: int = 0) -> Completed:
        ended = in_process(verb, "--kubeconfig", door.kubeconfig, *arguments, env={"HOME": str(tmp_path)})
        assert ended.code == code, ended.stderr
        for value in (CANARY, coded(CANARY), coded(CANARY)[:12]):
            assert value not in ended.stdout.decode() + ended.stderr
        return ended

    return call


@pytest.fixture
def api(control_plane: ControlPlane) -> Api:
    return control_plane.api


def data_of(api: Api, name: str) -> dict[str, str]:
    live = api.get("Secret", name, NAMESPACE)
    assert live is not None
    return {key: base64.b64decode(value).decode() for key, value in live["data"].items()}


def test_a_key_that_left_the_source_leaves_the_cluster(
    secretsync: Callable[..., Completed], api: Api, tmp_path: Path
) -> None:
    folder = written(tmp_path / "in", secret("keys", data={"c": coded("3")}, stringData={"a": "1", "b": "2"}))
    secretsync("apply", folder)
    assert data_of(api, "keys") == {"a": "1", "b": "2", "c": "3"}
    written(folder, secret("keys", stringData={"a": CANARY}))
    shown = secretsync("diff", folder, code=1).stdout.decode()
    assert [line[:5].strip() for line in shown.splitlines() if line[:4] in ("-  b", "-  c")] == ["-  b:", "-  c:"]
    assert secretsync("apply", folder).stdout == b"secret/keys in refusals configured\n"
    assert data_of(api, "keys") == {"a": CANARY}
    assert secretsync("apply", folder).stdout == b"secret/keys in refusals unchanged\n"
    written(folder, secret("keys", stringData={}))
    secretsync("apply", folder)
    assert "data" not in (api.get("Secret", "keys", NAMESPACE) or {})


@pytest.mark.parametrize("field", ["data", "stringData"])
def test_the_value_of_another_manager_is_refused_however_it_was_written(
    secretsync: Callable[..., Completed], api: Api, tmp_path: Path, field: str
) -> None:
    name = f"owned-by-{field.lower()}"
    theirs = coded("theirs") if field == "data" else "theirs"
    api.apply(secret(name, **{field: {"password": theirs}}), manager="somebody")
    folder = written(tmp_path / "in", secret(name, stringData={"password": CANARY, "user": "me"}))
    for verb in ("apply", "diff"):
        refused = secretsync(verb, folder, code=9).stderr.splitlines()
        assert refused[0].startswith(f"secretsync: error: Secret {NAMESPACE}/{name}: the server refuses: ")
        assert "data.password" in refused[0]
        assert "somebody" in refused[0]
        assert "--force-conflicts" in refused[1]
    assert data_of(api, name) == {"password": "theirs"}
    secretsync("apply", "--force-conflicts", folder)
    assert data_of(api, name) == {"password": CANARY, "user": "me"}
    secretsync("apply", folder)


def test_a_value_that_somebody_wrote_over_ours_by_string_data_is_refused(
    secretsync: Callable[..., Completed], api: Api, tmp_path: Path
) -> None:
    """The server lets it through, and sees no conflict afterwards either."""
    folder = written(tmp_path / "in", secret("overwritten", stringData={"password": CANARY}))
    secretsync("apply", folder)
    api.apply(secret("overwritten", stringData={"password": "theirs"}), manager="somebody")
    assert "somebody" in secretsync("apply", folder, code=9).stderr
    assert data_of(api, "overwritten") == {"password": "theirs"}


def test_every_refused_object_is_told_with_field_and_cause_and_nothing_is_applied(
    secretsync: Callable[..., Completed], api: Api, tmp_path: Path
) -> None:
    api.apply(secret("fixed", data={"a": coded("x")}, immutable=True), manager="secretsync")
    api.apply(secret("typed", data={"a": coded("x")}, type="Opaque"), manager="secretsync")
    api.apply(settings("owned", data={"a.b": "theirs", "c": "theirs"}), manager="somebody")
    nothing = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "web", "image": "x"}]}}
    nothing["spec"]["containers"][0]["env"] = [{"name": "A", "value": 5}]  # type: ignore[index]
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": NAMESPACE}}
    folder = written(
        tmp_path / "in",
        settings("fine"),
        secret("fixed", stringData={"a": CANARY}, immutable=True),
        secret("typed", stringData={"a": CANARY}, type="kubernetes.io/tls"),
        secret("base64", data={"a": f"{CANARY}!"}),
        secret("number", stringData={"a": 12345}),
        secret("docker", stringData={".dockerconfigjson": CANARY}, type="kubernetes.io/dockerconfigjson"),
        settings("Name"),
        settings("unknown", dtaa={"a": CANARY}),
        settings("list", data={"a": [CANARY]}),
        settings("owned", data={"a.b": CANARY, "c": CANARY}),
        settings("elsewhere", "nowhere"),
        {**deployment, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": nothing}},
        {"apiVersion": "example.com/v1", "kind": "Unknown", "metadata": {"name": "a"}},
    )
    lines = [
        f"Secret {NAMESPACE}/fixed: the server refuses: data cannot change, because the object is immutable",
        f"Secret {NAMESPACE}/typed: the server refuses: {TYPE}; data.tls.crt is required; data.tls.key is required",
        f"Secret {NAMESPACE}/base64 data.a: not valid base64 (standard alphabet, padded)",
        f"Secret {NAMESPACE}/number stringData.a: a number where a string is due; put it in quotes",
        f"Secret {NAMESPACE}/docker: the server refuses: data..dockerconfigjson has a value that is not valid",
        f"ConfigMap {NAMESPACE}/Name: the server refuses: metadata.name must be a lowercase RFC 1123 subdomain",
        f"ConfigMap {NAMESPACE}/unknown: the server refuses: dtaa is no field of this kind",
        f"ConfigMap {NAMESPACE}/list: the server refuses: data.a must be a string",
        f'ConfigMap {NAMESPACE}/owned: the server refuses: data.a.b, data.c belong to another manager, "somebody"',
        "ConfigMap nowhere/elsewhere: the server refuses: its namespace does not exist",
        f"Deployment {NAMESPACE}/web: the server refuses: {ENV}.value must be a string",
        "Unknown a: the cluster knows no kind 'Unknown' of 'example.com/v1'",
    ]
    for verb, end in (("apply", "12 of 13 objects are refused, and nothing was applied"), ("diff", "12 of 13 objects")):
        refused = secretsync(verb, folder, code=9)
        assert refused.stdout == b""
        told = [line.removeprefix("secretsync: error: ") for line in refused.stderr.splitlines() if " error: " in line]
        assert told[:-1] == lines
        assert told[-1].startswith(end)
    assert api.get("ConfigMap", "fine", NAMESPACE) is None


def test_what_waits_for_a_namespace_of_the_input_is_tried_before_anything_else_is_applied(
    secretsync: Callable[..., Completed], api: Api, tmp_path: Path
) -> None:
    folder = written(
        tmp_path / "in",
        settings("before"),
        settings("fine", "refusals-new"),
        settings("Wrong", "refusals-new"),
        settings("Bad", "refusals-new"),
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "refusals-new"}},
    )
    refused = secretsync("apply", folder, code=9)
    assert refused.stdout == b"namespace/refusals-new created\n"
    assert [name for name in ("Wrong", "Bad") if f"/{name}: the server refuses: metadata.name" in refused.stderr]
    assert refused.stderr.splitlines()[-5:] == [
        "secretsync: not applied: configmap/before in refusals",
        "secretsync: not applied: configmap/fine in refusals-new",
        "secretsync: not applied: configmap/Wrong in refusals-new",
        "secretsync: not applied: configmap/Bad in refusals-new",
        "secretsync: error: 2 of 5 objects are refused",
    ]
    assert api.get("ConfigMap", "before", NAMESPACE) is None


@pytest.mark.parametrize("hands_on", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", [1, 3])
def test_where_the_connection_breaks_off_it_is_told_what_is_applied_and_what_is_not(
    secretsync: Callable[..., Completed], door: Forwarder, api: Api, tmp_path: Path, at: int, hands_on: bool
) -> None:
    names = [f"{'after' if hands_on else 'before'}-{at}-{number}" for number in range(4)]
    folder = written(tmp_path / "in", *(settings(name, data={"a": CANARY}) for name in names))
    door.arm(at, hands_on=hands_on)
    broken = secretsync("apply", folder, code=9)
    done = [f"configmap/{name} in refusals" for name in names]
    assert broken.stdout.decode().splitlines() == [f"{place} created" for place in done[: at - 1]]
    told = [line.removeprefix("secretsync: ") for line in broken.stderr.splitlines()]
    assert told[: 5 - at] == [
        f"sent, and nobody knows whether it was applied: {done[at - 1]}",
        *(f"not applied: {place}" for place in done[at:]),
    ]
    assert told[5 - at].startswith(f"error: ConfigMap refusals/{names[at - 1]}: cannot reach the cluster")
    present = [api.get("ConfigMap", name, NAMESPACE) is not None for name in names]
    assert present == [number < at - (not hands_on) for number in range(4)]


TWICE: Final = {
    "the same": (settings("twice"), settings("twice")),
    "a namespace by default": (settings("twice"), {**settings("twice"), "metadata": {"name": "twice"}}),
    "another version": (
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "twice"}},
        {"apiVersion": "apps/v1beta1", "kind": "Deployment", "metadata": {"name": "twice"}},
    ),
    "of no namespace": (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "twice", "namespace": "a"}},
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "twice", "namespace": "b"}},
    ),
    "in a list": (settings("twice"), {"apiVersion": "v1", "kind": "List", "items": [settings("twice")]}),
}


@pytest.mark.parametrize(("verb", "case"), [*(("apply", case) for case in TWICE), ("diff", "of no namespace")])
def test_an_object_that_stands_twice_is_refused_before_anything_is_sent(
    secretsync: Callable[..., Completed], door: Forwarder, tmp_path: Path, verb: str, case: str
) -> None:
    refused = secretsync(verb, "-n", NAMESPACE, written(tmp_path / "in", *TWICE[case]), code=4)
    assert refused.stdout == b""
    assert "/twice: stands twice in the input" in refused.stderr.replace(" twice:", "/twice:")
    assert not [path for method, path in door.requests if method != "GET"]


def test_objects_that_differ_in_group_kind_or_namespace_are_no_doubles(
    secretsync: Callable[..., Completed], api: Api, tmp_path: Path
) -> None:
    api.create_namespace("refusals-other")
    objects = (settings("same"), settings("same", "refusals-other"), secret("same"))
    assert len(secretsync("apply", written(tmp_path / "in", *objects)).stdout.splitlines()) == 3
