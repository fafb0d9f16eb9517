"""What Flux will make of a repository: what its controller decrypts and with which keys, what it misses, where it fails.

The predictions follow the controller's own rules, quirks included, and are compared with the real one in the tests.
Source: fluxcd/kustomize-controller internal/decryptor at 1.9.5.
"""

from __future__ import annotations

import binascii
import os
from base64 import b64decode
from collections.abc import Iterator
from typing import Final, cast

from secretsync import files
from secretsync.audit.flux_formats import format_for, formats_of, holds_nothing, trouble
from secretsync.audit.kustomizations import Sync, Use, find_syncs, uses
from secretsync.audit.ruleset import (
    FLUX_AMBIGUOUS,
    FLUX_DECRYPTS,
    FLUX_FAILS,
    FLUX_MISSED,
    FLUX_RENAMED,
    FLUX_UNREACHED,
    FLUX_UNVERIFIED,
)
from secretsync.documents.plain import to_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Limits, Mapping
from secretsync.errors import SecretsyncError
from secretsync.findings import Finding
from secretsync.keyring.ownfiles import is_own
from secretsync.manifests.objects import Object, flatten, identify, is_sealed_secret
from secretsync.sealed.scope import scope_of
from secretsync.sops import metadata
from secretsync.sops.recognition import MARK, store_of_content

_MAX_SIZE: Final = 5 << 20
"""Source: `maxEncryptedFileSize`."""

_DECRYPT: Final = "kustomize.toolkit.fluxcd.io/decrypt"
_LIMITS: Final = Limits()
_RENAME: Final = "give its key a name that ends like its format"


def check_flux(root: str) -> list[Finding]:
    """Return what Flux will do with the repository at `root`, for each Kustomization that is written in it.

    Facts that are no problem have the level `note`.

    Raises:
        FileAccessError: `root` cannot be walked.
    """
    syncs = find_syncs(root)
    if not syncs:
        message = "no Kustomization of Flux here, so what Flux would do is unknown"
        return [FLUX_UNREACHED.finding(root, "", message, "run it in the folder that holds them, too")]
    found: list[Finding] = []
    reached: set[str] = set()
    for sync in syncs:
        found += _of_sync(root, sync, reached)
    found += _unreached(root, reached)
    return [each if root == "." else _below(root, each) for each in found]


def _of_sync(root: str, sync: Sync, reached: set[str]) -> list[Finding]:
    found: list[Finding] = []
    try:
        for use in uses(root, sync):
            reached.add(use.path)
            found += _of_use(root, sync, use)
    except SecretsyncError as error:
        found.append(FLUX_FAILS.finding(sync.file, error.location or "", error.message, error.hint))
    if any(each.rule == FLUX_DECRYPTS.id for each in found):
        message = f"Kustomization {sync.name}: Flux does not verify the MAC of what it decrypts; this check did"
        found.append(FLUX_UNVERIFIED.finding(sync.file, "", message))
    return found


def _of_use(root: str, sync: Sync, use: Use) -> Iterator[Finding]:
    try:
        data = files.read_confined(root, use.path, _LIMITS.size)
    except SecretsyncError as error:
        yield FLUX_FAILS.finding(use.path, "", error.message, error.hint)
        return
    if use.role == "resource":
        yield from _of_resource(sync, use, data)
    elif use.role == "merged" and _is_sops(use.path, data):
        message = f"Kustomization {sync.name} merges it before anything is decrypted, and the build fails"
        yield FLUX_FAILS.finding(use.path, "", message, "name it under patches, with path")
    elif use.role in {"never decrypted", "merged"}:
        if _is_sops(use.path, data):
            message = f"Kustomization {sync.name} uses it where Flux decrypts nothing: it is applied as ciphertext"
            yield FLUX_MISSED.finding(use.path, "", message, "use it in secretGenerator or patches")
    else:
        yield from _of_source(sync, use, data)


