"""SealedSecrets for another sealing key, item by item in place: every byte but the items themselves stays.

An item is opened first, under its own label and scope, with the old private key. What a SOPS file says is taken only
where the plan names that file, and has to equal what opened: a Secret of the same name may be another cluster's, or
older. `kubeseal --re-encrypt` rewrites the whole object and loses labels, annotations and comments; this does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple, TypeAlias

from secretsync.documents.tree import Mapping as Tree
from secretsync.errors import ChangedFileError, ManifestError, SecretsyncError, UnsealError
from secretsync.manifests.objects import is_secret
from secretsync.manifests.secret import decode_base64
from secretsync.manifests.secret import parse as parse_secret
from secretsync.manifests.trees import to_object
from secretsync.rotation.model import FilePlan, PlannedItem
from secretsync.rotation.proving import Verdict
from secretsync.rotation.sealed_files import (
    Sealed,
    holds_sealed,
    is_conflicted,
    require_own,
    sealed_items,
    spliced,
    without_items,
)
from secretsync.sealed import diagnosis, items
from secretsync.sealed.certificate import SealingCertificate
from secretsync.sealed.privatekeys import UnsealingKey

_GIVE_KEYS: Final = (
    "give the keys it was sealed for: --private-keys KEYS.yaml; "
    "where it is another cluster's, say in keys/policy.yaml where that one's items lie (sealing: paths)"
)

Plaintexts: TypeAlias = Mapping[str, Mapping[str, Mapping[str, bytes]]]
"""What the SOPS files that the plan names hold: by path and `namespace/name`, the values of each Secret."""


class Clusters(NamedTuple):
    """Whose a file and its items are: the cluster to seal for, the one whose folder it lies in, and whose each key is.

    `owners` has the first 16 hex digits of a sealing key's SPKI hash, as the ring names it, and its clusters.
    """

    subject: str
    home: str
    owners: Mapping[str, Sequence[str]]

    def other(self, key: UnsealingKey) -> str:
        """Return the cluster whose key it is, where the ring knows it for another's; else nothing."""
        known = self.owners.get(key.spki_sha256[:16], ())
        return "" if self.subject in known else ", ".join(known)

    def may_be_others(self) -> bool:
        """Whether an item that does not open here may be another cluster's, for all that the ring says."""
        others = {name for names in self.owners.values() for name in names} - {self.subject}
        return bool(others) and self.home != self.subject


class SealedFile(NamedTuple):
    """A file with SealedSecrets: the items to seal anew, what is wrong with others, and which are left, and why."""

    path: str
    blob: str
    due: list[PlannedItem]
    errors: list[SecretsyncError]
    left: list[str]


class _Value(NamedTuple):
    """What to seal for an item, whether a private key opened it, and the files that say it."""

    value: bytes
    opened: bool
    sources: list[str]


class Resealer(NamedTuple):
    """The certificate to seal for, the private keys, and the SOPS files that the plan names."""

    certificate: SealingCertificate
    keys: Sequence[UnsealingKey]
    plaintexts: Plaintexts

    def look(self, path: str, blob: str, data: bytes, clusters: Clusters) -> SealedFile:
        """Return what is to be sealed anew of a file, and what is not."""
        found = SealedFile(path, blob, [], [], [])
        try:
            each = sealed_items(data)
        except SecretsyncError as error:
            return _unread(found, data, error)
        if clusters.home not in ("", clusters.subject):
            told = f"its {len(each)} items are left, as it lies where those of {clusters.home} are"
            return found._replace(left=[told] if each else [])
        for one in each:
            try:
                left = self._other(one, clusters)
                if left:
                    found.left.append(left)
                elif (value := self._value(one)) is not None:
                    found.due.append(_planned(one, value, clusters))
            except SecretsyncError as error:
                found.errors.append(error.at(one.place))
        return found

    def reseal(self, data: bytes, planned: Sequence[PlannedItem]) -> bytes:
        """Return the file with the planned items sealed anew.

        Raises:
            ChangedFileError: an item is not what was planned.
            UnsealError: an item opens no more, as with fewer private keys.
            FormatError: the text of an item is not its own.
        """
        wanted = {item.number: item for item in planned}
        texts = {}
        for one in sealed_items(data):
            item = wanted.get(one.number)
            if item is None:
                continue
            value = self._value(one)
            if value is None or _item(one, value, item.cluster) != item:
                raise ChangedFileError("is not as it was planned", location=one.place, hint="make a new plan")
            texts[one.number] = items.seal(value.value, self.certificate, one.resource.label)
        return spliced(data, texts)

    def _other(self, one: Sealed, clusters: Clusters) -> str:
        """Say why an item is another cluster's, which its key tells; nothing where it is not.

        Raises:
            UnsealError: it lies where the items of the cluster to seal for are.
        """
        for key in self.keys:
            owner = clusters.other(key)
            if owner and _opened(one, [key]) is not None:
                if clusters.home == clusters.subject:
                    raise UnsealError(
                        f"is sealed for {owner}, and lies where the items of {clusters.subject} are",
                        hint="seal the right value for it, or remove it",
                    )
                return f"{one.place} is sealed for {owner}"
        return ""

    def _value(self, one: Sealed) -> _Value | None:
        """Return the plaintext of an item, None where it is sealed for the certificate already."""
        newest = [key for key in self.keys if key.spki_sha256 == self.certificate.spki_sha256]
        if _opened(one, newest) is not None:
            return None
        stated = {
            path: secrets[one.secret][one.key]
            for path, secrets in sorted(self.plaintexts.items())
            if one.key in secrets.get(one.secret, {})
        }
        opened = _opened(one, self.keys)
        if opened is None:
            return self._uncompared(one, stated)
        differing = [path for path, value in stated.items() if value != opened]
        if differing:
            raise UnsealError(
                f"holds another value than {differing[0]}: which one is right, no tool can tell",
                hint="correct that file, or leave it out of --plaintext-from; to change a value, seal it anew first",
            )
        return _Value(opened, opened=True, sources=list(stated))

    def _uncompared(self, one: Sealed, stated: Mapping[str, bytes]) -> _Value:
        """Return what a named file says of an item that does not open. Raises: UnsealError where that must not be."""
        remedy = diagnosis.other_label(one.resource, one.key, self.keys)
        if remedy is not None:
            raise UnsealError(f"does not open as what it is: {remedy.cause}", hint=remedy.hint)
        decoded = decode_base64(one.text)
        if not stated or not items.is_item(decoded):
            why = diagnosis.reason(one.text, decoded, self.keys)
            raise UnsealError(f"opens with none of the private keys: {why}", hint=_GIVE_KEYS)
        if one.resource.scope != "strict":
            raise UnsealError(
                f"opens with none of the private keys, so nothing shows that its scope is {one.resource.scope}",
                hint=_GIVE_KEYS,
            )
        if len(set(stated.values())) > 1:
            raise UnsealError(f"{' and '.join(stated)} hold different values for it", hint="name one of them")
        return _Value(next(iter(stated.values())), opened=False, sources=list(stated))


