"""A connection to one cluster, by kubeconfig or from inside it; every failure of the API becomes a `ClusterError`.

Objects are plain dicts, as they stand in a manifest. What the server answers is never repeated in an error, because
its messages may quote the values it refuses.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeAlias
from urllib.parse import quote

from kubernetes import client as api
from kubernetes import config
from kubernetes.config.config_exception import ConfigException

from secretsync.cluster.kubeconfig import load as load_kubeconfig
from secretsync.cluster.requests import ApiError, decoded, send
from secretsync.errors import ClusterError, UnreachableError
from secretsync.letters import DIGITS, LETTERS, consists_of
from secretsync.manifests.objects import identify

Object: TypeAlias = "dict[str, Any]"

FIELD_MANAGER: Final = "secretsync"
"""The owner of the fields that `apply` sets, unless another is named."""

_NOT_FOUND: Final = 404
_WAIT_SECONDS: Final = 30
_PAUSE_SECONDS: Final = 0.1


class Reply(NamedTuple):
    """The object as the server has it after a call."""

    object: Object

    @property
    def version(self) -> str:
        """The resource version, which changes whenever the stored object does."""
        return str(self.object.get("metadata", {}).get("resourceVersion", ""))


class _ResourceKind(NamedTuple):
    """How the API calls a kind in its paths, and whether its objects lie in namespaces."""

    plural: str
    namespaced: bool


class Cluster:
    """One cluster with one set of credentials."""

    def __init__(self, client: api.ApiClient, *, namespace: str = "default") -> None:
        self._client = client
        self._kinds: dict[str, dict[str, _ResourceKind]] = {}  # by apiVersion, then by kind
        self.namespace = namespace

    @classmethod
    def connect(
        cls, *, kubeconfig: str | None = None, context: str | None = None, namespace: str | None = None
    ) -> Cluster:
        """Return a connection by `kubeconfig` (else `$KUBECONFIG`, `~/.kube/config`), or from inside the cluster.

        `namespace` is where objects go that name none; else the context's, else `default`.

        Raises:
            ClusterError: there is no usable configuration.
        """
        try:
            settings, chosen = load_kubeconfig(kubeconfig, context)
        except (ConfigException, OSError, TypeError) as outside:
            if kubeconfig or context:
                raise ClusterError(f"cannot use the kubeconfig: {outside}", hint="kubectl config view") from None
            settings, chosen = api.Configuration(), "default"
            try:
                config.load_incluster_config(settings)
            except ConfigException:
                raise ClusterError("no cluster is configured", hint="set KUBECONFIG, or --kubeconfig FILE") from None
        return cls(api.ApiClient(settings), namespace=namespace or chosen)

    def read(self, manifest: Mapping[str, Any]) -> Reply | None:
        """Return the live object that `manifest` names, or None."""
        path, qualified = self._path(manifest)
        try:
            return Reply(self._call("GET", path))
        except ApiError as error:
            if error.code == _NOT_FOUND:
                return None
            raise error.explained(qualified) from None
        except UnreachableError as error:
            raise error.at(str(identify(qualified))) from None

    def apply(
        self, manifest: Mapping[str, Any], *, manager: str = FIELD_MANAGER, force: bool = False, dry_run: bool = False
    ) -> Reply:
        """Apply `manifest` on the server, which merges it with what others own (server-side apply).

        Raises:
            ClusterError: the server refuses, or another manager owns a field and `force` is not set.
            UnreachableError: no answer came, and nobody knows whether it was applied.
        """
        path, body = self._path(manifest)
        query = [("fieldManager", manager), ("force", str(force).lower()), ("fieldValidation", "Strict")]
        if dry_run:
            query.append(("dryRun", "All"))
        try:
            return Reply(self._call("PATCH", path, body, query, "application/apply-patch+yaml"))
        except ApiError as error:
            raise error.explained(body) from None
        except UnreachableError as error:
            raise error.at(str(identify(body))) from None

    def objects(self, version: str, kind: str, *, namespace: str, label: str = "") -> list[Object]:
        """Return the objects of a kind in a namespace, those that carry `label` where one is given.

        Raises:
            ClusterError: they may not be listed.
        """
        path = f"{_group_path(version)}/namespaces/{namespace}/{self._kind(version, kind, {}).plural}"
        try:
            items = self._call("GET", quote(path), query=[("labelSelector", label)] if label else None)["items"]
        except ApiError as error:
            raise ClusterError(f"the server refuses to list {kind}s: {error.reason}", location=namespace) from None
        return [{"apiVersion": version, "kind": kind, **item} for item in items]

    def service(self, namespace: str, name: str, path: str) -> bytes:
        """Return what a Service answers to GET, asked through the API server (`name`: `[scheme:]name:[port]`).

        Raises:
            ClusterError: there is no such Service, nothing behind it, or it may not be reached.
        """
        place = quote(f"/api/v1/namespaces/{namespace}/services/{name}/proxy{path}")
        try:
            return send(self._client, "GET", place, accept="*/*")
        except ApiError as error:
            raise ClusterError(
                f"the service does not answer: {error.reason or error.code}", location=f"Service {namespace}/{name}"
            ) from None

    def wait_for_kind(self, version: str, kind: str) -> None:
        """Wait until the server offers a kind that was just defined.

        Raises:
            ClusterError: it does not, for half a minute.
        """
        until = time.monotonic() + _WAIT_SECONDS
        while not self.knows(version, kind):
            if time.monotonic() > until:
                raise ClusterError(f"the cluster does not offer the kind {kind!r} of {version!r} yet")
            time.sleep(_PAUSE_SECONDS)

    def knows(self, version: str, kind: str) -> bool:
        """Whether the server offers a kind now. Raises: ClusterError where it cannot be asked."""
        self._kinds.pop(version, None)
        return kind in self._offered(version)

    def namespace_of(self, manifest: Mapping[str, Any]) -> str:
        """Return the namespace an object goes to, empty for a kind that is known to lie in none."""
        resource = self._offered(str(manifest.get("apiVersion", ""))).get(str(manifest.get("kind", "")))
        if resource is not None and not resource.namespaced:
            return ""
        metadata = manifest.get("metadata")
        return str((metadata.get("namespace") if isinstance(metadata, dict) else "") or self.namespace)

    def _path(self, manifest: Mapping[str, Any]) -> tuple[str, Object]:
        """Return the API path of an object, and the object with its namespace filled in."""
        metadata = manifest.get("metadata")
        metadata = dict(metadata) if isinstance(metadata, dict) else {}
        if not metadata.get("name"):
            raise ClusterError("has no metadata.name, and cannot be applied", location=str(identify(manifest)))
        version = str(manifest.get("apiVersion", ""))
        resource = self._kind(version, str(manifest.get("kind", "")), manifest)
        steps = [resource.plural, str(metadata["name"])]
        if resource.namespaced:
            metadata["namespace"] = self.namespace_of(manifest)
            steps = ["namespaces", metadata["namespace"], *steps]
        if not all(map(_is_step, steps)):
            raise ClusterError("no legal name or namespace", location=str(identify(manifest)))
        return "/".join([_group_path(version), *steps]), {**manifest, "metadata": metadata}

    def _kind(self, version: str, kind: str, manifest: Mapping[str, Any]) -> _ResourceKind:
        found = self._offered(version).get(kind)
        if found is None:
            raise ClusterError(
                f"the cluster knows no kind {kind!r} of {version!r}",
                location=str(identify(manifest)),
                hint="apply its CustomResourceDefinition first",
            )
        return found

    def _offered(self, version: str) -> dict[str, _ResourceKind]:
        """Return the kinds of an apiVersion, none for one that the server does not have."""
        if not all(map(_is_step, version.split("/", 1))):
            return {}
        if version not in self._kinds:
            try:
                offered = self._call("GET", _group_path(version))["resources"]
            except ApiError as error:
                if error.code != _NOT_FOUND:
                    raise ClusterError(f"the server refuses to list its kinds: {error.reason}") from None
                offered = []
            own = [each for each in offered if "/" not in each["name"]]  # not `pods/status`
            self._kinds[version] = {each["kind"]: _ResourceKind(each["name"], bool(each["namespaced"])) for each in own}
        return self._kinds[version]

    def _call(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        query: list[tuple[str, str]] | None = None,
        content_type: str = "application/json",
    ) -> Object:
        data = send(
            self._client, method, path, body=body, query=query, accept="application/json", content_type=content_type
        )
        return decoded(data)


def _is_step(text: str) -> bool:
    """Whether a text may be a step of an API path: no slash, no dots alone. Names of RBAC objects hold colons."""
    return consists_of(text, LETTERS + DIGITS + "-._:") and text[0] in LETTERS + DIGITS


def _group_path(version: str) -> str:
    return f"/apis/{version}" if "/" in version else f"/api/{version}"
