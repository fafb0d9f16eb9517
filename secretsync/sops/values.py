"""One encrypted value: its text form `ENC[…]`, and the canonical bytes that are both plaintext and MAC input.

Source: sops aes/cipher.go and sops.go `ToBytes` at v3.13.3.
"""

from __future__ import annotations

import re
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from secretsync.crypto.gcm import IV_SIZE, TAG_SIZE, Gcm, OddIvError, WrongTagError
from secretsync.documents.tree import Timestamp, Value
from secretsync.errors import AuthenticationTagError, CiphertextFormatError, TreeError
from secretsync.late import LateModule
from secretsync.secrecy import CIPHERTEXT
from secretsync.sops.timestamps import full_precision

if TYPE_CHECKING:
    import decimal
else:
    decimal = LateModule("decimal")  # for very large and very small numbers only

PREFIX: Final = f"{CIPHERTEXT}data:"
COMMENT: Final = "comment"

# In these two no digit can be read in two ways, so that no match is tried twice.
_HEX_FLOAT: Final = r"[+-]?0[xX](?:[0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+"
_DECIMAL_FLOAT: Final = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_BOOLS: Final = dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True) | dict.fromkeys(
    ("0", "f", "F", "FALSE", "false", "False"), False
)
_INT64: Final = 1 << 63
_INFINITY: Final = float("inf")


class Encrypted(NamedTuple):
    """The parts of `ENC[…]`, decoded: IV of any length, ciphertext with its tag behind it, type label."""

    iv: bytes
    sealed: bytes
    label: str


def is_ciphertext(text: object) -> bool:
    """Whether `text` begins as an encrypted value does."""
    return isinstance(text, str) and text.startswith(CIPHERTEXT)


def parse(text: str) -> Encrypted:
    """Take an encrypted value apart; anything behind the closing bracket is ignored, as sops does.

    Raises:
        CiphertextFormatError: not of the form, an empty part, or base64 that is not canonical in length.
    """
    if text.startswith(PREFIX) and text.endswith("]"):
        fields = text[20:-1].split(",")
        if len(fields) == 4 and fields[1][:3] == "iv:" and fields[2][:4] == "tag:" and fields[3][:5] == "type:":
            return _decoded(fields[0], fields[1][3:], fields[2][4:], fields[3][5:])
    parts = _parts(text.partition("\n")[0]) if text.startswith(PREFIX) else None
    if parts is None:
        raise CiphertextFormatError(f"{_shown(text)} is not in the form ENC[AES256_GCM,data:…,iv:…,tag:…,type:…]")
    return _decoded(*parts)


def _parts(line: str) -> tuple[str, str, str, str] | None:
    """Return data, IV, tag and type, each separator as far to the right as leaves every part a character.

    This is what the pattern of sops, four greedy parts on one line, comes to.
    """
    end = line.rfind("]")
    kind = line.rfind(",type:", 0, end - 1) if end > 0 else -1
    tag = line.rfind(",tag:", 0, kind - 1) if kind > 0 else -1
    iv = line.rfind(",iv:", 0, tag - 1) if tag > 0 else -1
    if iv <= len(PREFIX):
        return None
    return line[len(PREFIX) : iv], line[iv + 4 : tag], line[tag + 5 : kind], line[kind + 6 : end]


def decrypt(cipher: Gcm, text: str, aad: bytes) -> tuple[Value, str]:
    """Return the value in `text` and its type label; a value labelled `comment` is the comment's text.

    The empty string is never encrypted and decrypts to itself. The label is not authenticated.

    Raises:
        CiphertextFormatError: the form, the label, or the plaintext under its label is wrong.
        AuthenticationTagError: wrong key or path, or the value was changed.
    """
    if not text:
        return "", "str"
    encrypted = parse(text)
    try:
        plaintext = cipher.open(encrypted.iv, encrypted.sealed, aad)
    except WrongTagError:
        raise AuthenticationTagError("the value does not authenticate under its key and path") from None
    except OddIvError:
        raise odd_iv(encrypted) from None
    return decode(plaintext, encrypted.label), encrypted.label


def odd_iv(encrypted: Encrypted) -> CiphertextFormatError:
    """Return the error for a large value under an IV that no sops writes."""
    return CiphertextFormatError(
        f"an IV of {len(encrypted.iv)} bytes, where sops writes {IV_SIZE}, at a value of more than a mebibyte",
        hint="decrypt the file with sops, and encrypt it anew",
    )


