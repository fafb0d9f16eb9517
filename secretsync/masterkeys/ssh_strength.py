"""What is wrong with an SSH key as a recipient: keys of a token cannot decrypt, and short RSA keys protect too little."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from typing import Final

MIN_RSA_BITS: Final = 3072  # NIST SP 800-57 part 1 rev. 5, table 2: 128 bits of security


def weakness(recipient: str) -> str | None:
    """Return what is wrong with an SSH key as a recipient, or None; so for anything else."""
    if recipient.startswith(("sk-", "ssh-sk")):
        return "an SSH key of a security token can sign and not decrypt"
    bits = _rsa_bits(recipient)
    if bits is not None and bits < MIN_RSA_BITS:
        return f"an RSA key of {bits} bits is too short; {MIN_RSA_BITS} are needed"
    return None


def _rsa_bits(recipient: str) -> int | None:
    """Return the size of an `ssh-rsa` key. Source: RFC 4253, 6.6: type, exponent and modulus, each with its length."""
    words = recipient.split()
    if len(words) < 2 or words[0] != "ssh-rsa":
        return None
    try:
        rest, fields = b64decode(words[1], validate=True), []
    except Base64Error:
        return None
    while len(rest) > 4:
        size = int.from_bytes(rest[:4], "big")
        fields.append(rest[4 : 4 + size])
        rest = rest[4 + size :]
    return int.from_bytes(fields[2], "big").bit_length() if len(fields) == 3 else None
