"""The keys of a Sealed Secrets controller as they lie in its cluster: list them, fetch a certificate, back up, restore.

A key is a Secret of type `kubernetes.io/tls` under a label in the controller's namespace. The controller reads its keys
when it starts, so whatever changes them takes effect after its next restart. Source: sealed-secrets pkg/controller
keyregistry.go and keys.go at v0.36.6.
"""

from __future__ import annotations

import binascii
import ssl
import urllib.error
import urllib.request
from base64 import b64decode
from datetime import UTC, datetime
from http.client import HTTPMessage
from typing import IO, Final, NamedTuple
from urllib.parse import urlsplit

from secretsync.cluster.connection import FIELD_MANAGER, Cluster, Object
from secretsync.errors import CertificateError, ClusterError, ManifestError, SecretsyncError
from secretsync.sealed.certificate import SealingCertificate

LABEL: Final = "sealedsecrets.bitnami.com/sealed-secrets-key"
ACTIVE: Final = "active"
"""The label's value of a key that the controller loads; any other hides the key from it."""

CONTROLLER_NAMESPACE: Final = "kube-system"
CONTROLLER_NAME: Final = "sealed-secrets-controller"
"""Source: kubeseal --controller-namespace and --controller-name."""

_CERTIFICATE_PATH: Final = "/v1/cert.pem"
_KEPT_METADATA: Final = ("name", "namespace", "labels", "annotations")
_FETCH_TIMEOUT_SECONDS: Final = 30
_MAX_CERTIFICATE: Final = 1024 * 1024  # bytes


class SealingKey(NamedTuple):
    """One key Secret. `repr` shows no key: the Secret itself is reached by `secret` only."""

    name: str
    status: str
    created: datetime | None
    certificate: SealingCertificate
    certificate_pem: bytes
    secret: Object

    def __repr__(self) -> str:
        return f"SealingKey({self.name}, {self.certificate.fingerprint})"


def list_keys(cluster: Cluster, *, namespace: str = CONTROLLER_NAMESPACE) -> list[SealingKey]:
    """Return every key of the controller in `namespace`, the one it seals with first.

    That is the active key whose certificate begins last, which is the controller's own order of choice.

    Raises:
        ClusterError: the Secrets may not be read, or there is none.
        CertificateError: a key's certificate is damaged.
    """
    secrets = cluster.objects("v1", "Secret", namespace=namespace, label=LABEL)
    if not secrets:
        raise ClusterError(
            f"no sealing key in namespace {namespace!r}",
            hint="name the controller's namespace: --controller-namespace NAMESPACE",
        )
    keys = [_key(secret) for secret in secrets]
    return sorted(keys, key=lambda key: (key.status == ACTIVE, key.certificate.not_before), reverse=True)


def fetch_certificate(cluster: Cluster, *, namespace: str = CONTROLLER_NAMESPACE, name: str = CONTROLLER_NAME) -> bytes:
    """Return the PEM certificate that the controller offers, asked through the API server's proxy as kubeseal does.

    Raises:
        ClusterError: the service is not there, not ready, or may not be reached.
    """
    try:
        return cluster.service(namespace, f"http:{name}:", _CERTIFICATE_PATH)
    except ClusterError as error:
        error.hint = "the Helm chart calls it sealed-secrets: --controller-name NAME; or take it from the key Secrets"
        raise


def download_certificate(url: str) -> bytes:
    """Return the certificate at an https URL (http on this machine only); what it says is checked by its reader.

    Raises:
        ClusterError: the URL, or one that it leads to, is of another kind or cannot be read.
    """
    if not _is_fetched(url):
        raise ClusterError(f"a certificate is fetched by https, and {url!r} is not")
    https = urllib.request.HTTPSHandler(context=ssl.create_default_context())
    try:
        with urllib.request.build_opener(https, _Redirects).open(url, timeout=_FETCH_TIMEOUT_SECONDS) as answer:
            data: bytes = answer.read(_MAX_CERTIFICATE)
            return data
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or type(error).__name__
        raise ClusterError(f"cannot fetch the certificate: {reason}", location=url) from None


