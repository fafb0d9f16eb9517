"""Whether a value that lies in the clear is a secret: what only stands for one, until something fills it in, is none.

A value may be mixed of text and of what stands for something. Then it is a secret where a part of it that is one by its
place is text: the password of an address, or what follows a name such as `password`.
Source: Flux postBuild substitution, argocd-vault-plugin, vals, 1Password and Bank-Vaults, as each documents its references.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from secretsync.errors import ManifestError
from secretsync.letters import DIGITS
from secretsync.manifests.secret import decode_base64
from secretsync.secrecy import CIPHERTEXT

_WHOLE: Final = ("op://", "ref+", "secretref+", "<path:")
"""What a reference begins with that is all of a value."""
_NAMES: Final = frozenset(
    [
        "apikey",
        "auth",
        "authorization",
        "bearer",
        "credential",
        "credentials",
        "key",
        "pass",
        "passphrase",
        "passwd",
        "password",
        "private",
        "pw",
        "pwd",
        "secret",
        "secrets",
        "token",
        "tokens",
    ]
)
"""Words that say of what follows that it is secret."""
_EMPTY: Final = frozenset(("", "{}", "[]", "null"))
_FILLED: Final = "\0"
"""Stands where something is filled in, while a mixed value is looked at."""
_LETTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_" + DIGITS)
_AFTER_NAMES: Final = frozenset("-:?!=+,^#%/")
_MARKS: Final = frozenset("$<{")
_LONGEST: Final = 1000  # characters of one placeholder or address
_HALF: Final = 6  # characters
_QUOTES: Final = " \t\"'`,;"
_BLANK: Final = " \t\r\n"


def is_secret(value: object, *, encoded: bool = False, vault_keys: bool = False) -> bool:
    """Whether a value of a Secret is a secret that lies in the clear. It is looked at in linear time, and never shown.

    `encoded` says that it may be base64, as in `data`; `vault_keys` that `<key>` stands for a key of a vault.
    """
    if value is None:
        return False
    if not isinstance(value, str):
        return True
    if _is_secret_text(value, vault_keys=vault_keys) and encoded:
        try:
            text = decode_base64(value).decode("utf-8", "replace")
        except ManifestError:
            return True
        return CIPHERTEXT not in text and _is_secret_text(text, vault_keys=vault_keys)
    return _is_secret_text(value, vault_keys=vault_keys)


def _is_secret_text(value: str, *, vault_keys: bool) -> bool:
    text = value.strip(_BLANK)
    if text in _EMPTY or text.startswith(CIPHERTEXT):
        return False
    if text.startswith(_WHOLE) or (text.startswith("vault:") and "#" in text):
        return len(text.splitlines()) > 1
    filled = _filled(text, vault_keys=vault_keys)
    if _FILLED not in filled:
        return True
    if "{{" in text and len(text.splitlines()) > 1:
        return True  # a file with templates of its own, as Alertmanager's, whose secrets have names of all kinds
    return _has_literal_password(filled) or any(map(_gives_literal, _assignments(filled))) or _is_half(filled)


def _filled(text: str, *, vault_keys: bool) -> str:
    """Return a text with a mark in place of everything that is filled in later."""
    parts: list[str] = []
    done = 0
    for at in [index for index, letter in enumerate(text) if letter in _MARKS]:
        end, default = _placeholder(text, at, vault_keys=vault_keys) if at >= done else (0, "")
        if end:
            parts += [text[done:at], default or _FILLED]
            done = end
    return "".join([*parts, text[done:]])


def _placeholder(text: str, at: int, *, vault_keys: bool) -> tuple[int, str]:
    """Return where a placeholder ends that begins `at`, 0 where none does, and the text that it has for want of a value."""
    if text.startswith("${", at):
        return _variable(text, at)
    if text.startswith("{{", at):
        end = text.find("}}", at, at + _LONGEST)
        return (end + 2 if end > 0 else 0), ""
    if text.startswith("<path:", at) or (vault_keys and text.startswith("<", at)):
        end = text.find(">", at, at + _LONGEST)
        return (end + 1 if end > at + 1 and "\n" not in text[at:end] else 0), ""
    return 0, ""


def _variable(text: str, at: int) -> tuple[int, str]:
    end = text.find("}", at, at + _LONGEST)
    inner = text[at + 2 : end] if end > 0 else ""
    name = inner[: len(inner) - len(inner.lstrip("".join(_LETTERS)))]
    rest = inner[len(name) :]
    if not name or name[0] in DIGITS or (rest and rest[0] not in _AFTER_NAMES):
        return 0, ""
    default = rest[2:] if rest[:2] in {":=", ":-"} else rest[1:] if rest[:1] in {"=", "-"} else ""
    return end + 1, default


def _has_literal_password(text: str) -> bool:
    """Whether an address `scheme://user:password@host` has a password that is text."""
    at = text.find("://")
    while at >= 0:
        authority = text[at + 3 : at + _LONGEST].partition("/")[0].partition(" ")[0].partition("\n")[0]
        user, sign, _ = authority.rpartition("@")
        _, colon, password = user.partition(":")
        if sign and colon and password and _FILLED not in password:
            return True
        at = text.find("://", at + 3)
    return False


def _is_half(text: str) -> bool:
    """Whether a value of one word is half of a secret itself: letters and digits in one run, beside what is filled in."""
    if "://" in text or len(text.split()) != 1:
        return False
    runs = "".join(letter if letter.isalnum() else " " for letter in text).split()
    return any(len(run) >= _HALF and not run.isalpha() and not run.isdecimal() for run in runs)


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    """Yield each name with what follows it, as in `name=value`, `name: value` and `"name": "value"`, within its line."""
    for line in text.splitlines():
        for sign in ("=", ":"):
            names, *rest = line.split(sign)
            for following in rest:
                value, _, later = following.strip(" \t").partition(" ")
                yield names, value.partition("&")[0].partition(",")[0]
                names = later or following


def _gives_literal(assignment: tuple[str, str]) -> bool:
    name, value = assignment
    bare = value.strip(_QUOTES)
    if not bare or _FILLED in bare or bare.startswith("//"):
        return False
    words = words_of(name)
    return bool(words) and (words[-1] in _NAMES or "".join(words[-2:]) in _NAMES)


def words_of(name: str) -> list[str]:
    """Return the words of a name, in small letters: `DB_PASSWORD`, `db-password` and `dbPassword` have two."""
    return "".join(letter if letter.isalnum() else " " for letter in _spaced(name)).lower().split()


def _spaced(name: str) -> str:
    """Return a name with a blank before each capital that begins a word: `dbPassword` is two words."""
    return "".join(
        f" {letter}" if letter.isupper() and index and name[index - 1].islower() else letter
        for index, letter in enumerate(name)
    )
