"""Whole age files: encrypt for recipients, decrypt with identities, in memory or chunk by chunk.

All randomness is drawn here and in the recipients; no caller passes a key or a nonce.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from os import urandom
from typing import BinaryIO, Final

import secretsync.age.armor as armor
import secretsync.age.filekey as filekey
import secretsync.age.stream as stream
from secretsync.age.header import Header, Stanza, authenticated_part, parse
from secretsync.age.protocol import Identity, Recipient
from secretsync.errors import AgeHeaderError, ConfigError, IncorrectIdentityError, NoIdentityMatchError

_SCRYPT: Final = "scrypt"
_POST_QUANTUM: Final = "postquantum"


def decrypt(data: bytes, identities: Iterable[Identity], *, armored: bool | None = None) -> bytes:
    """Return the plaintext of an age file; armor is recognised unless `armored` says what to expect.

    Raises:
        AgeArmorError, AgeHeaderError: this is no well-formed age file.
        NoIdentityMatchError: no identity opens it; the message names each.
        AgeHeaderMacError, AgePayloadError: it was changed after encryption.
        KeyServiceError: a plugin failed.
    """
    if armor.is_armored(data) if armored is None else armored:
        data = armor.decode(data)
    source = BytesIO(data)
    return read_payload(unwrap(parse(source.readline), identities), source)


def decrypt_stream(source: BinaryIO, identities: Iterable[Identity]) -> Iterator[bytes]:
    """Yield the plaintext of a binary age file chunk by chunk, at most 64 KiB each.

    The text is whole only once the iterator has ended without an error. Raises what `decrypt` does.
    """
    file_key = unwrap(parse(source.readline), identities)
    yield from stream.decrypt_chunks(_payload_key(file_key, source), source.read)


def encrypt(plaintext: bytes, recipients: Sequence[Recipient], *, armored: bool = False) -> bytes:
    """Return an age file that each of the recipients can decrypt.

    Raises:
        ConfigError: there are no recipients, or they do not mix in one file.
        KeyServiceError: a plugin failed.
    """
    data = b"".join(encrypt_stream(BytesIO(plaintext), recipients))
    return armor.encode(data) if armored else data


def encrypt_stream(source: BinaryIO, recipients: Sequence[Recipient]) -> Iterator[bytes]:
    """Yield a binary age file chunk by chunk. Raises what `encrypt` does."""
    file_key = filekey.generate()
    nonce = urandom(filekey.NONCE_SIZE)
    yield _header_for(file_key, recipients).encode() + nonce
    yield from stream.encrypt_chunks(filekey.payload_key(file_key, nonce), source.read)


def unwrap(header: Header, identities: Iterable[Identity]) -> bytes:
    """Return the file key once the header's MAC holds under it. Raises what `decrypt` does of the header."""
    if len(header.stanzas) > 1 and any(stanza.type == _SCRYPT for stanza in header.stanzas):
        raise AgeHeaderError("an age header mixes a passphrase with other recipients")
    causes = []
    for identity in sorted(identities, key=lambda identity: not identity.native):
        try:
            file_key = identity.unwrap(header.stanzas)
        except IncorrectIdentityError as error:
            causes.append(f"{identity}: {error}")
            continue
        filekey.verify_header(file_key, header)
        return file_key
    raise NoIdentityMatchError(f"no identity opens this age file ({'; '.join(causes) or 'none given'})")


def read_payload(file_key: bytes, source: BinaryIO) -> bytes:
    """Return the plaintext that follows a header. Raises what `decrypt` does of the payload."""
    return b"".join(stream.decrypt_chunks(_payload_key(file_key, source), source.read))


def _payload_key(file_key: bytes, source: BinaryIO) -> bytes:
    nonce = stream.read_fully(source.read, filekey.NONCE_SIZE)
    if len(nonce) != filekey.NONCE_SIZE:
        raise AgeHeaderError("the age file ends before its payload")
    return filekey.payload_key(file_key, nonce)


def _header_for(file_key: bytes, recipients: Sequence[Recipient]) -> Header:
    if not recipients:
        raise ConfigError("no age recipients were given")
    stanzas: list[Stanza] = []
    labels: frozenset[str] | None = None
    for recipient in recipients:
        wrapped = recipient.wrap(file_key)
        if labels is not None and wrapped.labels != labels:
            raise ConfigError(_mixing_problem(labels ^ wrapped.labels))
        labels = wrapped.labels
        stanzas += wrapped.stanzas
    authenticated = authenticated_part(stanzas)
    return Header(tuple(stanzas), authenticated, filekey.header_mac(file_key, authenticated))


def _mixing_problem(difference: frozenset[str]) -> str:
    if _POST_QUANTUM in difference:
        return "post-quantum and classic age recipients do not mix in one age file: the classic ones would weaken it"
    return "these age recipients do not mix in one age file (a passphrase stands alone)"