def _is_fetched(url: str, *, after: str = "") -> bool:
    """Whether an address is one to fetch from: https, or http on this machine that no https has led to."""
    parts = urlsplit(url)
    local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    return parts.scheme == "https" or (parts.scheme == "http" and local and not after.startswith("https:"))


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a few redirects, each to an address that could have been the first."""

    max_redirections = 5

    def redirect_request(  # as the library calls it
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        """Return the request to go on with. Raises: ClusterError."""
        if not _is_fetched(newurl, after=req.full_url):
            raise ClusterError(
                f"a certificate is fetched by https, and the answer leads to {newurl!r}", location=req.full_url
            )
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def check_pin(data: bytes, pin: str, *, now: datetime) -> SealingCertificate:
    """Return the certificate in `data`, whose public key must be the pinned one (hex SHA-256 of its SPKI).

    Raises:
        CertificateError: it is another key, or cannot be used.
    """
    certificate = SealingCertificate.load(data, now=now)
    if certificate.spki_sha256 != pin.lower():
        raise CertificateError(
            f"the public key is {certificate.spki_sha256}, and {pin.lower()} is pinned",
            hint="compare with the key Secrets: secretsync sealing-keys list",
        )
    return certificate


def backup(keys: list[SealingKey]) -> Object:
    """Return a List of the key Secrets, fit to be restored: without what their server had added.

    It holds private keys in the clear: encrypt it before it touches a disk.
    """
    return {"apiVersion": "v1", "kind": "List", "items": [_portable(key.secret) for key in keys]}


def restore(cluster: Cluster, secrets: list[Object], *, namespace: str = CONTROLLER_NAMESPACE) -> list[str]:
    """Put key Secrets back, and return the names of those that were not there; keys that are there stay as they are.

    All of them are tried on the server before the first is written.

    Raises:
        ManifestError: an object is no sealing key.
        ClusterError: the server refuses, or a Secret of the same name holds another key.
    """
    placed = [_placed(secret, namespace) for secret in secrets]
    missing = [secret for secret in placed if not _is_there(cluster, secret)]
    for dry_run in (True, False):
        for secret in missing:
            cluster.apply(secret, manager=FIELD_MANAGER, dry_run=dry_run)
    return [str(secret["metadata"]["name"]) for secret in missing]


def _key(secret: Object) -> SealingKey:
    metadata = secret["metadata"]
    try:
        pem = b64decode(secret["data"]["tls.crt"], validate=True)
        # An expired certificate still belongs to a key that unseals, so its dates are reported and not judged.
        certificate = SealingCertificate.load(pem, now=datetime.now(UTC), allow_expired=True)
    except (KeyError, TypeError, binascii.Error):
        raise CertificateError("the key has no certificate", location=f"Secret {metadata.get('name')}") from None
    except SecretsyncError as error:
        raise error.at(f"Secret {metadata.get('name')}") from None
    created = metadata.get("creationTimestamp")
    return SealingKey(
        name=str(metadata["name"]),
        status=str(metadata.get("labels", {}).get(LABEL, "")),
        created=datetime.fromisoformat(created) if created else None,
        certificate=certificate,
        certificate_pem=pem,
        secret=secret,
    )


def _portable(secret: Object) -> Object:
    metadata = {name: secret["metadata"][name] for name in _KEPT_METADATA if name in secret["metadata"]}
    kept: Object = {name: secret[name] for name in ("type", "data") if name in secret}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, **kept}


def _placed(secret: Object, namespace: str) -> Object:
    metadata = dict(secret.get("metadata") or {})
    is_key = LABEL in (metadata.get("labels") or {}) and "tls.key" in (secret.get("data") or {})
    if secret.get("kind") != "Secret" or not is_key or not metadata.get("name"):
        raise ManifestError(f"{metadata.get('name') or 'an object'} of the backup is not a sealing key")
    return {**_portable(secret), "metadata": {**_portable(secret)["metadata"], "namespace": namespace}}


def _is_there(cluster: Cluster, secret: Object) -> bool:
    live = cluster.read(secret)
    if live is None:
        return False
    if live.object.get("data") != secret["data"]:
        name = secret["metadata"]["name"]
        raise ClusterError("a Secret of this name holds another key", location=f"Secret {name}")
    return True
