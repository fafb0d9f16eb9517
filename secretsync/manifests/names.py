"""Which names Kubernetes allows: objects, namespaces and the keys of a Secret.

Sealing needs the check for its own safety: a strict label is `namespace/name`, and two labels can only be told apart
while neither part holds a slash, which the format does not see to.
"""

from __future__ import annotations

from typing import Final

from secretsync.errors import ManifestError
from secretsync.letters import DIGITS, LETTERS, LOWER, consists_of

# Sources: k8s.io/apimachinery pkg/util/validation/validation.go (IsDNS1123Label, IsDNS1123Subdomain, IsConfigMapKey).
_LABEL: Final = LOWER + DIGITS + "-"
_KEY: Final = LETTERS + DIGITS + "-._"
_SUBDOMAIN_LENGTH: Final = 253
_LABEL_LENGTH: Final = 63


def is_legal_name(name: str) -> bool:
    """Whether `name` can be the name of a Secret: a DNS-1123 subdomain of at most 253 characters."""
    return len(name) <= _SUBDOMAIN_LENGTH and all(map(_is_label, name.split(".")))


def is_legal_namespace(namespace: str) -> bool:
    """Whether `namespace` can be a namespace: a DNS-1123 label of at most 63 characters."""
    return len(namespace) <= _LABEL_LENGTH and _is_label(namespace)


def _is_label(text: str) -> bool:
    return consists_of(text, _LABEL) and not text.startswith("-") and not text.endswith("-")


def is_legal_key(key: str) -> bool:
    """Whether `key` can be a key of a Secret: letters, digits, `-`, `_`, `.`; at most 253; not `.`, `..` or `..x`."""
    return len(key) <= _SUBDOMAIN_LENGTH and consists_of(key, _KEY) and key != "." and not key.startswith("..")


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
