"""Decrypting the documents of one SOPS file, which come out only once the MAC over all of them holds.

Comments are not part of the MAC. One that does not decrypt where it stands is tried under the paths around it, since
its place can shift when a file is reformatted, and otherwise stays as text with a warning.
Source: sops sops.go `Tree.Decrypt`, cmd/sops/common `DecryptTree` at v3.13.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import secretsync.sops.datakey as datakey
import secretsync.sops.mac as mac
import secretsync.sops.metadata as metadata_module
import secretsync.sops.values as values
from secretsync.crypto.gcm import Gcm, OddIvError, WrongTagError
from secretsync.documents.tree import Comment, Mapping, Scalar, Source
from secretsync.errors import AuthenticationTagError, CiphertextFormatError, SecretsyncError
from secretsync.secrecy import SecretBytes
from secretsync.sops.mac import MacPolicy
from secretsync.sops.metadata import Metadata
from secretsync.sops.walk import Walk


class Origin(NamedTuple):
    """The encrypted node that a decrypted one came from, and the additional data it stood under."""

    node: Scalar | Comment
    aad: bytes


class Decrypted(NamedTuple):
    """A verified file: plain documents without `sops`, its metadata and data key, and warnings for people.

    `origins` maps the id of each decrypted node to its encrypted one, so that re-encryption keeps what did not change.
    """

    documents: list[Mapping]
    metadata: Metadata
    data_key: SecretBytes
    warnings: list[str]
    origins: dict[int, Origin]


def decrypt(
    source: Source,
    keys: datakey.Keys,
    *,
    mac_policy: MacPolicy = MacPolicy.VERIFY,
    decryption_order: Sequence[str] = datakey.DEFAULT_ORDER,
) -> Decrypted:
    """Decrypt a loaded SOPS file and verify its MAC. Raises: as `decrypt_unit`."""
    return decrypt_unit(source.documents, keys, mac_policy=mac_policy, decryption_order=decryption_order)


def decrypt_unit(
    documents: list[Mapping],
    keys: datakey.Keys,
    *,
    mac_policy: MacPolicy = MacPolicy.VERIFY,
    decryption_order: Sequence[str] = datakey.DEFAULT_ORDER,
) -> Decrypted:
    """Decrypt the documents of one unit of encryption, which share the metadata of the first.

    Raises:
        MetadataError: no usable `sops` block.
        NoIdentityMatchError, KeyServiceError: the data key cannot be recovered.
        CiphertextFormatError: a selected value is not ciphertext.
        AuthenticationTagError: a value was changed or moved, or the data key is another.
        MacMismatchError: the MAC does not hold (unless ignored).
        TreeError, LimitError: a key that is no string; a number beyond 64 bits; nested too deeply.
    """
    bare, metadata = metadata_module.split(documents)
    return decrypt_with(bare, metadata, datakey.recover(metadata, keys, decryption_order), mac_policy=mac_policy)


def decrypt_with(
    bare: list[Mapping], metadata: Metadata, data_key: SecretBytes, *, mac_policy: MacPolicy = MacPolicy.VERIFY
) -> Decrypted:
    """Decrypt documents that are without their `sops` entries, with a data key at hand. Raises: as `decrypt_unit`."""
    cipher = Gcm(data_key.expose())
    walk = Decryption(metadata, cipher)
    plain = walk.documents(bare)
    if mac_policy is MacPolicy.VERIFY:
        mac.verify(cipher, metadata.mac, mac.digest(walk.hashed), metadata.last_modified)
    return Decrypted(plain, metadata, data_key, walk.warnings(), walk.origins)


class Decryption(Walk):
    """The walk that decrypts: collects the MAC's input and where each node came from."""

    def __init__(self, metadata: Metadata, cipher: Gcm) -> None:
        super().__init__(metadata.selector)
        self.cipher = cipher
        self.hashed: list[bytes] = [mac.ONLY_ENCRYPTED] if metadata.mac_only_encrypted else []
        self.origins: dict[int, Origin] = {}
        self._only_encrypted = metadata.mac_only_encrypted
        self._clear: list[str] = []
        self._lost: list[str] = []
        self.has_comments = False

    def leaf(self, scalar: Scalar, aad: bytes, *, selected: bool) -> Scalar | Comment:
        """Decrypt a selected leaf; an element of a sequence may turn out to be a comment."""
        value = scalar.value
        if value is None:
            return scalar
        if not selected:
            if not self._only_encrypted:
                self.hashed.append(values.canonical(value))
            return scalar
        if value == "" and type(value) is str:
            return scalar
        if type(value) is not str:
            raise CiphertextFormatError(f"expected an encrypted value, found a plain {values.label(value)}")
        encrypted = values.parse(value)
        try:
            plaintext = self.cipher.open(encrypted.iv, encrypted.sealed, aad)
        except WrongTagError:
            raise AuthenticationTagError("the value does not authenticate under its key and path") from None
        except OddIvError:
            raise values.odd_iv(encrypted) from None
        decoded = values.decode(plaintext, encrypted.label)
        new: Scalar | Comment
        if encrypted.label == values.COMMENT:
            new = Comment(str(decoded))
        else:
            new = Scalar(decoded)
            # The canonical bytes of the value, not the plaintext: the label is not authenticated, the MAC is typed.
            self.hashed.append(plaintext if encrypted.label == "str" else values.canonical(decoded))
        self.origins[id(new)] = Origin(scalar, aad)
        return new

    def comment(self, comment: Comment, aad: bytes, *, selected: bool) -> Comment:
        """Decrypt a comment if it is ciphertext; what does not decrypt stays as it is."""
        self.has_comments = True
        if not values.is_ciphertext(comment.text):
            if selected and comment.text:
                self._clear.append(self.location())
            return comment
        for attempt in self._paths(aad):
            try:
                text, _ = values.decrypt(self.cipher, comment.text, attempt)
            except SecretsyncError:
                continue
            new = Comment(str(text), comment.inline)
            self.origins[id(new)] = Origin(comment, attempt)
            return new
        self._lost.append(self.location())
        return comment

    def warnings(self) -> list[str]:
        """Return what a person should know of a file that decrypted."""
        selector = self.selector
        found = []
        if selector.invalid is not None:
            found.append(
                f"the stored {selector.kind} {selector.pattern!r} is not valid RE2 and matches nothing: {selector.invalid}"
            )
        if self._clear:
            found.append(f"{self._clear[0]}: {_count(self._clear)} not encrypted, although the selector covers it")
        if self._lost:
            found.append(f"{self._lost[0]}: {_count(self._lost)} encrypted, but not for this place; kept as it is")
        return found

    def _paths(self, aad: bytes) -> list[bytes]:
        """Return where a comment may have stood: here, in the containers around, in those just before."""
        paths = [aad]
        outer = aad[:-1]
        while b":" in outer:
            outer = outer[: outer.rindex(b":")]
            paths.append(outer + b":")
        paths += [b":", *self.closed]
        return list(dict.fromkeys(paths))


def _count(places: list[str]) -> str:
    return "a comment is" if len(places) == 1 else f"this and {len(places) - 1} other comments are"
