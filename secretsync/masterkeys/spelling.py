"""One key, many spellings: the form of a master key's name in which two names of one key are equal.

Only the text is looked at. What a short PGP id or a subkey belongs to, gpg knows: see `MasterKeyService.canonical`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

_HEX: Final = "0x"


def canonical(kind: str, name: str) -> str:
    """Return `name`, a master key's of the metadata list `kind`, in the spelling that stands for all of its spellings.

    What is no name of the kind comes back without the white space around it.
    """
    spelled = _SPELLINGS.get(kind)
    return spelled(name.strip()) if spelled else name.strip()


def whole(kind: str, spelled: str) -> str:
    """Return the name of the certificate for that of one of its subkeys, `FINGERPRINT/SUBKEY!`; any other as it is."""
    return spelled[:-1].partition("/")[0] if kind == "pgp" and spelled.endswith("!") else spelled


def _age(name: str) -> str:
    """Bech32 is all lower or all upper case (BIP 173); the words behind an SSH key are a comment."""
    if name.startswith(("ssh-", "sk-")):
        return " ".join(name.split()[:2])
    return name.lower() if name.isupper() and name.startswith("AGE1") else name


def _pgp(name: str) -> str:
    """Hexadecimal digits, in groups or not; a `!` at the end, meaning that very subkey, stays."""
    digits = "".join(name.split())
    return (digits[len(_HEX) :] if digits[: len(_HEX)].lower() == _HEX else digits).upper()


def _kms(name: str) -> str:
    """Return `arn[+role][|context[|profile]]`; sops takes the spaces out of the first part."""
    arn, bar, rest = name.partition("|")
    return "".join(arn.split()) + bar + rest


_SPELLINGS: Final[dict[str, Callable[[str], str]]] = {
    "age": _age,
    "pgp": _pgp,
    "kms": _kms,
    "gcp_kms": lambda name: "".join(name.split()),
    "azure_kv": lambda name: name.rstrip("/"),
    "hc_vault": lambda name: name.rstrip("/"),
}