def _unread(found: SealedFile, data: bytes, error: SecretsyncError) -> SealedFile:
    """Tell of a file that cannot be read: templates and documentation are left, a conflict is an error."""
    if not holds_sealed(data):
        return found
    if isinstance(error, ManifestError) or is_conflicted(data):
        return found._replace(errors=[error])
    return found._replace(left=[f"cannot be read, so nothing in it is sealed anew: {error}"])


def uncompared(file: FilePlan) -> Iterator[str]:
    """Yield a sentence for every item of a file whose value comes from a SOPS file alone."""
    for item in file.sealed:
        if not item.opened:
            yield (
                f"{file.path}: {item.secret} {item.key} opens with none of the private keys: "
                f"it gets what {', '.join(item.sources)} says, which could not be compared"
            )


def _planned(one: Sealed, value: _Value, clusters: Clusters) -> PlannedItem:
    """Return the plan for an item. Raises: FormatError: as `require_own`; UnsealError: it may be another cluster's."""
    require_own(one)
    if not value.opened and clusters.may_be_others():
        raise UnsealError("opens with none of the private keys, and may be another cluster's", hint=_GIVE_KEYS)
    return _item(one, value, clusters.subject)


def _item(one: Sealed, value: _Value, cluster: str) -> PlannedItem:
    return PlannedItem(one.number, one.secret, one.key, one.resource.scope, cluster, value.opened, value.sources)


def _opened(one: Sealed, keys: Sequence[UnsealingKey]) -> bytes | None:
    """Open an item under its own label. Raises: ManifestError: it is no base64."""
    return items.unseal(decode_base64(one.text), keys, one.resource.label)


def secrets_of(documents: Iterable[Tree]) -> dict[str, Mapping[str, bytes]]:
    """Return the values of each Secret in decrypted documents, by `namespace/name`; what is no Secret is left out.

    Raises:
        ManifestError: a Secret is malformed.
    """
    found: dict[str, Mapping[str, bytes]] = {}
    for document in documents:
        obj = to_object(document)
        if is_secret(obj):
            assert isinstance(obj, dict)  # as it is a Secret
            secret = parse_secret(obj)
            found[f"{secret.namespace}/{secret.name}"] = secret.values
    return found


def certificate_of(pem: str, now: datetime) -> SealingCertificate:
    """Return the certificate that a plan names. Raises: CertificateError, ExpiredCertificateError."""
    return SealingCertificate.load(pem.encode(), now=now)


def prove_sealed(file: FilePlan, resealer: Resealer, *, old: bytes, new: bytes) -> list[Verdict]:
    """Return the verdicts on a file that was sealed anew: V1, V4 and V10 by the new key alone, V9 by its text."""
    numbers = {item.number for item in file.sealed}
    try:
        before = {one.number: one for one in sealed_items(old) if one.number in numbers}
        after = {one.number: one for one in sealed_items(new) if one.number in numbers}
        same = without_items(old, numbers) == without_items(new, numbers)
    except SecretsyncError as error:
        return [Verdict("V1", 1, [f"{file.path}: {error}"])]
    newest = [key for key in resealer.keys if key.spki_sha256 == resealer.certificate.spki_sha256]
    values = {number: _quietly(after.get(number), newest) for number in numbers} if newest else {}
    earlier = {number: _quietly(before.get(number), resealer.keys) for number in numbers}
    compared = [number for number, value in values.items() if value is not None and earlier[number] is not None]
    changed = [number for number in compared if values[number] != earlier[number]]
    unopened = [number for number, value in values.items() if value is None]

    def told(found: Sequence[int], what: str) -> list[str]:
        names = {item.number: f"{item.secret} {item.key}" for item in file.sealed}
        return [f"{file.path}: {names[number]} {what}" for number in sorted(found)]

    return [
        Verdict("V1", 1, []),
        Verdict("V4", len(compared), told(changed, "holds another value")),
        Verdict("V9", 1, [] if same else [f"{file.path}: more than its items changed"]),
        Verdict("V10", len(values), told(unopened, "does not open with the new key")),
    ]


def _quietly(one: Sealed | None, keys: Sequence[UnsealingKey]) -> bytes | None:
    try:
        return None if one is None else _opened(one, keys)
    except ManifestError:
        return None
