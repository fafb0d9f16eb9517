"""Bech32 (BIP 173) without its length limit, as age writes recipients and identities.

Human-readable parts keep the case of the text they stand in; mixed case is refused.
"""

from __future__ import annotations

from typing import Final

from secretsync.errors import FormatError

_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"  # Source: BIP 173, "Bech32"
_VALUES: Final = {character: value for value, character in enumerate(_ALPHABET)}
_GENERATOR: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)  # Source: BIP 173, "Checksum"
_CHECKSUM_LENGTH: Final = 6


def _checksum_steps() -> tuple[int, ...]:
    """Return what the generator adds to the checksum for each of the 32 values that are shifted out of it."""
    steps = [0] * 32
    for top in range(32):
        for bit, coefficient in enumerate(_GENERATOR):
            if top >> bit & 1:
                steps[top] ^= coefficient
    return tuple(steps)


_STEPS: Final = _checksum_steps()


def encode(prefix: str, payload: bytes) -> str:
    """Return `payload` under the lower-case human-readable part `prefix`."""
    bits = int.from_bytes(payload, "big") << (-len(payload) * 8 % 5)
    count = (len(payload) * 8 + 4) // 5
    values = [bits >> 5 * position & 31 for position in range(count - 1, -1, -1)]
    checksum = _polymod(_expanded(prefix) + values + [0] * _CHECKSUM_LENGTH) ^ 1
    values += [checksum >> 5 * position & 31 for position in range(_CHECKSUM_LENGTH - 1, -1, -1)]
    return f"{prefix}1" + "".join([_ALPHABET[value] for value in values])


def decode(text: str) -> tuple[str, bytes]:
    """Return the human-readable part, in the case of the text, and the payload.

    Raises:
        FormatError: the text is no Bech32, or its checksum does not hold. The message never holds the text.
    """
    lower = text.lower()
    if lower != text and text.upper() != text:
        raise FormatError("bech32 text mixes upper and lower case")
    separator = lower.rfind("1")
    if separator < 1 or len(text) - separator - 1 < _CHECKSUM_LENGTH:
        raise FormatError("bech32 text has no prefix or is too short")
    prefix = lower[:separator]
    values = [_VALUES.get(character, -1) for character in lower[separator + 1 :]]
    if not text.isascii() or -1 in values or not all(33 <= ord(character) <= 126 for character in prefix):
        raise FormatError("bech32 text holds an invalid character")
    if _polymod(_expanded(prefix) + values) != 1:
        raise FormatError("bech32 checksum does not hold: the text is mistyped or cut off")
    return text[:separator], _packed(values[:-_CHECKSUM_LENGTH])


def _packed(values: list[int]) -> bytes:
    bits = 0
    for value in values:
        bits = bits << 5 | value
    spare = len(values) * 5 % 8
    if spare >= 5 or bits & (1 << spare) - 1:
        raise FormatError("bech32 payload has bits left over")
    return (bits >> spare).to_bytes(len(values) * 5 // 8, "big")


def _expanded(prefix: str) -> list[int]:
    codes = prefix.encode("ascii")
    return [code >> 5 for code in codes] + [0] + [code & 31 for code in codes]


def _polymod(values: list[int]) -> int:
    checksum = 1
    for value in values:
        checksum = (checksum & 0x1FFFFFF) << 5 ^ value ^ _STEPS[checksum >> 25]
    return checksum
