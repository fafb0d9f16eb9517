"""What the controller decrypts, what it passes over, and where it fails: objects of a build, one by one.

Source: fluxcd/kustomize-controller internal/decryptor at 1.9.5; what is applied of each was seen with the real one.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Iterator
from typing import Final, cast

from secretsync.audit.flux.fields import annotations_of, mapping
from secretsync.audit.flux.formats import format_for, formats_of, trouble
from secretsync.audit.flux.kustomization import Kustomization
from secretsync.audit.flux.patches import Resource
from secretsync.audit.flux.substitution import leaves
from secretsync.audit.flux.verdicts import FluxVerdict
from secretsync.audit.ruleset import FLUX_AMBIGUOUS, FLUX_DECRYPTS, FLUX_FAILS, FLUX_MISSED, FLUX_RENAMED
from secretsync.documents.plain import from_plain
from secretsync.documents.tree import Comment, Limits, Mapping, Scalar
from secretsync.errors import CiphertextFormatError, SecretsyncError
from secretsync.manifests.objects import Object, identify, is_secret
from secretsync.sealed.scope import scope_of
from secretsync.secrecy import CIPHERTEXT
from secretsync.sops import metadata, values
from secretsync.sops.metadata import Metadata
from secretsync.sops.selectors import Selector
from secretsync.sops.walk import Walk

RENAME: Final = "give its key a name that ends like its format"

_DECRYPT: Final = "kustomize.toolkit.fluxcd.io/decrypt"
_FIELDS: Final = {"Secret": "^(data|stringData)$", "ConfigMap": "^data$", "HelmRelease": "^values$"}


def is_encrypted(obj: Object) -> bool:
    """Whether the controller takes an object for one that sops has encrypted."""
    return bool(mapping(obj, "sops").get("mac"))


def is_disabled(obj: Object) -> bool:
    """Whether an object opts out of decryption."""
    return str(annotations_of(obj).get(_DECRYPT, "")).lower() == "disabled"


def remedy(obj: Object) -> str:
    """Return how to encrypt an object so that the controller decrypts it."""
    kind = identify(obj).kind
    pattern = "^(data|stringData)$" if kind.startswith(CIPHERTEXT) else _FIELDS.get(kind, "^spec$")
    return f"encrypt values only, by the names of their fields: --encrypted-regex '{pattern}'"


def of_encrypted(sync: Kustomization, resource: Resource) -> FluxVerdict:
    """Return what becomes of an object that sops has encrypted."""
    obj, place = resource.obj, resource.place
    if not sync.decrypts or is_disabled(obj):
        return _passed_over(sync, obj, place)
    try:
        block = metadata.split([cast("Mapping", from_plain(obj))])[1]
    except SecretsyncError as error:
        return FluxVerdict(FLUX_FAILS, place, f"has a sops block that cannot be read: {error.message}", error.hint)
    if block.selector.by_comment:
        message = (
            f"is encrypted by {block.selector.kind}, and Flux decrypts it without its comments: the values that they "
            f"pick are applied as ciphertext"
        )
        return FluxVerdict(FLUX_MISSED, place, message, remedy(obj))
    found = _Selected(block.selector)
    found.documents(metadata.split([cast("Mapping", from_plain(obj))])[0])
    if found.clear:
        return _overwritten(sync, resource, found.clear)
    if found.lost:
        message = f"holds ciphertext at {found.lost[0]}, which its selector leaves alone: it stays ciphertext"
        return FluxVerdict(FLUX_MISSED, place, message, remedy(obj))
    return decrypts(sync, place, block)


def _passed_over(sync: Kustomization, obj: Object, place: str) -> FluxVerdict:
    """Say what is applied of an object that nothing decrypts: it loses its `sops` block; `data` that is no base64 is refused."""
    own = identify(obj)
    disabled = sync.decrypts and is_disabled(obj)
    why = f"says {_DECRYPT}: disabled" if disabled else f"{sync} has no spec.decryption with provider sops"
    hint = "take the annotation out" if disabled else f"set spec.decryption in {sync.file}"
    if any(part.startswith(CIPHERTEXT) for part in own[:3]):
        return FluxVerdict(
            FLUX_FAILS, place, f"is encrypted, its names too, and {why}: it is no object, and is refused", hint
        )
    if is_secret(obj) and any(value.startswith(CIPHERTEXT) for _, value in leaves(mapping(obj, "data"))):
        return FluxVerdict(FLUX_FAILS, place, f"is encrypted, and {why}: ciphertext under data is refused", hint)
    return FluxVerdict(FLUX_MISSED, place, f"is encrypted, and {why}: it is applied as ciphertext", hint)


def _overwritten(sync: Kustomization, resource: Resource, clear: list[str]) -> FluxVerdict:
    """Say why a value that was encrypted no longer is one: it was renamed, patched, or never encrypted."""
    own, place = identify(resource.obj), resource.place
    renamed = {
        "metadata.name": own.name != resource.born.name,
        "metadata.namespace": own.namespace != resource.born.namespace,
    }
    first = clear[0]
    if renamed.get(first):
        message = f"is encrypted with its names, and {sync} overwrites {first} before it is decrypted: the build fails"
    elif any(renamed.get(each) for each in clear):
        message = f"is encrypted with its names, and {sync} overwrites them before it is decrypted: the build fails"
    else:
        message = f"has a value in the clear at {first} where its selector says ciphertext: the build fails"
    return FluxVerdict(FLUX_FAILS, place, message, remedy(resource.obj))


def decrypts(sync: Kustomization, place: str, block: Metadata | None) -> FluxVerdict:
    """Return that something is decrypted, and with which keys; or that it cannot be."""
    recipients = _recipients(block) if block else []
    if recipients and all(each.startswith("ssh-") for each in recipients):
        message = f"is encrypted for SSH keys only, and {sync.keys} cannot hold one"
        return FluxVerdict(FLUX_FAILS, place, message, "add an age recipient: secretsync updatekeys")
    needed = f", which must hold a key for {' or '.join(recipients)}" if recipients else ""
    return FluxVerdict(FLUX_DECRYPTS, place, f"{sync} decrypts it with {sync.keys}{needed}")


def undecrypted(sync: Kustomization, place: str) -> FluxVerdict:
    """Return that a file stays ciphertext because the Kustomization decrypts nothing."""
    message = f"is encrypted, and {sync} has no spec.decryption with provider sops: it stays ciphertext"
    return FluxVerdict(FLUX_MISSED, place, message, f"set spec.decryption in {sync.file}")


def of_carried(sync: Kustomization, place: str, data: bytes, found: list[str], wanted: str) -> FluxVerdict:
    """Return what becomes of a SOPS file under a key of a Secret, in one of the formats `found`."""
    if not sync.decrypts:
        return undecrypted(sync, place)
    if len(found) > 1:
        message = f"looks like {' and '.join(found)}: which of them Flux takes is by chance"
        return FluxVerdict(FLUX_AMBIGUOUS, place, message)
    problem = trouble(data, found[0], wanted, Limits())
    if problem:
        return FluxVerdict(FLUX_FAILS, place, problem, RENAME)
    return decrypts(sync, place, None)


def of_secret(sync: Kustomization, resource: Resource) -> Iterator[FluxVerdict]:
    """Yield what becomes of SOPS files in the values of a Secret, and of ciphertext without a block."""
    obj, place = resource.obj, resource.place
    for key, value in mapping(obj, "data").items():
        data = _decoded(value)
        found = formats_of(data)
        here = f"{place} data.{key}".strip()
        if found and not is_disabled(obj):
            yield of_carried(sync, here, data, found, format_for(key))
        elif found:
            yield FluxVerdict(FLUX_MISSED, here, f"is encrypted, and its Secret says {_DECRYPT}: disabled")
        elif isinstance(value, str) and value.startswith(CIPHERTEXT):
            message = f"is ciphertext ({CIPHERTEXT[:12]}…) without a sops block that has a mac: it is refused"
            yield FluxVerdict(FLUX_FAILS, here, message, "encrypt the whole document: secretsync encrypt")
    for key, value in mapping(obj, "stringData").items():
        if isinstance(value, str) and CIPHERTEXT in value:
            message = "is ciphertext in stringData, which Flux never looks into"
            hint = "put it into data as base64, or encrypt the document: secretsync encrypt"
            yield FluxVerdict(FLUX_MISSED, f"{place} stringData.{key}".strip(), message, hint)


def of_sealed(sync: Kustomization, resource: Resource) -> Iterator[FluxVerdict]:
    """Yield whether a SealedSecret arrives under another name than the one it was sealed under."""
    own, now = resource.born, identify(resource.obj)
    scope = scope_of(annotations_of(resource.obj))
    moved = scope != "cluster-wide" and own.namespace and now.namespace != own.namespace
    renamed = scope == "strict" and now.name != own.name
    if moved or renamed:
        message = f"{own} arrives as {now.namespace}/{now.name} through {sync}, and cannot be unsealed there"
        yield FluxVerdict(FLUX_RENAMED, resource.place, message, "seal it for that name, or with a wider --scope")


class _Selected(Walk):
    """Looks at what a selector picks: `clear` are the places of values that are none, `lost` those of ciphertext it leaves."""

    def __init__(self, selector: Selector) -> None:
        super().__init__(selector)
        self.clear: list[str] = []
        self.lost: list[str] = []

    def leaf(self, scalar: Scalar, aad: bytes, *, selected: bool) -> Scalar:
        """Note a value that is not what the selector says."""
        value = scalar.value
        where = aad.decode("utf-8", "replace").rstrip(":").replace(":", ".")
        if selected and value is not None and value != "" and not _is_ciphertext(value):
            self.clear.append(where)
        elif not selected and values.is_ciphertext(value):
            self.lost.append(where)
        return scalar

    def comment(self, comment: Comment, aad: bytes, *, selected: bool) -> Comment:  # noqa: ARG002  # as the walk calls it
        """Leave comments alone: there are none."""
        return comment


def _is_ciphertext(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(values.parse(value))
    except CiphertextFormatError:
        return False


def _recipients(block: Metadata) -> list[str]:
    """Return the names of the master keys in a file's metadata."""
    fields = [envelope.fields for group in block.groups for envelope in group]
    names = (each.get("recipient") or each.get("fp") or each.get("arn") or each.get("resource_id") for each in fields)
    return [str(name) for name in names if name]


def _decoded(value: object) -> bytes:
    try:
        return b64decode(value, validate=False) if isinstance(value, str) else b""
    except (binascii.Error, ValueError):
        return b""
