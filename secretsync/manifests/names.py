"""Which names Kubernetes allows: objects, namespaces and the keys of a Secret.

Sealing needs the check for its own safety: a strict label is `namespace/name`, and two labels can only be told apart
while neither part holds a slash, which the format does not see to.
"""

from __future__ import annotations

import re
from typing import Final

from secretsync.errors import ManifestError

# Sources: k8s.io/apimachinery pkg/util/validation/validation.go (IsDNS1123Label, IsDNS1123Subdomain, IsConfigMapKey).
_LABEL: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?", re.ASCII)
_SUBDOMAIN: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_KEY: Final = re.compile(r"[-._a-zA-Z0-9]+", re.ASCII)
_SUBDOMAIN_LENGTH: Final = 253
_LABEL_LENGTH: Final = 63


def is_legal_name(name: str) -> bool:
    """Whether `name` can be the name of a Secret: a DNS-1123 subdomain of at most 253 characters."""
    return len(name) <= _SUBDOMAIN_LENGTH and _SUBDOMAIN.fullmatch(name) is not None


def is_legal_namespace(namespace: str) -> bool:
    """Whether `namespace` can be a namespace: a DNS-1123 label of at most 63 characters."""
    return len(namespace) <= _LABEL_LENGTH and _LABEL.fullmatch(namespace) is not None


def is_legal_key(key: str) -> bool:
    """Whether `key` can be a key of a Secret: letters, digits, `-`, `_`, `.`; at most 253; not `.`, `..` or `..x`."""
    return len(key) <= _SUBDOMAIN_LENGTH and _KEY.fullmatch(key) is not None and key != "." and not key.startswith("..")


def check_name(name: str) -> None:
    """Refuse an object name that Kubernetes would refuse.

    Raises:
        ManifestError: the name is no DNS-1123 subdomain.
    """
    if not is_legal_name(name):
        raise ManifestError(
            f"{_shown(name)} is not a legal object name: lower case letters, digits, '-' and '.', at most 253",
            location="metadata.name",
        )


def check_namespace(namespace: str) -> None:
    """Refuse a namespace that Kubernetes would refuse.

    Raises:
        ManifestError: the namespace is no DNS-1123 label.
    """
    if not is_legal_namespace(namespace):
        raise ManifestError(
            f"{_shown(namespace)} is not a legal namespace: lower case letters, digits and '-', at most 63",
            location="metadata.namespace",
        )


def check_key(key: str, field: str) -> None:
    """Refuse a Secret key that Kubernetes would refuse; `field` is where it stands.

    Raises:
        ManifestError: the key has an illegal character, is empty or longer than 253.
    """
    if not is_legal_key(key):
        raise ManifestError(
            f"{_shown(key)} is not a legal key: letters, digits, '-', '_' and '.', at most 253", location=field
        )


def _shown(text: str) -> str:
    return repr(text) if len(text) <= _LABEL_LENGTH else f"{text[:_LABEL_LENGTH]!r}… ({len(text)} characters)"
