"""SealedSecrets for another sealing key, item by item in place: every byte but the items themselves stays.

An item's plaintext comes from the Secret that sops keeps in the same repository, else from the old private keys.
`kubeseal --re-encrypt` rewrites the whole object and loses labels, annotations and comments; this does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from secretsync.documents.tree import Limits
from secretsync.errors import FormatError, ManifestError, SecretsyncError, UnsealError
from secretsync.manifests.objects import is_sealed_secret
from secretsync.manifests.reading import read
from secretsync.manifests.secret import decode_base64
from secretsync.rotation.model import FilePlan
from secretsync.rotation.proving import Verdict
from secretsync.sealed import items
from secretsync.sealed.certificate import SealingCertificate
from secretsync.sealed.privatekeys import UnsealingKey
from secretsync.sealed.resource import SealedSecret, parse
from secretsync.sealed.sealing import Sealer

Plaintext: TypeAlias = Callable[[str], Mapping[str, bytes]]
"""From `namespace/name` to the values of the Secret that sops keeps under that name; none where it keeps none."""


class Sealed(NamedTuple):
    """One sealed item as it stands in a file."""

    resource: SealedSecret
    key: str
    text: str

    @property
    def secret(self) -> str:
        """Namespace and name of the Secret."""
        return f"{self.resource.namespace}/{self.resource.name}"

    @property
    def place(self) -> str:
        """Which item it is, for messages."""
        return f"{self.secret} {self.key}"


class SealedFile(NamedTuple):
    """A file with SealedSecrets: how many of its items, of which Secrets, are to be sealed anew, or why that fails."""

    path: str
    blob: str
    secrets: frozenset[str]
    items: int
    error: SecretsyncError | None = None


class Resealer(NamedTuple):
    """The certificate to seal for, and where plaintext comes from."""

    certificate: SealingCertificate
    keys: Sequence[UnsealingKey]
    plaintext: Plaintext

    def look(self, path: str, blob: str, data: bytes) -> SealedFile:
        """Return how many items of a file are to be sealed anew."""
        try:
            due = [one for one in sealed_items(data) if self._value(one) is not None]
        except SecretsyncError as error:
            return SealedFile(path, blob, frozenset(), 0, error)
        return SealedFile(path, blob, frozenset(one.secret for one in due), len(due))

    def reseal(self, data: bytes) -> bytes:
        """Return the file with its items sealed anew.

        Raises:
            UnsealError: an item opens with none of the keys, and sops keeps no Secret for it.
            FormatError: an item does not stand in the text as one piece.
        """
        text = data.decode()
        sealer = Sealer(self.certificate)
        for one in sealed_items(data):
            value = self._value(one)
            if value is None:
                continue
            if one.text not in text:
                raise FormatError(
                    "an item is folded over several lines", location=one.place, hint="write it on one line"
                )
            scope, namespace, name = one.resource.scope, one.resource.namespace, one.resource.name
            text = text.replace(one.text, sealer.item(value, scope=scope, namespace=namespace, name=name, key=one.key))
        return text.encode()

    def _value(self, one: Sealed) -> bytes | None:
        """Return the plaintext of an item, None where it is sealed for the certificate already."""
        decoded = decode_base64(one.text)
        newest = [key for key in self.keys if key.spki_sha256 == self.certificate.spki_sha256]
        if newest and items.unseal(decoded, newest, one.resource.label) is not None:
            return None
        known = self.plaintext(one.secret).get(one.key)
        if known is not None:
            return known
        value = items.unseal(decoded, self.keys, one.resource.label)
        if value is None:
            raise UnsealError(
                "opens with none of the private keys, and sops keeps no Secret for it",
                location=one.place,
                hint="give the keys it was sealed for: --private-keys KEYS.yaml",
            )
        return value


def sealed_items(data: bytes) -> Iterator[Sealed]:
    """Yield the items of every SealedSecret in a text. Raises: as `manifests.reading.read`, ManifestError."""
    for _, obj in read(data, limits=Limits.unbounded()):
        if not is_sealed_secret(obj):
            continue
        resource = parse(obj)
        for key, text in resource.items.items():
            if text is None:
                raise ManifestError("an item is not a string", location=f"{resource.name} {key}")
            yield Sealed(resource, key, text)


def holds_sealed(data: bytes) -> bool:
    """Whether a text holds a SealedSecret that can be read."""
    try:
        return any(is_sealed_secret(obj) for _, obj in read(data, limits=Limits.unbounded()))
    except SecretsyncError:
        return False


def certificate_of(pem: str, now: datetime) -> SealingCertificate:
    """Return the certificate that a plan names. Raises: CertificateError, ExpiredCertificateError."""
    return SealingCertificate.load(pem.encode(), now=now)


def prove_sealed(
    file: FilePlan, certificate: SealingCertificate, keys: Sequence[UnsealingKey], *, old: bytes, new: bytes
) -> list[Verdict]:
    """Return the verdicts on a file that was sealed anew: V1, V4 and V10 by the new key alone, V9 by its text."""
    try:
        before, after = list(sealed_items(old)), list(sealed_items(new))
    except SecretsyncError as error:
        return [Verdict("V1", 1, [f"{file.path}: {error}"])]
    newest = [key for key in keys if key.spki_sha256 == certificate.spki_sha256]
    unopened, changed, compared = [], [], 0
    for one, other in zip(before, after, strict=False):
        value = items.unseal(decode_base64(other.text), newest, other.resource.label) if newest else None
        if newest and value is None:
            unopened.append(f"{file.path}: {other.place} does not open with the new key")
        earlier = items.unseal(decode_base64(one.text), keys, one.resource.label)
        if value is not None and earlier is not None:
            compared += 1
            if value != earlier:
                changed.append(f"{file.path}: {other.place} holds another value")
    same = _without_items(old, before) == _without_items(new, after)
    return [
        Verdict("V1", 1, []),
        Verdict("V4", compared, changed),
        Verdict("V9", 1, [] if same else [f"{file.path}: more than its items changed"]),
        Verdict("V10", len(after) if newest else 0, unopened),
    ]


def _without_items(data: bytes, found: Sequence[Sealed]) -> str:
    text = data.decode()
    for one in found:
        text = text.replace(one.text, "")
    return text
