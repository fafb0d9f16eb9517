"""The age v1 file format (C2SP age.md), native: X25519, post-quantum, SSH, passphrases and plugins; armor and STREAM."""

from __future__ import annotations

from secretsync.age.envelope import decrypt, decrypt_stream, encrypt, encrypt_stream
from secretsync.age.keys import generate, parse_identities, parse_identity, parse_recipient
from secretsync.age.protocol import Identity, Recipient
from secretsync.age.x25519 import X25519Identity

__all__ = [
    "Identity",
    "Recipient",
    "X25519Identity",
    "decrypt",
    "decrypt_stream",
    "encrypt",
    "encrypt_stream",
    "generate",
    "parse_identities",
    "parse_identity",
    "parse_recipient",
]
