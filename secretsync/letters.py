"""Texts judged by the characters they consist of: one pass and no second try, where a pattern would do more than is asked.

Nothing here depends on the locale or on Unicode's idea of digits: the sets are ASCII and spelled out.
"""

from __future__ import annotations

from typing import Final

DIGITS: Final = "0123456789"
LOWER: Final = "abcdefghijklmnopqrstuvwxyz"
LETTERS: Final = LOWER + LOWER.upper()
LOWER_HEX: Final = DIGITS + "abcdef"

_HARMLESS: Final = LETTERS + DIGITS + "@%+=:,./-_"
_SHA256_DIGITS: Final = 64


def consists_of(text: str, signs: str) -> bool:
    """Whether `text` has characters, and only these."""
    return text != "" and not text.strip(signs)


def argument(name: str) -> str:
    """Return a file's name as a shell takes it for one argument and no option: hints are pasted, and names are anybody's."""
    name = f"./{name}" if name.startswith("-") else name
    return name if consists_of(name, _HARMLESS) else "'" + name.replace("'", "'\"'\"'") + "'"


def is_sha256(text: str) -> bool:
    """Whether `text` is a SHA-256 in 64 lower-case hexadecimal digits."""
    return len(text) == _SHA256_DIGITS and consists_of(text, LOWER_HEX)


def hyphenated(text: str) -> str:
    """Return lower-case letters and digits as they are, and one hyphen for anything else between them."""
    kept = frozenset(LOWER + DIGITS)
    return "-".join("".join(sign if sign in kept else " " for sign in text).split())


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, in the singular for one."""
    return f"{number:,} {noun_for(number, noun)}"


def noun_for(number: int, noun: str) -> str:
    """Return a noun in the singular for one, else in the plural."""
    return noun if number == 1 else f"{noun}s"
