"""Two clusters in one repository, each with the real controller and keys of its own; one is sealed anew.

The old key is in the encrypted backup alone: what the controllers open afterwards, they open with what they have now.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
import yaml

from tests.e2e.test_sealing_keys import _add_key
from tests.peers import run
from tests.peers.api import wait_for
from tests.peers.sealed_controller import SealedController
from tests.peers.sealed_controller import sealed_controller as running
from tests.unit.rotation.repositories import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.peers import Completed
    from tests.peers.api import Api
    from tests.peers.control_plane import ControlPlane

PROD, STAGING, SHOP = "two-prod", "two-staging", "two-shop"
WIDE: Final = "sealedsecrets.bitnami.com/cluster-wide"
SCOPES: Final = ("strict", "namespace-wide", "cluster-wide")


class Clusters:
    """The repository of both, and the keys that each controller's namespace holds."""

    def __init__(self, api: Api, kubeseal: Path, sandbox: Sandbox, kubeconfig: Path) -> None:
        self.api = api
        self.sandbox = sandbox
        self._kubeseal = kubeseal
        self._environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(sandbox.root.parent),
            "SOPS_AGE_KEY_FILE": str(sandbox.key_file("alice")),
            "KUBECONFIG": str(kubeconfig),
        }

    def secretsync(self, *arguments: object, code: int | None = 0) -> Completed:
        command = [sys.executable, "-m", "secretsync.cli", *arguments]
        ended = run(command, env=self._environ, cwd=self.sandbox.root, check=False)
        assert code is None or ended.code == code, ended.stderr
        return ended

    def add_key(self, namespace: str, name: str, *, days: int) -> Path:
        """Add a sealing key to a controller's namespace, and return its certificate."""
        self.api.create_namespace(namespace)
        _add_key(self.api, name, days=days, namespace=namespace)
        stored = self.api.get("Secret", name, namespace)
        assert stored is not None
        path = self.sandbox.root.parent / f"{name}.crt"
        path.write_bytes(base64.b64decode(stored["data"]["tls.crt"]))
        return path

    def seal(self, certificate: Path, name: str, value: str, *, scope: str = "strict") -> Any:
        """Return what the real kubeseal makes of a Secret."""
        metadata = {"name": name, "namespace": SHOP}
        plain = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": {"password": value}}
        command = [self._kubeseal, "--cert", certificate, "--scope", scope, "-o", "json"]
        return json.loads(run(command, stdin=json.dumps(plain).encode()).stdout)

    def written(self, path: str) -> Any:
        return yaml.safe_load((self.sandbox.root / path).read_text())


@pytest.fixture
def clusters(control_plane: ControlPlane, peer: Callable[[str], Path], tmp_path: Path) -> Iterator[Clusters]:
    sandbox = Sandbox(tmp_path / "shop")
    sandbox.fill()
    prod = sandbox.ring()["keys/clusters/prod.yaml"]
    other = prod.replace("prod", "staging").replace(sandbox.recipient("prod"), sandbox.recipient("dave"))
    sandbox.change_ring({"keys/clusters/staging.yaml": other})
    found = Clusters(control_plane.api, peer("kubeseal"), sandbox, control_plane.kubeconfig)
    yield found
    for namespace in (PROD, STAGING):
        for each in found.api.list("Secret", namespace):
            found.api.delete("Secret", each["metadata"]["name"], namespace)


@pytest.fixture
def controllers(
    clusters: Clusters, control_plane: ControlPlane, peer: Callable[[str], Path], tmp_path: Path
) -> Callable[[], contextlib.AbstractContextManager[tuple[SealedController, SealedController]]]:
    """Return what runs both controllers with the keys that are there by then."""

    @contextlib.contextmanager
    def start() -> Iterator[tuple[SealedController, SealedController]]:
        clusters.api.create_namespace(SHOP)
        folders = [tmp_path / name for name in (PROD, STAGING)]
        for folder in folders:
            folder.mkdir()
        with (
            running(peer, control_plane, folders[0], namespace=PROD) as prod,
            running(peer, control_plane, folders[1], namespace=STAGING, alone=True) as staging,
        ):
            yield prod, staging

    return start


def moved(sealed: Any, **metadata: str) -> Any:
    return {**sealed, "metadata": {**sealed["metadata"], **metadata}}


class Repository(NamedTuple):
    """What lies in the repository: the items of each cluster by path, and how one of them is sealed anew."""

    ours: dict[str, Any]
    theirs: dict[str, Any]
    certificates: tuple[Path, Path]
    options: tuple[Any, ...]


NAMES: Final = tuple(f"prod/{scope}.sealed.yaml" for scope in SCOPES)
TEMPLATED: Final = "prod/templated.sealed.yaml"