def _of_source(sync: Sync, use: Use, data: bytes) -> Iterator[Finding]:
    """Yield what becomes of a file that Flux decrypts in place, before the build, else in the Secret made of it."""
    if not _is_sops(use.path, data):
        return
    wanted, found = format_for(use.key or use.path), formats_of(data)
    found = [wanted] if wanted in found else found
    if sync.provider != "sops":
        yield _undecrypted(sync, use.path, "")
    elif len(data) > _MAX_SIZE:
        yield FLUX_FAILS.finding(use.path, "", f"is larger than {_MAX_SIZE} bytes, which Flux refuses")
    elif use.role == "secret env":
        yield _of_env(sync, use, data, wanted, found)
    elif not found or (use.role == "patch" and wanted not in found):
        message = f"Flux takes it for {wanted}, by the name {use.key or use.path!r}, and it is not: it stays ciphertext"
        yield FLUX_MISSED.finding(use.path, "", message, _RENAME)
    else:
        yield _of_value(sync, use.path, "", data, found, wanted)


def _of_env(sync: Sync, use: Use, data: bytes, wanted: str, found: list[str]) -> Finding:
    if wanted not in {"dotenv", "binary"} or "dotenv" not in found:
        message = "is used as an env file and is not in dotenv format: its lines become keys that no Secret can have"
        return FLUX_FAILS.finding(use.path, "", message, "use it under files, or encrypt it as NAME.env")
    return _decrypts(sync, use.path, "", data, "dotenv")


def _of_value(sync: Sync, path: str, place: str, data: bytes, found: list[str], wanted: str) -> Finding:
    """Return what becomes of encrypted data under a key of a Secret, in one of the formats `found`."""
    if sync.provider != "sops":
        return _undecrypted(sync, path, place)
    if len(found) > 1:
        message = f"looks like {' and '.join(found)}: which of them Flux takes is by chance"
        return FLUX_AMBIGUOUS.finding(path, place, message)
    problem = trouble(data, found[0], wanted, _LIMITS)
    if problem:
        return FLUX_FAILS.finding(path, place, problem, _RENAME)
    return _decrypts(sync, path, place, data, found[0])


def _of_resource(sync: Sync, use: Use, data: bytes) -> Iterator[Finding]:
    try:
        if holds_nothing(data):
            return
        source = store_named("yaml").load(data, limits=_LIMITS)
        several = len(source.documents) > 1
        for index, document in enumerate(source.documents, 1):
            place = f"#{index}" if several else ""
            for inner, obj in flatten(cast("Object", to_plain(document))):
                yield from _of_object(sync, use, document, obj, f"{place} {inner}".strip())
    except SecretsyncError as error:
        yield FLUX_FAILS.finding(use.path, error.location or "", error.message, error.hint)


def _of_object(sync: Sync, use: Use, document: Mapping, obj: Object, place: str) -> Iterator[Finding]:
    if not obj:
        return
    own, block = identify(obj), obj.get("sops")
    if not (own.api_version and own.kind and own.name) or own.name.startswith(MARK):
        message = f"{own} has no readable apiVersion, kind and metadata.name: the build fails"
        hint = "encrypt values only: --encrypted-regex '^(data|stringData)$'" if block else "keep it out of the folder"
        yield FLUX_FAILS.finding(use.path, place, message, hint)
        return
    if isinstance(block, dict) and block.get("mac"):
        yield from _of_encrypted(sync, use, document, obj, place)
    elif obj.get("kind") == "Secret":
        yield from _of_secret(sync, use, obj, place)
    elif is_sealed_secret(obj):
        yield from _of_sealed(sync, use, obj, place)
    elif MARK in str(obj):
        message = f"{identify(obj)} holds ciphertext without a sops block that has a mac: Flux takes it for plain"
        yield FLUX_MISSED.finding(use.path, place, message, "encrypt the whole document: secretsync encrypt")


def _of_encrypted(sync: Sync, use: Use, document: Mapping, obj: Object, place: str) -> Iterator[Finding]:
    annotations = cast("Object", (cast("Object", obj.get("metadata")) or {}).get("annotations") or {})
    if sync.provider != "sops":
        yield _undecrypted(sync, use.path, place)
    elif str(annotations.get(_DECRYPT, "")).lower() == "disabled":
        message = f"{identify(obj)} says {_DECRYPT}: disabled, and is applied as ciphertext"
        yield FLUX_MISSED.finding(use.path, place, message, level="warning")
    else:
        yield _decrypts(sync, use.path, place, document, "yaml")


