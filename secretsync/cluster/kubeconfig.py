"""Credentials by kubeconfig, found as the Kubernetes library finds them; the programs it names start through our door."""

from __future__ import annotations

import os
from typing import Any, Final, NoReturn

from kubernetes import client as api
from kubernetes.config import ConfigException
from kubernetes.config.exec_provider import ExecProvider
from kubernetes.config.kube_config import (
    KUBE_CONFIG_DEFAULT_LOCATION,
    ConfigNode,
    FileOrData,
    KubeConfigLoader,
    KubeConfigMerger,
    parse_rfc3339,
)

from secretsync import programs
from secretsync.errors import ClusterError, one_line

_LONGEST_COMPLAINT: Final = 300
_PAIR: Final = ("clientCertificateData", "clientKeyData")


def load(path: str | None, context: str | None) -> tuple[api.Configuration, str]:
    """Return what a kubeconfig (else `$KUBECONFIG`, `~/.kube/config`) says of a cluster, and its context's namespace.

    Raises:
        ConfigException, OSError, TypeError: there is no such file, or it cannot be used.
        ClusterError: the program that it names for credentials fails.
    """
    merged = KubeConfigMerger(path or KUBE_CONFIG_DEFAULT_LOCATION).config
    if merged is None:
        raise ConfigException("no configuration found")
    loader = _Loader(merged, active_context=context, config_base_path=None, get_google_credentials=_refuse_to_refresh)
    settings = api.Configuration()
    loader.load_and_set(settings)
    return settings, str(loader.current_context["context"].get("namespace") or "default")


class _Loader(KubeConfigLoader):  # type: ignore[misc]  # the library has no types
    """The library's, but for how a program for credentials is started, and that its failure is told."""

    def _load_from_exec_plugin(self) -> bool | None:
        if "exec" not in self._user:
            return None
        entry = self._user["exec"]
        base = self._get_base_path(self._cluster.path)
        try:
            self._take(_Plugin(entry, base, self._cluster).run(), base)
        except (ConfigException, OSError, ValueError, LookupError, TypeError) as error:
            raise ClusterError(
                f"the kubeconfig's program for credentials fails: {one_line(str(error))[:_LONGEST_COMPLAINT]}",
                location=str(entry.value.get("command", "")),
            ) from None
        return True

    def _take(self, status: dict[str, Any], base: str) -> None:
        """Use the token or the certificate that the program gave. Raises: ConfigException where it gave neither."""
        if "token" in status:
            self.token = f"Bearer {status['token']}"
        else:
            pair = [FileOrData(status, None, name, base, base64_file_content=False).as_file() for name in _PAIR]
            if not all(pair):
                raise ConfigException("it gives neither a token nor a certificate with its key")
            self.cert_file, self.key_file = pair
        if "expirationTimestamp" in status:
            self.expiry = parse_rfc3339(status["expirationTimestamp"])


class _Plugin(ExecProvider):  # type: ignore[misc]  # the library has no types
    """The library's, but for what the program sees."""

    def __init__(self, entry: ConfigNode, folder: str, cluster: ConfigNode) -> None:
        super().__init__(entry, folder, cluster)
        stated = {item["name"]: item["value"] for item in entry.safe_get("env") or ()}
        self.env = programs.environment(programs.KUBECONFIG_PLUGIN, os.environ, stated)


def _refuse_to_refresh() -> NoReturn:
    """Refuse what would start a program past our door; kubectl has not known it since 1.26."""
    raise ClusterError(
        "the kubeconfig's auth-provider 'gcp' has no token that is valid, and is not asked for one",
        hint="gcloud container clusters get-credentials, which names gke-gcloud-auth-plugin",
    )