def encrypt(cipher: Gcm, value: Value, aad: bytes, *, comment: bool = False, reuse_iv: bytes | None = None) -> str:
    """Return `value` as `ENC[…]` text under a fresh IV; the empty string stays empty.

    Raises:
        TreeError: the value is of no type that sops knows.
    """
    plaintext = canonical(value)
    if not plaintext:
        return ""
    iv, sealed = cipher.seal(plaintext, aad, reuse_iv=reuse_iv)
    data, tag = sealed[:-TAG_SIZE], sealed[-TAG_SIZE:]
    name = COMMENT if comment else label(value)
    return f"{PREFIX}{_base64(data)},iv:{_base64(iv)},tag:{_base64(tag)},type:{name}]"


def canonical(value: Value) -> bytes:
    """Return the bytes that are encrypted and authenticated for `value`; null has none.

    Raises:
        TreeError: an int beyond 64 bits, which sops cannot represent.
    """
    if type(value) is str:
        return value.encode("utf-8", "surrogatepass")
    if type(value) is bool:
        return b"True" if value else b"False"
    if type(value) is int:
        if not -_INT64 <= value < _INT64:
            raise TreeError("the number does not fit in 64 bits with sign", hint="quote it to make it a string")
        return b"%d" % value
    if type(value) is float:
        return _float_text(value).encode()
    if type(value) is Timestamp:
        return value.text.encode()
    if type(value) is bytes:
        return value
    return b""


def label(value: Value) -> str:
    """Return the type label of `value`; bytes are strings that are not UTF-8."""
    match value:
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
        case Timestamp():
            return "time"
        case _:
            return "str"


def decode(plaintext: bytes, name: str) -> Value:
    """Return the value that `plaintext` is under the type label `name`.

    `bytes`, which no sops since 1.x writes and 3.13.3 panics on, reads as a string.

    Raises:
        CiphertextFormatError: an unknown label, or a plaintext that is not of its label.
    """
    try:
        text = plaintext.decode("utf-8")
    except UnicodeDecodeError:
        if name in ("str", "bytes", COMMENT):
            return plaintext
        raise CiphertextFormatError(f"the decrypted value is not of its type {name[:8]!r}") from None
    if name in ("str", COMMENT, "bytes"):
        return text
    decoder = _DECODERS.get(name)
    if decoder is None:
        raise CiphertextFormatError(f"unknown type {name[:16]!r}")
    value = decoder(text)
    if value is None:
        raise CiphertextFormatError(f"the decrypted value is not of its type {name!r}")
    return value


def _int(text: str) -> int | None:
    """Read as Go's strconv.Atoi does."""
    digits = text[1:] if text[:1] in ("+", "-") else text
    if len(text) > 4000 or not (digits.isascii() and digits.isdecimal()):  # Python refuses longer; zeros may lead
        return None
    value = int(text)
    return value if -_INT64 <= value < _INT64 else None


def _float(text: str) -> float | None:
    """Read as Go's strconv.ParseFloat does: out of range is an error, infinity must be spelled."""
    if text.lower().lstrip("+-") in ("inf", "infinity") and len(text) - len(text.lstrip("+-")) <= 1:
        return float(text)
    if text.lower() == "nan":
        return float("nan")
    if re.fullmatch(_DECIMAL_FLOAT, text):
        value = float(text)
    elif re.fullmatch(_HEX_FLOAT, text):
        value = float.fromhex(text)
    else:
        return None
    return value if abs(value) != _INFINITY else None


def _time(text: str) -> Timestamp | None:
    canonical_text = full_precision(text)
    return None if canonical_text is None else Timestamp(canonical_text)


_DECODERS: Final[dict[str, Callable[[str], Value]]] = {"int": _int, "float": _float, "bool": _BOOLS.get, "time": _time}


def _float_text(value: float) -> str:
    """Return the shortest round-trip digits in positional notation. Source: strconv.FormatFloat(v, 'f', -1, 64)."""
    if value != value:  # noqa: PLR0124  # only NaN differs from itself
        return "NaN"
    if abs(value) == _INFINITY:
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value)
    if "e" in text:
        text = format(decimal.Decimal(text), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decoded(data: str, iv: str, tag: str, name: str) -> Encrypted:
    if not (data and iv and tag and name):
        raise CiphertextFormatError("an encrypted value has an empty part")
    try:
        return Encrypted(
            a2b_base64(iv, strict_mode=True),
            a2b_base64(data, strict_mode=True) + a2b_base64(tag, strict_mode=True),
            name,
        )
    except ValueError:
        raise CiphertextFormatError("an encrypted value holds invalid base64") from None


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode("ascii")


def _shown(text: str) -> str:
    """Name a malformed value without showing it: it may be plaintext."""
    return "the ciphertext" if is_ciphertext(text) else "the value"
