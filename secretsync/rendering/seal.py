"""Ciphertext in, ciphertext out: each Secret becomes a SealedSecret, and no decrypted value leaves in anything else.

Sealing is deterministic (ADR 0004): its key material is the data key the Secret was decrypted with, or for
a Secret in the clear the operator's seal key.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from secretsync import sealed
from secretsync.documents.plain import from_plain
from secretsync.documents.tree import Comment, Entry, Mapping, Node, Sequence
from secretsync.errors import LimitError, PlaintextError, PolicyError, SecretsyncError
from secretsync.manifests.objects import Object
from secretsync.manifests.trees import to_object
from secretsync.rendering.objects import describe, is_secret, kind_of, text_of
from secretsync.rendering.options import RenderContext
from secretsync.rendering.sealing_inputs import load_certificate, seal_key_for
from secretsync.rendering.units import OpenedObject
from secretsync.sealed.scope import Scope, scope_of

_READABLE: Final = ("labels", "annotations")
_Path = tuple[str, ...]


def finish(opened: OpenedObject, context: RenderContext) -> Mapping:
    """Return a Secret as a SealedSecret, and any other object if nothing in it was decrypted.

    Raises:
        PlaintextError: a decrypted value would leave in the clear, or a Secret in the clear has no seal key.
        ManifestError: the Secret is not valid.
        CertificateError, ExpiredCertificateError, ConfigError: the certificate or the seal key cannot be used.
        PolicyError: the seal would be wider than the hook's configuration allows.
    """
    obj = opened.after
    if is_secret(obj):
        return _sealed(opened, context)
    if kind_of(obj) == "Secret":
        version = text_of(obj.get("apiVersion"))
        raise PlaintextError(f"a Secret of apiVersion {version!r} cannot be sealed", location=opened.location or None)
    _refuse_decrypted(opened)
    return obj


def _sealed(opened: OpenedObject, context: RenderContext) -> Mapping:
    _refuse_unsealed(opened)
    try:
        secret = to_object(opened.after)
        assert isinstance(secret, dict)
        _require_few(secret, context)
        result = sealed.seal(
            secret,
            load_certificate(context),
            scope=context.options.scope,
            default_namespace=context.options.namespace,
            seal_key=seal_key_for(opened, context),
        )
        _check_scope(result, context.options.scopes)
    except SecretsyncError as error:
        raise (error.at(opened.location) if opened.location else error) from None
    for path in _decrypted(opened.before, opened.after, ()):
        if path[:1] == ("metadata",) and path[1:2] and path[1] in _READABLE:
            context.warnings.append(
                f"{opened.location} {'.'.join(path)}: was encrypted, and can be read in the SealedSecret".strip()
            )
    node = from_plain(result)
    assert isinstance(node, Mapping)
    return node


def _require_few(secret: Object, context: RenderContext) -> None:
    """Refuse more values of one file than are sealed at a time. Raises: LimitError."""
    fields = (secret.get(field) for field in ("data", "stringData"))
    context.sealed += sum(len(values) for values in fields if isinstance(values, dict))
    most = context.options.limits.sealed
    if context.sealed > most:
        raise LimitError(
            f"more than {most} values to seal in one file",
            hint="split the file, or raise limits.sealed in the hook's configuration",
        )


def _check_scope(result: Object, allowed: frozenset[Scope] | None) -> None:
    """Refuse a wider seal than is allowed: whoever reads it applies it in a namespace of their own."""
    metadata = result["metadata"]
    assert isinstance(metadata, dict)
    scope = scope_of(metadata.get("annotations", {}))
    if allowed is not None and scope not in allowed:
        raise PolicyError(
            f"would be sealed {scope}, and the hook's configuration allows {', '.join(sorted(allowed))} only",
            hint=f"name the scope in the configuration, `sealing: {{scopes: [{scope}]}}`, or take it out of the manifest",
        )


def _refuse_decrypted(opened: OpenedObject) -> None:
    """Refuse an object, whatever it calls itself, in which anything was decrypted.

    Its kind is a leaf in the clear that need not be authenticated: a SealedSecret may have been the Secret of somebody.
    """
    path = next(_decrypted(opened.before, opened.after, ()), None)
    if path is not None:
        raise PlaintextError(
            f"a decrypted value of {describe(opened.after)} would leave in the clear: only Secrets can be sealed",
            location=f"{opened.location} {'.'.join(path)}".strip(),
            hint="move the value to a Secret, or encrypt only what is secret: sops encrypt --encrypted-regex "
            "'^(data|stringData)$'",
        )


def _refuse_unsealed(opened: OpenedObject) -> None:
    """Refuse a Secret of which a decrypted value would leave that is neither sealed nor known to be readable."""
    for path in _decrypted(opened.before, opened.after, ()):
        if path[:2] == ("metadata", "finalizers"):
            raise PlaintextError(
                f"a decrypted value of {describe(opened.after)} would leave in the clear: finalizers are not sealed",
                location=f"{opened.location} {'.'.join(path)}".strip(),
                hint="encrypt only what is secret: sops encrypt --encrypted-regex '^(data|stringData)$'",
            )


def _decrypted(before: Node | Comment, after: Node | Comment, path: _Path) -> Iterator[_Path]:
    """Yield the path of every value and comment that decryption changed; it shares every node it did not touch."""
    if after is before:
        return
    if isinstance(after, Mapping) and isinstance(before, Mapping):
        olds = [item for item in before.items if path or type(item) is not Entry or item.key.value != "sops"]
        for old, new in zip(olds, after.items, strict=True):
            if isinstance(old, Entry) and isinstance(new, Entry):
                yield from _decrypted(old.value, new.value, (*path, str(new.key.value)))
            elif new is not old:
                yield (*path, "#")
    elif isinstance(after, Sequence) and isinstance(before, Sequence):
        for index, (element, shown) in enumerate(zip(before.items, after.items, strict=True)):
            step = "#" if isinstance(shown, Comment) else str(index)
            yield from _decrypted(element, shown, (*path, step))
    else:
        yield path
