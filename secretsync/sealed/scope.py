"""The three scopes of a SealedSecret: how an annotation selects one, and which label it binds an item to.

The label is the OAEP label, the only thing that ties ciphertext to a place. Source: pkg/apis/sealedsecrets/v1alpha1
sealedsecret_expansion.go (SecretScope, EncryptionLabel, UpdateScopeAnnotations) at v0.36.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from secretsync.errors import ConfigError

Scope = Literal["strict", "namespace-wide", "cluster-wide"]

SCOPES: Final[tuple[Scope, ...]] = ("strict", "namespace-wide", "cluster-wide")
"""The narrowest first."""

ANNOTATIONS: Final[dict[Scope, str]] = {
    "cluster-wide": "sealedsecrets.bitnami.com/cluster-wide",
    "namespace-wide": "sealedsecrets.bitnami.com/namespace-wide",
}
"""The annotation that selects each wider scope, the one that wins first."""


def scope_named(name: str) -> Scope:
    """Return the scope called `name`; the empty name is strict, as for kubeseal.

    Raises:
        ConfigError: there is no such scope.
    """
    for scope in SCOPES:
        if name in (scope, "" if scope == "strict" else scope):
            return scope
    raise ConfigError(f"unknown scope {name!r}", hint=f"use one of {', '.join(SCOPES)}")


def scope_of(annotations: Mapping[str, object]) -> Scope:
    """Return the scope that annotations select: only the exact text `true` counts, and cluster-wide wins."""
    return next((scope for scope, key in ANNOTATIONS.items() if annotations.get(key) == "true"), "strict")


def is_wider(scope: Scope, than: Scope) -> bool:
    """Whether an item of `scope` opens in more places than one of the other."""
    return SCOPES.index(scope) > SCOPES.index(than)


def label(scope: Scope, *, namespace: str, name: str) -> bytes:
    """Return the OAEP label of the scope: `namespace/name`, `namespace` or nothing."""
    if scope == "cluster-wide":
        return b""
    return (namespace if scope == "namespace-wide" else f"{namespace}/{name}").encode()


def annotated(annotations: Mapping[str, str], scope: Scope) -> dict[str, str]:
    """Return the annotations with the ones for scopes rewritten to `scope`, sorted by key."""
    kept = {key: value for key, value in annotations.items() if key not in ANNOTATIONS.values()}
    if scope != "strict":
        kept[ANNOTATIONS[scope]] = "true"
    return dict(sorted(kept.items()))
