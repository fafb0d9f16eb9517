"""Encrypting: a new file from a plain one, and the documents of a file whose values changed.

Every result is read back and decrypted in memory before it is returned, and comments are encrypted for the place where
that reading finds them. Source: sops sops.go `Tree.Encrypt`, cmd/sops/encrypt.go at v3.13.3.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property, partial
from typing import TYPE_CHECKING

import secretsync.sops.block as blocks
import secretsync.sops.datakey as datakey
import secretsync.sops.mac as mac
import secretsync.sops.regrouping as regrouping
import secretsync.sops.values as values
from secretsync.crypto.gcm import IV_SIZE, Gcm
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Comment, Scalar, Source, Timestamp, Value
from secretsync.errors import AlreadyEncryptedError, ConversionError, EmptyFileError, PlaintextError, TreeError
from secretsync.masterkeys.kinds import KINDS
from secretsync.sops.conversion import converted
from secretsync.sops.decryption import Origin
from secretsync.sops.moving_comments import hoisted
from secretsync.sops.selectors import Selector
from secretsync.sops.timestamps import timestamp
from secretsync.sops.unread_comments import without_strays
from secretsync.sops.walk import Walk
from secretsync.sops.writing import write

if TYPE_CHECKING:
    from secretsync.sops.decryption import Decrypted


def encrypt(  # noqa: PLR0913  # the options of `sops encrypt`
    source: Source,
    *,
    groups: Sequence[Sequence[datakey.MasterKey | tuple[str, str]]],
    keys: datakey.Keys,
    now: datetime,
    selector: Selector | None = None,
    mac_only: bool = False,
    threshold: int = 0,
    allow_plaintext: bool = False,
    output_store: str | None = None,
    indent: int | None = None,
    reuse: Decrypted | None = None,
    warnings: list[str] | None = None,
) -> bytes:
    """Return `source` encrypted for `groups` under a fresh data key, written over its own text where stores agree.

    `selector` None means sops' default suffix. Binary input takes neither selector nor `mac_only`, with a warning.
    `reuse` is an earlier version of the file, decrypted: its data key stays, and so does the ciphertext of every value
    that did not change. Warnings for people are appended to `warnings`.

    Raises:
        EmptyFileError, AlreadyEncryptedError: nothing to encrypt, or already encrypted.
        TreeError: a key that is no string, a number beyond 64 bits.
        ConfigError: an invalid pattern; no recipient; an impossible threshold.
        PlaintextError: the selector leaves every value in the clear (unless `allow_plaintext`).
        ConversionError: the output format cannot hold the tree, or cannot be read back.
        KeyServiceError: a recipient's service failed.
    """
    notes = [] if warnings is None else warnings
    name = output_store or source.store
    _check_documents(source, name)
    binary = store_named(source.store).ONE_VALUE
    if binary and (selector is not None or mac_only):
        notes.append("a binary file has one value: selectors and mac_only_encrypted are ignored")
    if name != source.store:
        source = converted(source, name, notes, indent=indent)
    stored = None if binary else (selector or Selector.default()).require_valid()
    effective = stored or Selector.default()
    source = hoisted(without_strays(source, effective, notes), effective)
    data_key = reuse.data_key if reuse else datakey.new()
    recipients = [[datakey.MasterKey(*one) for one in group] for group in groups]
    wrap = partial(regrouping.wrap_again, earlier=reuse.metadata) if reuse else datakey.wrap
    envelopes, threshold = wrap(recipients, data_key, keys, now=now, threshold=threshold)
    walk = Encryption(effective, Gcm(data_key.expose()), mac_only=mac_only and not binary, earlier=reuse)
    documents = walk.documents(source.documents)
    if not allow_plaintext:
        _refuse_plaintext(walk)
    notes += _demands(walk, recipients)
    fields = _fields(walk, now, stored, threshold)
    block = blocks.fresh(fields, envelopes)
    return write(source, documents, block, comments=walk.secrets, data_key=data_key, first=True).data


def _refuse_plaintext(walk: Encryption) -> None:
    if walk.has_values and not walk.encrypted:
        raise PlaintextError(
            f"{walk.selector.kind} {walk.selector.pattern!r} selects nothing: every value would stay readable",
            hint="correct the selector, or accept it with --allow-plaintext",
        )


def _fields(walk: Encryption, now: datetime, stored: Selector | None, threshold: int) -> dict[str, str | bool | int]:
    """Return the fields of a fresh block, the MAC over what was walked among them."""
    fields: dict[str, str | bool | int] = {
        "lastmodified": (modified := timestamp(now)),
        "mac": mac.seal(walk.cipher, mac.digest(walk.hashed), modified),
        "mac_only_encrypted": walk.mac_only,
        "shamir_threshold": threshold,
        "version": blocks.VERSION,
    }
    if stored:
        fields[stored.kind] = stored.pattern
    return fields


class Encryption(Walk):
    """The walk that encrypts: selected leaves and comments become ciphertext, all leaves enter the MAC.

    With `earlier`, a value that did not change keeps its ciphertext under the same data key, or its IV under a new one.
    `secrets` maps each ciphertext of a comment to its text.
    """

    def __init__(
        self,
        selector: Selector,
        cipher: Gcm,
        *,
        mac_only: bool,
        earlier: Decrypted | None = None,
        rekeyed: bool = False,
    ) -> None:
        super().__init__(selector)
        self.cipher = cipher
        self.hashed: list[bytes] = [mac.ONLY_ENCRYPTED] if mac_only else []
        self.mac_only = mac_only
        self.has_values = self.has_times = self.encrypted = False
        self.secrets: dict[str, str] = {}
        self._rekeyed = rekeyed
        self._origins: AnyMapping[int, Origin] = earlier.origins if earlier else {}
        self._before = earlier

    def leaf(self, scalar: Scalar, aad: bytes, *, selected: bool) -> Scalar:
        """Encrypt a selected leaf; null and the empty string stay."""
        value = scalar.value
        plaintext = values.canonical(value)
        if selected or not self.mac_only:
            self.hashed.append(plaintext)
        self.has_values |= bool(plaintext)
        self.has_times |= isinstance(value, Timestamp)
        if not (selected and plaintext):
            return scalar
        self.encrypted = True
        new = self._earlier(scalar, (aad, values.label(value), plaintext))
        if isinstance(new, Scalar):
            return new
        return Scalar(self._fresh(value, aad, new if isinstance(new, bytes) else None))

    def comment(self, comment: Comment, aad: bytes, *, selected: bool) -> Comment | Scalar:
        """Encrypt a selected comment; it stays a comment in the text.

        One that was ciphertext before stays so, even where an edit has moved it out of what is selected.
        """
        origin = self._origins.get(id(comment))
        if not comment.text or not (selected or origin):
            return comment
        if origin and not selected:
            aad = origin.aad
        old = self._earlier(comment, (aad, values.COMMENT, comment.text.encode()))
        if isinstance(old, (Comment, Scalar)):
            self.secrets[_ciphertext(old)] = comment.text
            return old
        text = self._fresh(comment.text, aad, old, comment=True)
        self.secrets[text] = comment.text
        if self.selector.by_comment and not self.selector.encrypting and self.selector.matches(text):
            raise TreeError(f"{self.selector.kind} {self.selector.pattern!r} also matches encrypted comments")
        return Comment(text, comment.inline)

    def _fresh(self, value: Value, aad: bytes, reuse_iv: bytes | None, *, comment: bool = False) -> str:
        return values.encrypt(self.cipher, value, aad, comment=comment, reuse_iv=reuse_iv)

    def _earlier(self, node: Scalar | Comment, key: tuple[bytes, str, bytes]) -> Scalar | Comment | bytes | None:
        """Return the earlier encrypted node of the same value at the same path; only its IV if the data key is new."""
        origin = self._origins.get(id(node))
        old: Scalar | Comment | None
        if origin is not None and (origin.aad == key[0] or isinstance(node, Comment)):  # writing settles a comment
            old = origin.node
        else:
            known = self._stash.get(key) if self._before else None
            old = None if not known else known.pop(0) if len(known) > 1 else known[0]
        if old is None or not self._rekeyed:
            return old
        iv = values.parse(_ciphertext(old)).iv
        return iv if len(iv) == IV_SIZE else None

    @cached_property
    def _stash(self) -> dict[tuple[bytes, str, bytes], list[Scalar | Comment]]:
        """The earlier values by path, type and bytes, in their order; who only changes the data key needs none."""
        stash: defaultdict[tuple[bytes, str, bytes], list[Scalar | Comment]] = defaultdict(list)
        assert self._before is not None  # `stored` asks for none where there is no earlier version
        _Remembered(self.selector, stash, self._origins).documents(self._before.documents)
        return stash


class _Remembered(Walk):
    """Collects the encrypted nodes of an earlier version under the values they hold."""

    def __init__(
        self,
        selector: Selector,
        stash: defaultdict[tuple[bytes, str, bytes], list[Scalar | Comment]],
        origins: AnyMapping[int, Origin],
    ) -> None:
        super().__init__(selector)
        self._stash = stash
        self._origins = origins

    def leaf(self, scalar: Scalar, aad: bytes, *, selected: bool) -> Scalar:  # noqa: ARG002  # the walk's signature
        """Remember where this value came from."""
        self._add(scalar, values.label(scalar.value), values.canonical(scalar.value))
        return scalar

    def comment(self, comment: Comment, aad: bytes, *, selected: bool) -> Comment:  # noqa: ARG002  # the walk's signature
        """Remember where this comment came from."""
        self._add(comment, values.COMMENT, comment.text.encode())
        return comment

    def _add(self, node: Scalar | Comment, label: str, plaintext: bytes) -> None:
        origin = self._origins.get(id(node))
        if origin is not None:
            self._stash[origin.aad, label, plaintext].append(origin.node)


def _demands(walk: Encryption, recipients: list[list[datakey.MasterKey]]) -> list[str]:
    """Say which sops a reader needs, where that is later than 3.9. Source: the release notes of sops."""
    demands = []
    if any(KINDS[one.kind].is_post_quantum(one.name) for group in recipients for one in group if one.kind in KINDS):
        demands.append("sops opens this file from 3.12 on: it has a post-quantum recipient")
    if walk.has_times:
        demands.append("sops opens this file from 3.10 on: it holds a timestamp")
    return demands


def _check_documents(source: Source, output_store: str) -> None:
    if not source.documents:
        raise EmptyFileError("the file is empty; it must hold at least one document")
    store = store_named(output_store)
    for number, document in enumerate(source.documents, 1):
        if not store.is_reserved(document):
            continue
        if number == 1:
            raise AlreadyEncryptedError(
                "the file already has a top-level `sops` entry",
                location="#1 sops",
                hint="use edit to change an encrypted file, or rename the entry",
            )
        raise ConversionError("`sops` is reserved for the metadata of sops", location=f"#{number} sops")


def _ciphertext(node: Scalar | Comment) -> str:
    return node.text if isinstance(node, Comment) else str(node.value)
