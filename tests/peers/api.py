"""A small client of a Kubernetes API server: what the tests need to put objects in and to see what became of them."""

from __future__ import annotations

import functools
import json
import ssl
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Final, TypeVar

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

T = TypeVar("T")
_COLLECTIONS: Final = {
    "Namespace": "/api/v1/namespaces",
    "Secret": "/api/v1/namespaces/{namespace}/secrets",
    "ConfigMap": "/api/v1/namespaces/{namespace}/configmaps",
    "Service": "/api/v1/namespaces/{namespace}/services",
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{namespace}/networkpolicies",
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "SealedSecret": "/apis/bitnami.com/v1alpha1/namespaces/{namespace}/sealedsecrets",
    "GitRepository": "/apis/source.toolkit.fluxcd.io/v1/namespaces/{namespace}/gitrepositories",
    "Kustomization": "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{namespace}/kustomizations",
}


class ApiError(AssertionError):
    """The API server refused; `status` is its HTTP code."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"HTTP {status}: {message}")
        self.status = status


class Api:
    """One API server, as the user whose token it carries."""

    def __init__(self, url: str, *, ca_file: Path, token: str) -> None:
        self.url = url
        self.ca_file = ca_file
        self.token = token

    def call(self, method: str, path: str, body: object = None, *, content: str = "application/json") -> Any:
        """Send one request and return the JSON (or text) of the answer.

        Raises:
            ApiError: the answer is no 2xx.
        """
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": content},
        )
        context = ssl.create_default_context(cafile=str(self.ca_file))
        try:
            with urllib.request.urlopen(request, context=context, timeout=30) as answer:
                text = answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                raise ApiError(refused.code, refused.read().decode(errors="replace")) from None
        return json.loads(text) if text.startswith("{") else text

    def answers(self, path: str = "/readyz") -> bool:
        """Whether `path` answers with 2xx now; a server that is not there yet does not."""
        try:
            self.call("GET", path)
        except (ApiError, OSError):
            return False
        return True

    def apply(self, manifest: Mapping[str, Any], *, manager: str = "tests") -> dict[str, Any]:
        """Apply an object on the server's side and return what it has become."""
        path = f"{path_of(manifest)}?fieldManager={manager}&force=true"
        applied: dict[str, Any] = self.call("PATCH", path, manifest, content="application/apply-patch+yaml")
        return applied

    def get(self, kind: str, name: str, namespace: str = "default") -> dict[str, Any] | None:
        """Return an object, or None where there is none."""
        try:
            found: dict[str, Any] = self.call("GET", f"{_COLLECTIONS[kind].format(namespace=namespace)}/{name}")
        except ApiError as refused:
            if refused.status == 404:
                return None
            raise
        return found

    def list(self, kind: str, namespace: str = "default") -> list[dict[str, Any]]:
        """Return all objects of a kind in a namespace."""
        items: list[dict[str, Any]] = self.call("GET", _COLLECTIONS[kind].format(namespace=namespace))["items"]
        return items

    def delete(self, kind: str, name: str, namespace: str = "default") -> None:
        """Delete an object."""
        self.call("DELETE", f"{_COLLECTIONS[kind].format(namespace=namespace)}/{name}")

    def create_namespace(self, name: str) -> None:
        """Create a namespace, unless it is there."""
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})

    def install_crds(self, folder: Path) -> None:
        """Create the kinds of each CRD file of `folder` and wait until the server offers them."""
        for file in sorted(folder.glob("*.yaml")):
            for crd in yaml.safe_load_all(file.read_text()):
                spec = crd["spec"]
                self.apply(crd)
                for version in (v["name"] for v in spec["versions"] if v["served"]):
                    wait_for(functools.partial(self._offers, spec["group"], version, spec["names"]["plural"]))

    def _offers(self, group: str, version: str, plural: str) -> bool:
        try:
            resources = self.call("GET", f"/apis/{group}/{version}")["resources"]
        except ApiError:
            return False
        return any(resource["name"] == plural for resource in resources)


def path_of(manifest: Mapping[str, Any]) -> str:
    """Return the API path of an object."""
    metadata = manifest["metadata"]
    folder = _COLLECTIONS[manifest["kind"]].format(namespace=metadata.get("namespace", "default"))
    return f"{folder}/{metadata['name']}"


def wait_for(probe: Callable[[], T | None], *, seconds: float = 30) -> T:
    """Return the first truthy answer of `probe`.

    Raises:
        AssertionError: there was none in time; the message holds the last one.
    """
    deadline = time.monotonic() + seconds
    while not (answer := probe()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s; last answer {answer!r}")
        time.sleep(0.05)
    return answer
