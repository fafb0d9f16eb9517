"""Private keys by how they look: what never lies in a repository, stands for a public key, or gets into a message.

Any file is looked at, so that each test reads it once: from mark to mark, with a bounded look around each.
"""

from __future__ import annotations

from binascii import a2b_base64
from typing import Final, NamedTuple

AGE: Final = "an age identity"
_AGE: Final = b"age-secret-key-"
_PQ: Final = b"pq-"
_PLUGIN: Final = b"age-plugin-"
_PEM: Final = b"PRIVATE KEY"
_BEGIN: Final = b"-----BEGIN "
_SSH2: Final = b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----"
_PUTTY: Final = b"PuTTY-User-Key-File-"

_BECH32: Final = b"023456789acdefghjklmnpqrstuvwxyz"
_LETTERS: Final = _BECH32.decode()
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_WORD: Final = _BASE64[:26] + _BASE64[52:62] + b" "
_NAME: Final = _BASE64[:62] + b"+._-"
_BETWEEN: Final = b" \t\r\n\"'\\+,|>#"  # what folds a key into lines, quotes or comments
_AROUND: Final = _BETWEEN.replace(b"+", b"")  # a letter of base64
_ESCAPES: Final = (b"\\r", b"\\n", b"\\t")

_KEY_LETTERS: Final = 58  # of an X25519 or a post-quantum identity: 32 bytes and a checksum. Source: BIP 173
_FEWEST: Final = 50  # a mistyped key is one, too
_FEWEST_KINDS: Final = 10  # letters that differ: a placeholder repeats one
_PLUGIN_LETTERS, _LONG_PLUGIN_LETTERS = 6, 20  # a checksum; an identity amid other text
_LONGEST: Final = 400
_BODY: Final = 16
OPENSSH_MAGIC: Final = b"openssh-key-v1\0"
"""What the body of an OpenSSH private key begins with. Source: OpenSSH's PROTOCOL.key."""
_SMALLEST_DER: Final = 40
_LARGEST: Final = 1 << 14  # of an RSA key with 16384 bits


class Found(NamedTuple):
    """A private key in a file: what kind it is, where it begins, and its text where a public half follows from that."""

    kind: str
    start: int
    text: str = ""

    def __repr__(self) -> str:
        return f"Found({self.kind!r}, {self.start})"


def kinds_of(data: bytes) -> list[str]:
    """Return what kinds of private key a file holds; none for nearly all files, and then cheaply."""
    return list(dict.fromkeys(found.kind for found in find(data)))


