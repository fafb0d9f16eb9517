"""The rules that `check` has of its own, with what each means."""

from __future__ import annotations

from typing import Final

DEMO_KEY: Final = "demo-key"

RULES: Final[dict[str, str]] = {
    "plaintext-secret": "A Secret lies in the clear.",
    "clear-value": "An encrypted file holds a Secret's value in the clear.",
    DEMO_KEY: "A file is encrypted for a key whose private half is public.",
    "suspect": "A file opens, and something about it deserves a look.",
    "unsealable": "A SealedSecret cannot be what the controller expects.",
}