def _of_secret(sync: Sync, use: Use, obj: Object, place: str) -> Iterator[Finding]:
    for key, value in cast("Object", obj.get("data") or {}).items():
        data = _decoded(value)
        found = formats_of(data)
        if found:
            yield _of_value(sync, use.path, f"{place} data.{key}".strip(), data, found, format_for(key))
    for key, value in cast("Object", obj.get("stringData") or {}).items():
        if isinstance(value, str) and (MARK in value):
            message = "is ciphertext in stringData, which Flux never looks into"
            hint = "put it into data as base64, or encrypt the document: secretsync encrypt"
            yield FLUX_MISSED.finding(use.path, f"{place} stringData.{key}".strip(), message, hint)


def _of_sealed(sync: Sync, use: Use, obj: Object, place: str) -> Iterator[Finding]:
    """Yield whether kustomize or Flux gives a SealedSecret another name than the one it was sealed under."""
    own = identify(obj)
    annotations = cast("Object", (cast("Object", obj.get("metadata")) or {}).get("annotations") or {})
    scope = scope_of(annotations)
    namespace = use.change.namespace or own.namespace
    name = f"{use.change.prefix}{own.name}{use.change.suffix}"
    moved = scope != "cluster-wide" and own.namespace and namespace != own.namespace
    renamed = scope == "strict" and name != own.name
    if moved or renamed:
        message = f"{own} arrives as {namespace}/{name} through Kustomization {sync.name}, and cannot be unsealed there"
        yield FLUX_RENAMED.finding(use.path, place, message, "seal it for that name, or with a wider --scope")


def _decrypts(sync: Sync, path: str, place: str, content: bytes | Mapping | None, store: str) -> Finding:
    recipients = _recipients(content, store)
    if recipients and all(each.startswith("ssh-") for each in recipients):
        message = f"is encrypted for SSH keys only, and {sync.keys} cannot hold one"
        return FLUX_FAILS.finding(path, place, message, "add an age recipient: secretsync updatekeys")
    needed = f", which must hold a key for {' or '.join(recipients)}" if recipients else ""
    message = f"Kustomization {sync.name} decrypts it with {sync.keys}{needed}"
    return FLUX_DECRYPTS.finding(path, place, message)


def _undecrypted(sync: Sync, path: str, place: str) -> Finding:
    """Say that ciphertext is applied: in 1.9.5 a Secret loses its `sops` block before the controller looks for it."""
    message = (
        f"is encrypted, and Kustomization {sync.name} has no spec.decryption with provider sops: it stays ciphertext"
    )
    return FLUX_MISSED.finding(path, place, message, f"set spec.decryption in {sync.file}")


def _recipients(content: bytes | Mapping | None, store: str) -> list[str]:
    """Return the names of the master keys in the file's metadata, as far as it can be read."""
    if content is None:
        return []
    try:
        documents = (
            store_named(store).load(content, limits=_LIMITS, encrypted=True).documents
            if isinstance(content, bytes)
            else [content]
        )
        block = metadata.split(documents)[1]
    except SecretsyncError:
        return []
    fields = [envelope.fields for group in block.groups for envelope in group]
    names = (each.get("recipient") or each.get("fp") or each.get("arn") or each.get("resource_id") for each in fields)
    return [str(name) for name in names if name]


def _decoded(value: object) -> bytes:
    try:
        return b64decode(value, validate=False) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        return b""


def _is_sops(path: str, data: bytes) -> bool:
    """Whether a file is a SOPS file, of whatever store, and not one of the key ring."""
    return store_of_content(data) is not None and not is_own(path, data)


def _unreached(root: str, reached: set[str]) -> Iterator[Finding]:
    for path in files.walk(root):
        if path in reached or any(step.startswith(".") for step in path.split(os.sep)):
            continue
        try:
            data = files.read_confined(root, path, _LIMITS.size)
        except SecretsyncError:
            continue
        if _is_sops(path, data):
            message = "is encrypted, and no Kustomization in this repository reaches it"
            yield FLUX_UNREACHED.finding(path, "", message)


def _below(root: str, finding: Finding) -> Finding:
    path = os.path.normpath(os.path.join(root, finding.file)) if finding.file != root else root
    return Finding(path, finding.place, finding.rule, finding.level, finding.message, finding.hint)