def find(data: bytes) -> list[Found]:
    """Return the private keys that a file holds, in any case, folded, quoted and in comments, but not encoded."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        data = data.replace(b"\0", b"")  # UTF-16 of ASCII
    lowered = data.lower()
    found = [*_age(lowered), *_plugins(data, lowered), *_pem(data)]
    at = 0 if data.startswith(_SSH2) else data.find(b"\n" + _SSH2) + 1
    found += [Found("an SSH2 private key", at)] if data[at:].startswith(_SSH2) else []
    if data.startswith(_PUTTY) and data[len(_PUTTY) : len(_PUTTY) + 1].isdigit():
        found.append(Found("a PuTTY private key", 0))
    return sorted(found, key=lambda each: each.start)


def kind_of(text: str) -> str | None:
    """Return what kind of private key a value is or begins like, where a public one is due; None where it is none."""
    packed = "".join(text.split()).upper()
    if "AGESECRETKEY" in packed.replace("-", "").replace("_", ""):  # a mistyped one as well
        return AGE
    if packed.startswith("AGE-PLUGIN-"):
        return "an age plugin's identity"
    if "PRIVATEKEYBLOCK" in packed:
        return "a PGP private key"
    if "PRIVATEKEY-----" in packed or "SSH2ENCRYPTEDPRIVATEKEY" in packed or packed.startswith("PUTTY-USER-KEY-"):
        return "a private key"
    if "BEGINAGEENCRYPTEDFILE" in packed:
        return "an encrypted file, as of an age identity"
    if len(packed) == _KEY_LETTERS and len(set(packed)) >= _FEWEST_KINDS and not packed.strip(_LETTERS.upper()):
        return "an age key without its beginning"
    return _encoded(text)


def redacted(text: str) -> str:
    """Return a message without the private keys in it."""
    upper = text.upper()
    if "AGE-" not in upper and "PRIVATE KEY" not in upper:
        return text
    for mark in ("AGE-SECRET-KEY-", "AGE-PLUGIN-"):
        text = _without_bech32(text, mark)
    return _without_pem(text)


def _age(lowered: bytes) -> list[Found]:
    found = []
    at = lowered.find(_AGE)
    while at >= 0:
        rest = lowered[at + len(_AGE) : at + _LONGEST]
        kind = _PQ if rest.startswith(_PQ) else b""
        letters = _letters(rest[len(kind) + 1 :]) if rest[len(kind) :].startswith(b"1") else b""
        if len(letters) >= _FEWEST and len(set(letters)) >= _FEWEST_KINDS:
            identity = (_AGE + kind + b"1" + letters[:_KEY_LETTERS]).decode().upper()
            found.append(Found(AGE, at, identity))
        at = lowered.find(_AGE, at + len(_AGE))
    return found


def _letters(text: bytes) -> bytes:
    """Return the letters of bech32 that a text begins with, whatever folds them."""
    for escape in _ESCAPES:
        text = text.replace(escape, b" ")
    text = text.translate(None, _BETWEEN)
    return text[: len(text) - len(text.lstrip(_BECH32))]


def _plugins(data: bytes, lowered: bytes) -> list[Found]:
    found = []
    at = lowered.find(_PLUGIN)
    while at >= 0:
        text = data[at + len(_PLUGIN) : at + _LONGEST]
        name, _, letters = text[: len(text) - len(text.lstrip(_NAME))].rpartition(b"-1")
        line_start = at == 0 or data[at - 1 : at] == b"\n"
        fewest = _PLUGIN_LETTERS if line_start and letters.isupper() else _LONG_PLUGIN_LETTERS
        if name and len(letters) >= fewest and not letters.lower().strip(_BECH32):
            found.append(Found("an age plugin's identity", at))
        at = lowered.find(_PLUGIN, at + len(_PLUGIN))
    return found


def _pem(data: bytes) -> list[Found]:
    found = []
    at = data.find(_PEM)
    while at >= 0:
        start = data.rfind(_BEGIN, max(0, at - 48), at)
        rest = data[at + len(_PEM) : at + len(_PEM) + _LONGEST] if start >= 0 else b""
        is_pgp = data[start:at] == _BEGIN + b"PGP " and rest.startswith(b" BLOCK-----")
        if start >= 0 and (is_pgp or rest.startswith(b"-----")) and not data[start + len(_BEGIN) : at].strip(_WORD):
            body = rest.partition(b"-----")[2]
            if _is_body(body):
                text = "" if is_pgp else _block(data[start : start + _LARGEST])
                found.append(Found("a PGP private key" if is_pgp else "a private key", start, text))
        at = data.find(_PEM, at + len(_PEM))
    return found


def _block(data: bytes) -> str:
    """Return the lines of a key up to its end, which quotes, comments and escapes may have folded."""
    text = data.partition(b"-----END ")[0]
    for escape in _ESCAPES:
        text = text.replace(escape, b"\n")
    first, *lines = (line.strip(_AROUND) for line in text.split(b"\n"))
    end = first.replace(b"BEGIN", b"END")
    return b"\n".join([first, *filter(None, lines), end, b""]).decode("ascii", "replace")


def _is_body(text: bytes) -> bool:
    """Whether a key follows, behind its headers, or the text ends where one would: prose and placeholders do not."""
    for escape in _ESCAPES:
        text = text.replace(escape, b"\n")
    lines = [line.strip(_BETWEEN) for line in text.split(b"\n")]
    filled = [line for line in lines if line and b": " not in line and not line.endswith(b":")]
    if not filled:
        return not lines[0]
    first = filled[0].split()[0]
    run = len(first) - len(first.lstrip(_BASE64))
    return run >= _BODY


def _encoded(text: str) -> str | None:
    try:
        decoded = a2b_base64("".join(text.split()), strict_mode=True)
    except ValueError:
        return None
    kind = next(iter(kinds_of(decoded)), None)
    if kind is None and (decoded.startswith(OPENSSH_MAGIC) or _is_der_key(decoded)):
        return "the body of a private key"
    return f"{kind} in base64" if kind else None


def _is_der_key(data: bytes) -> bool:
    """Whether it begins as a private key in DER: a sequence whose first item is a small version. Source: RFC 5208, 8017."""
    if data[:1] != b"\x30" or len(data) < _SMALLEST_DER:
        return False
    header = 2 + (data[1] & 0x7F if data[1] & 0x80 else 0)
    return data[header : header + 3] in {b"\x02\x01\x00", b"\x02\x01\x01"}


def _without_bech32(text: str, mark: str) -> str:
    upper = text.upper()
    kept, done = [], 0
    at = upper.find(mark)
    while at >= 0:
        end = _key_end(text, at + len(mark), named=mark == "AGE-PLUGIN-")
        if end is not None and at >= done:
            kept += [text[done:at], "(a private key)"]
            done = end
        at = upper.find(mark, at + len(mark))
    return "".join([*kept, text[done:]])


def _key_end(text: str, start: int, *, named: bool) -> int | None:
    """Return where a key ends whose mark ends at `start`, white space in it included; None where none is there."""
    word = text[start : start + _LONGEST].lower()
    word = word[: len(word) - len(word.lstrip(_NAME.decode().lower()))]
    name, one, letters = word.rpartition("-1") if named else word.partition("1")
    run = len(letters) - len(letters.lstrip(_LETTERS))
    if not one or (named and run < _PLUGIN_LETTERS):
        return None if named else start + len(word)
    end = start + len(name) + len(one) + run
    rest = text[end : end + _LONGEST]
    while True:
        bare = rest.lstrip(" \t\r\n\"'")
        for escape in ("\\n", "\\r", "\\t", "\\x0a", "\\x0d", "\\x09"):
            bare = bare.removeprefix(escape).lstrip(" \t\r\n\"'")
        run = len(bare) - len(bare.lower().lstrip(_LETTERS))
        if run < _PLUGIN_LETTERS or bare[run : run + 1].isalnum():
            return end
        end += len(rest) - len(bare) + run
        rest = bare[run:]


def _without_pem(text: str) -> str:
    start = text.find("-----BEGIN ")
    while start >= 0:
        end_mark = text.find("-----END ", start)
        end = text.find("-----", end_mark + len("-----END ")) if end_mark >= 0 else -1
        end = end + len("-----") if end >= 0 else len(text)
        if "PRIVATE KEY" not in text[start:end]:
            start = text.find("-----BEGIN ", end - len("-----"))  # what begins before ends there, too
            continue
        text = f"{text[:start]}(a private key){text[end:]}"
        start = text.find("-----BEGIN ", start)
    return text
