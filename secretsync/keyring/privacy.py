"""Private keys by how they look: what must never lie in `keys/`, nor anywhere else in a repository."""

from __future__ import annotations

import re
from typing import Final

_MARKS: Final[dict[str, re.Pattern[bytes]]] = {
    "an age identity": re.compile(rb"AGE-SECRET-KEY-(?:PQ-)?1[02-9AC-HJ-NP-Z]{50,}"),
    "an age plugin's identity": re.compile(rb"(?m)^AGE-PLUGIN-[A-Z0-9+._-]+-1[02-9AC-HJ-NP-Z]{6,}\s*$"),
    "a PGP private key": re.compile(rb"-----BEGIN PGP PRIVATE KEY BLOCK-----"),
    "a private key": re.compile(rb"(?m)^\s*-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----\s*$"),
    "an SSH2 private key": re.compile(rb"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----"),
    "a PuTTY private key": re.compile(rb"^PuTTY-User-Key-File-\d:"),
}
_HINTS: Final = (b"PRIVATE", b"AGE-", b"PuTTY-")


def kinds_of(data: bytes) -> list[str]:
    """Return what kinds of private key a file holds; none for nearly all files, and then cheaply."""
    if not any(hint in data for hint in _HINTS):
        return []
    return [kind for kind, pattern in _MARKS.items() if pattern.search(data)]
