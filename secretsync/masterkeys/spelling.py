"""How each kind of master key is named: the forms that `kinds` puts into its records, on plain text and dicts.

Source: sops ToString methods of {kms,gcpkms,azkv,hcvault,hckms}/keysource.go at v3.13.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from secretsync.errors import MetadataError

_Fields: TypeAlias = Mapping[str, object]

KMS: Final = r"arn:aws[\w-]*:kms:[\w-]+:\d{12}:(key|alias)/[^\s+|]+(\+arn:aws[\w-]*:iam::\d{12}:role/\S+)?(\|\S*)?"
GCP_KMS: Final = r"projects/[^/\s]+/locations/[^/\s]+/keyRings/[^/\s]+/cryptoKeys/[^/\s]+"
AZURE: Final = r"https://[^/\s]+/keys/[^/\s]+/[^/\s]*"
VAULT: Final = r"https?://\S+/v1/\S+/keys/[^/\s]+"

_HEX: Final = "0x"
_DIGITS: Final = frozenset("0123456789abcdefABCDEF")
_FINGERPRINT_DIGITS: Final = (40, 64)  # of version 4 and 6: RFC 9580, 5.5.4
AGE_TYPES: Final = ("age", "age-pq", "age-plugin", "age-ssh")
POST_QUANTUM: Final = "age1pq1"
_STARTS: Final = {POST_QUANTUM: "age-pq", "ssh-": "age-ssh", "age1": "age"}
_VAULT_ENVELOPE: Final = "vault:v"


def one_field(field: str, demanded_by: str = "") -> tuple[Callable[[_Fields], str], Callable[[str], dict[str, object]]]:
    """Return `name_of` and `fields_of` where one field is the name; `demanded_by` a kind, it must be there."""

    def name_of(fields: _Fields) -> str:
        if demanded_by and not isinstance(fields.get(field), str):
            raise MetadataError(f"{demanded_by} key lacks field {field!r}")
        return _text(fields, field)

    return name_of, lambda name: {field: name}


def age(name: str) -> str:
    """Bech32 is all lower or all upper case (BIP 173); the words behind an SSH key are a comment."""
    if name.startswith(("ssh-", "sk-")):
        return " ".join(name.split()[:2])
    return name.lower() if name.isupper() and name.startswith("AGE1") else name


def age_type(text: str) -> str | None:
    """Return the ring type of an age recipient by how it starts, None where it is none."""
    found = next((kind for start, kind in _STARTS.items() if text.startswith(start)), None)
    return "age-plugin" if found == "age" and text.count("1") > 1 else found


def pgp(name: str) -> str:
    """Hexadecimal digits, in groups or not; a `!` at the end, meaning that very subkey, stays."""
    digits = "".join(name.split())
    return (digits[len(_HEX) :] if digits[: len(_HEX)].lower() == _HEX else digits).upper()


def pgp_certificate(spelled: str) -> str:
    """Return the name of the certificate for that of one of its subkeys, `FINGERPRINT/SUBKEY!`; any other as it is."""
    return spelled[:-1].partition("/")[0] if spelled.endswith("!") else spelled


def is_fingerprint(text: str) -> bool:
    """Whether a text is the fingerprint of a PGP key, of version 4 (40 hex digits) or 6 (64), spaces allowed."""
    digits = text.replace(" ", "").removeprefix(_HEX).removesuffix("!")
    return len(digits) in _FINGERPRINT_DIGITS and _DIGITS.issuperset(digits)


def kms(name: str) -> str:
    """Return `arn[+role][|context[|profile]]`; sops takes the spaces out of the first part."""
    arn, bar, rest = name.partition("|")
    return "".join(arn.split()) + bar + rest


def kms_piece(name: str) -> str:
    """Return the ARN: role and context stand in fields of their own."""
    return name.partition("|")[0].partition("+")[0]


def kms_name(fields: _Fields) -> str:
    """Return `arn[+role][|context[|profile]]`, the pairs of the context in the order of their names."""
    arn, role, profile = (_text(fields, name) for name in ("arn", "role", "aws_profile"))
    pairs = fields.get("context")
    given = {str(key): value for key, value in pairs.items()} if isinstance(pairs, Mapping) else {}
    context = ",".join(f"{key}:{given[key]}" for key in sorted(given))
    key = f"{arn}+{role}" if role else arn
    if profile:
        return f"{key}|{context}|{profile}"
    return f"{key}|{context}" if context else key


def kms_fields(name: str) -> dict[str, object]:
    """Return the parts of such a name that are there."""
    key, _, rest = name.partition("|")
    context, _, profile = rest.partition("|")
    arn, _, role = key.partition("+")
    pairs = dict(pair.partition(":")[::2] for pair in context.split(",")) if context else None
    found = {"arn": arn, "role": role, "context": pairs, "aws_profile": profile}
    return {field: value for field, value in found.items() if value or field == "arn"}


def azure_name(fields: _Fields) -> str:
    """Return `VAULT/keys/NAME/VERSION`."""
    return f"{_text(fields, 'vault_url')}/keys/{_text(fields, 'name')}/{_text(fields, 'version')}"


def azure_piece(name: str) -> str:
    """Return the version, which is random and long; the name of the key where there is none."""
    return name.rpartition("/")[2] or name


def azure_fields(name: str) -> dict[str, object]:
    """Return the three parts of such a name."""
    vault, _, rest = name.partition("/keys/")
    key, _, version = rest.partition("/")
    return {"vault_url": vault, "name": key, "version": version}


def vault_name(fields: _Fields) -> str:
    """Return `ADDRESS/v1/ENGINE/keys/NAME`."""
    address, engine, name = (_text(fields, part) for part in ("vault_address", "engine_path", "key_name"))
    return f"{address}/v1/{engine}/keys/{name}"


def vault_fields(name: str) -> dict[str, object]:
    """Return the three parts of such a name."""
    address, _, path = name.partition("/v1/")
    engine, _, key = path.rpartition("/keys/")
    return {"vault_address": address, "engine_path": engine, "key_name": key}


def is_vault_envelope(text: str) -> bool:
    """Whether this is `vault:vN:…`, as Vault returns it."""
    version, colon, _ = text.removeprefix(_VAULT_ENVELOPE).partition(":")
    is_number = version.isascii() and version.isdecimal() and version[0] != "0"
    return text.startswith(_VAULT_ENVELOPE) and is_number and colon == ":"


def last_word(name: str) -> str:
    """Return the second of two words, which of an SSH key is the key; any other name has one."""
    return name.split(" ")[:2][-1]


def without_spaces(name: str) -> str:
    """Return a name without white space, as sops takes it out."""
    return "".join(name.split())


def without_slash(name: str) -> str:
    """Return an address without the slash that may end it."""
    return name.rstrip("/")


def _text(fields: _Fields, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
