"""The MAC of a file: SHA-512 over the canonical bytes of its leaves, encrypted with `lastmodified` as additional data.

Leaves follow each other without separators, keys or types; comments and nulls are left out.
Source: sops sops.go `Tree.Encrypt`, `Tree.Decrypt`, decrypt.go at v3.13.3.
"""

from __future__ import annotations

import enum
from typing import Final

import secretsync.sops.values as values
from secretsync.crypto.digests import compare_digest, sha512
from secretsync.crypto.gcm import Gcm
from secretsync.errors import CiphertextFormatError, IntegrityError, MacMismatchError

ONLY_ENCRYPTED: Final = bytes.fromhex("8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69")
"""First bytes hashed under `mac_only_encrypted`: SHA-256 of `sops`. Source: sops.go `MACOnlyEncryptedInitialization`."""

HINT: Final = "see what changed it: git log -p -- FILE; after a merge by hand: secretsync repair FILE"
"""What helps where a MAC does not hold; who knows the file puts its name there (`errors.naming`)."""


class MacPolicy(enum.Enum):
    """What a MAC that does not hold means."""

    VERIFY = "verify"
    IGNORE_UNSAFE = "ignore"


def digest(leaves: list[bytes]) -> str:
    """Return the MAC over the canonical bytes of the leaves in order: 128 upper-case hexadecimal digits."""
    return sha512(b"".join(leaves)).hexdigest().upper()


def seal(cipher: Gcm, mac: str, last_modified: str) -> str:
    """Return `mac` encrypted as the metadata stores it."""
    return values.encrypt(cipher, mac, last_modified.encode())


def verify(cipher: Gcm, stored: str, computed: str, last_modified: str) -> None:
    """Check the stored, encrypted MAC against the computed one.

    Raises:
        MacMismatchError: it is missing, is not an encrypted value, does not authenticate, or is another.
    """
    if not stored:
        raise MacMismatchError("the file has no MAC", hint=HINT)
    try:
        expected, _ = values.decrypt(cipher, stored, last_modified.encode())
    except (IntegrityError, CiphertextFormatError):
        raise MacMismatchError("the MAC cannot be decrypted: it or lastmodified was changed", hint=HINT) from None
    if not isinstance(expected, str) or not compare_digest(expected.encode(), computed.encode()):
        raise MacMismatchError("the MAC does not match the file's values", hint=HINT)
