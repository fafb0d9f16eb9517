"""Session keys and OAEP seeds that follow from the secret itself, so that the same input seals to the same bytes.

Rendering in a hook seals again on every refresh; random ciphertext there would never be in sync. Every derived value is
a pseudorandom function of certificate, scope, namespace, name, item and the whole plaintext, each length-prefixed: two
different items never share a session key, which is what the all-zero nonce of the format asks for (ADR 0004).
"""

from __future__ import annotations

import hmac
from typing import Final, NamedTuple

from secretsync.errors import ConfigError
from secretsync.secrecy import SecretBytes

_MIN_SEAL_KEY: Final = 32
_MIN_DISTINCT: Final = 8  # 32 random bytes show fewer than 8 different ones with a probability below 2**-80


class Binding(NamedTuple):
    """What an item is bound to besides its plaintext; `spki_sha256` is hex, as in `SealingCertificate`."""

    spki_sha256: str
    scope: str
    namespace: str
    name: str
    item: str


class SealKey:
    """The secret that deterministic sealing derives from. Holders can test guesses of short values offline."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "SealKey(…)"

    def __reduce__(self) -> str:
        raise TypeError("a seal key does not pickle itself")

    @classmethod
    def from_data_key(cls, data_key: SecretBytes) -> SealKey:
        """Derive it from the 32-byte data key of the SOPS file that holds the values."""
        return cls(_derive(data_key.expose(), b"secretsync/seal/v1 sops data key"))

    @classmethod
    def from_seal_key(cls, raw: SecretBytes) -> SealKey:
        """Derive it from the raw content of a seal key file; never equal to one from a data key.

        Raises:
            ConfigError: it is shorter than 32 bytes, or plainly not random.
        """
        hint = "make one: openssl rand -out seal.key 32"
        if len(raw) < _MIN_SEAL_KEY:
            raise ConfigError(f"the seal key has {len(raw)} bytes; at least 32 random ones are needed", hint=hint)
        if len(set(raw.expose())) < _MIN_DISTINCT:
            raise ConfigError("the seal key is not random", hint=hint)
        return cls(_derive(raw.expose(), b"secretsync/seal/v1 seal key file"))

    def session(self, place: Binding, plaintext: bytes) -> tuple[bytes, bytes]:
        """Return the 32-byte session key and the 32-byte OAEP seed of an item."""
        fields = (*(part.encode() for part in place), plaintext)
        message = b"".join(len(part).to_bytes(8, "big") + part for part in fields)
        key = hmac.digest(self._key, message, "sha256")
        return _expand(key, b"aes"), _expand(key, b"oaep")


def _derive(secret: bytes, info: bytes) -> bytes:
    """HKDF-SHA256 with an empty salt and 32 bytes of output. Source: RFC 5869, 2.2 and 2.3."""
    return _expand(hmac.digest(bytes(32), secret, "sha256"), info)


def _expand(key: bytes, info: bytes) -> bytes:
    """HKDF-Expand for one block of SHA-256."""
    return hmac.digest(key, info + b"\x01", "sha256")