@pytest.fixture
def repository(clusters: Clusters) -> Repository:
    """Return the items of both clusters, under the same names, and a backup that alone has the old key of prod."""
    sandbox, secretsync = clusters.sandbox, clusters.secretsync
    old = clusters.add_key(PROD, "two-old", days=2000)
    other = clusters.add_key(STAGING, "two-theirs", days=2000)
    for cluster, certificate in (("prod", old), ("staging", other)):
        secretsync("keys", "pin", cluster, certificate)
    pairs = tuple(zip(NAMES, SCOPES, strict=True))
    ours = {path: clusters.seal(old, scope, f"PROD-{scope}", scope=scope) for path, scope in pairs}
    ours[TEMPLATED] = clusters.seal(old, "templated", "PROD-templated")
    template = ours[TEMPLATED]["spec"]["template"]
    template["metadata"]["annotations"] = {WIDE: "true"}
    template["data"] = {"url": "https://shop:{{ .password }}@db"}
    theirs = {f"staging/{scope}.yaml": clusters.seal(other, scope, "STAGING", scope=scope) for scope in SCOPES}
    sandbox.write({path: yaml.safe_dump(each) for path, each in (ours | theirs).items()})
    trap = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "strict", "namespace": SHOP}}
    plain = yaml.safe_dump({**trap, "stringData": {"password": "STAGING"}})
    sandbox.write({"prod/strict.enc.yaml": sandbox.encrypt("prod/strict.enc.yaml", plain, "alice", "bob", "prod")})
    sandbox.commit()
    new = clusters.add_key(PROD, "two-new", days=4000)
    backup = sandbox.root.parent / "backup.enc.yaml"
    kept = ("--controller-namespace", PROD, "--age", sandbox.recipient("alice"), "-w", backup)
    secretsync("sealing-keys", "backup", *kept)
    clusters.api.delete("Secret", "two-old", PROD)
    assert "two-old" in secretsync("sealing-keys", "backup", *kept, code=11).stderr
    return Repository(ours, theirs, (old, other), ("prod", "--certificate", new, "--private-keys", backup))


def test_forged_widened_and_foreign_items_are_problems_before_anything_is_written(
    clusters: Clusters, repository: Repository
) -> None:
    old, other = repository.certificates
    widened, forged = clusters.seal(old, "widened", "PROD"), clusters.seal(old, "forged", "PROD")
    widened["metadata"]["annotations"] = {WIDE: "true"}
    forged["spec"]["encryptedData"]["password"] = base64.b64encode(b"junk" * 200).decode()
    bad = {"forged": forged, "widened": widened, "foreign": clusters.seal(other, "foreign", "STAGING")}
    clusters.sandbox.write({f"prod/{name}.sealed.yaml": yaml.safe_dump(each) for name, each in bad.items()})
    clusters.sandbox.commit()
    for verb in (("plan",), ("apply", "--yes")):
        refused = clusters.secretsync("runbook", "reseal", verb[0], *repository.options, *verb[1:], code=None)
        assert refused.code not in (0, 70)
        told = refused.stdout.decode() + refused.stderr
        assert [name for name in bad if f"prod/{name}.sealed.yaml" not in told] == []
    assert clusters.sandbox.git("branch", "--list", "secretsync/*") == ""


def test_each_controller_opens_its_own_clusters_items_and_no_others(
    clusters: Clusters, repository: Repository, controllers: Any
) -> None:
    sandbox, secretsync, (ours, theirs, *_) = clusters.sandbox, clusters.secretsync, repository
    secretsync("runbook", "reseal", "apply", *repository.options, "--yes")
    branch = sandbox.git("branch", "--format=%(refname:short)", "--list", "secretsync/*")
    changed = sandbox.git("diff", "--name-only", f"HEAD..{branch}").splitlines()
    assert {path for path in changed if not path.startswith(("keys/", "."))} == set(ours)
    sandbox.git("merge", "-q", "--ff-only", branch)
    after = {path: clusters.written(path) for path in ours | theirs}
    with controllers() as (prod, staging):
        assert [path for path, each in after.items() if prod.opens(each)] == list(ours)
        assert [path for path, each in after.items() if staging.opens(each)] == list(theirs)
        assert [path for path, each in ours.items() if prod.opens(each)] == []
        places = ({"name": "other"}, {"namespace": "other"})
        opened = {path: [prod.opens(moved(after[path], **place)) for place in places] for path in ours}
        assert [*opened.values()] == [[False, False], [True, False], [True, True], [False, False]]
        for path in ours:
            clusters.api.apply(after[path])
        for name in (*SCOPES, "templated"):
            secret = wait_for(partial(clusters.api.get, "Secret", name, SHOP))
            assert base64.b64decode(secret["data"]["password"]).decode() == f"PROD-{name}"
    for namespace, own, foreign in ((PROD, ours, theirs), (STAGING, theirs, ours)):
        proof = ("sealing-keys", "prove", "--controller-namespace", namespace)
        assert secretsync(*proof, *own).stdout.startswith(f"{len(own)} items of {len(own)} ".encode())
        assert secretsync(*proof, *foreign, code=8).stderr.count("no key opens it") == len(foreign)
