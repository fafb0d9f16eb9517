"""The age payload: STREAM in chunks of 64 KiB, each authenticated with its number and whether it is the last.

Source: C2SP age.md, "Payload".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Final

from cryptography.exceptions import InvalidTag

from secretsync.crypto.pyca import ChaCha20Poly1305
from secretsync.errors import AgePayloadError

CHUNK_SIZE: Final = 64 * 1024
_TAG_SIZE: Final = 16


def decrypt(key: bytes, payload: bytes) -> bytes:
    """Return the whole plaintext of `payload` under the 32-byte payload key.

    Raises:
        AgePayloadError: the payload is damaged, truncated or extended.
    """
    return b"".join(decrypt_chunks(key, BytesIO(payload).read))


def decrypt_chunks(key: bytes, read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Yield the plaintext chunk by chunk; each is authentic, and the text is whole only once the iterator ends.

    Raises:
        AgePayloadError: the payload is damaged, truncated or extended; what was yielded before is a prefix.
    """
    cipher = ChaCha20Poly1305(key)
    index, last = 0, False
    while not last:
        chunk = read_fully(read, CHUNK_SIZE + _TAG_SIZE)
        last = len(chunk) < CHUNK_SIZE + _TAG_SIZE
        if last and (not chunk or (index and len(chunk) == _TAG_SIZE)):
            raise AgePayloadError("the age payload is truncated" if not chunk else "the last age chunk is empty")
        plaintext = _opened(cipher, index, chunk, last=last)
        if plaintext is None and not last:
            last = True
            plaintext = _opened(cipher, index, chunk, last=True)
        if plaintext is None:
            raise AgePayloadError("the age payload does not authenticate: it was changed or cut off")
        yield plaintext
        index += 1
    if read(1):
        raise AgePayloadError("there is data after the end of the age payload")


def encrypt_chunks(key: bytes, read: Callable[[int], bytes]) -> Iterator[bytes]:
    """Yield the payload chunk by chunk; the 32-byte key must be fresh for this payload."""
    cipher = ChaCha20Poly1305(key)
    index = 0
    chunk = read_fully(read, CHUNK_SIZE)
    while True:
        following = read_fully(read, CHUNK_SIZE)
        yield cipher.encrypt(_nonce(index, last=not following), chunk, None)
        if not following:
            return
        chunk = following
        index += 1


def _opened(cipher: ChaCha20Poly1305, index: int, chunk: bytes, *, last: bool) -> bytes | None:
    try:
        return cipher.decrypt(_nonce(index, last=last), chunk, None)
    except InvalidTag:
        return None


def _nonce(index: int, *, last: bool) -> bytes:
    return (index << 8 | last).to_bytes(12, "big")


def read_fully(read: Callable[[int], bytes], size: int) -> bytes:
    """Return `size` bytes, or fewer only at the end of the input (a raw stream may return less than asked)."""
    part = read(size)
    if len(part) == size or not part:
        return part
    parts = [part]
    missing = size - len(part)
    while missing and (part := read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
