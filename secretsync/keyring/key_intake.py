"""A public key that somebody hands in, judged before it joins the ring: what kind it is, and whether it is sound.

Refused are private keys, demo keys, RSA keys below 3072 bits, SSH keys of a security token (they sign and cannot
decrypt), and PGP keys that are expired, revoked or cannot encrypt.
"""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as Base64Error
from datetime import date
from typing import Final, NamedTuple

import secretsync.keyring.pgp as pgp
import secretsync.privatekeys as privatekeys
from secretsync.age import parse_recipient
from secretsync.errors import ConfigError, PolicyError, SecretsyncError, beginning, shortened
from secretsync.keyring.model import MASTER_KEY_KINDS, KeyType
from secretsync.masterkeys.demo import DEMO_RECIPIENTS
from secretsync.masterkeys.publichalf import public_half
from secretsync.sops.patterns import compiled

MIN_RSA_BITS: Final = 3072  # NIST SP 800-57 part 1 rev. 5, table 2: 128 bits of security

_PATTERNS: Final[dict[KeyType, str]] = {
    "aws-kms": r"arn:aws[\w-]*:kms:[\w-]+:\d{12}:(key|alias)/[^\s+|]+(\+arn:aws[\w-]*:iam::\d{12}:role/\S+)?(\|\S*)?",
    "gcp-kms": r"projects/[^/\s]+/locations/[^/\s]+/keyRings/[^/\s]+/cryptoKeys/[^/\s]+",
    "azure-kv": r"https://[^/\s]+/keys/[^/\s]+/[^/\s]*",
    "vault-transit": r"https?://\S+/v1/\S+/keys/[^/\s]+",
}
"""How key services name their keys. Source: sops kms, gcpkms, azkv, hcvault keysource.go at v3.13.3."""

_AGE_KINDS: Final[dict[str, KeyType]] = {"age1pq1": "age-pq", "ssh-": "age-ssh", "age1": "age"}
_ARMORED: Final = "-----BEGIN PGP PUBLIC KEY BLOCK-----"


class Candidate(NamedTuple):
    """A sound public key. `armored` is what a PGP key's file holds, `expires` the last day it says it is valid."""

    type: KeyType
    recipient: str
    armored: bytes = b""
    expires: date | None = None


def examine(text: str, *, today: date, allow_demo_keys: bool = False) -> Candidate:
    """Return what a recipient, a fingerprint of the local gpg's, an armored PGP key or a key service's name is.

    Comments and empty lines around a single recipient are taken off, so that a `.pub` or recipients file will do.

    Raises:
        PolicyError: it is a private key, or too weak, expired, revoked or a demo's.
        ConfigError: it is nothing of the kind, or more than one key.
        KeyServiceError: gpg is needed and missing.
    """
    if privatekeys.kind_of(text):
        half = public_half(text)
        message = "this is a private key: keep it where it is, and hand in its public half"
        raise PolicyError(f"{message}{f', {half}' if half else ''}", hint=PUBLIC_HALF)
    if _ARMORED in text:
        return _pgp(text.encode(), today)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) != 1:
        raise ConfigError(f"expected one public key, and there are {len(lines)}")
    one = lines[0]
    if pgp.is_fingerprint(one):
        return _pgp(pgp.exported(one.replace(" ", "").removeprefix("0x")), today)
    if one.startswith(("arn:", "projects/", "http")):
        for kind, pattern in _PATTERNS.items():
            if compiled(pattern).matches_all(one):
                return Candidate(kind, one)
    return _age(one, allow_demo_keys=allow_demo_keys)


PUBLIC_HALF: Final = "secretsync keygen -y FILE prints the public half of an age identity"


def require_sound(kind: KeyType, recipient: str) -> None:
    """Refuse an age recipient, SSH keys among them, that cannot be encrypted for; other kinds pass.

    Raises:
        PolicyError: it is too weak, or cannot decrypt.
        ConfigError: it is mistyped.
    """
    if problem := weakness(kind, recipient):
        raise PolicyError(problem)
    if MASTER_KEY_KINDS[kind] != "age":
        return
    try:
        parse_recipient(recipient)
    except SecretsyncError as error:
        raise ConfigError(f"{shortened(recipient)!r} cannot be used: {error.message}") from None


def weakness(kind: KeyType, recipient: str) -> str | None:
    """Return what is wrong with an SSH key as a recipient, or None."""
    if kind != "age-ssh":
        return None
    if recipient.startswith(("sk-", "ssh-sk")):
        return "an SSH key of a security token can sign and not decrypt"
    bits = _rsa_bits(recipient)
    if bits is not None and bits < MIN_RSA_BITS:
        return f"an RSA key of {bits} bits is too short; {MIN_RSA_BITS} are needed"
    return None


def age_type(text: str) -> KeyType | None:
    """Return the type of an age recipient by how it starts, None where it is none."""
    kind: KeyType | None = next((kind for start, kind in _AGE_KINDS.items() if text.startswith(start)), None)
    return "age-plugin" if kind == "age" and text.count("1") > 1 else kind


def _age(text: str, *, allow_demo_keys: bool) -> Candidate:
    if text.startswith("sk-"):
        raise PolicyError("an SSH key of a security token can sign and not decrypt", hint=_TOKEN)
    kind = age_type(text)
    if kind is None:
        raise ConfigError(f"{beginning(text)!r} is not a public key of a known kind", hint=_KNOWN)
    if text in DEMO_RECIPIENTS and not allow_demo_keys:
        raise PolicyError("this is a demo key, whose private half is public")
    require_sound(kind, text)
    return Candidate(kind, " ".join(text.split()[:2]) if kind == "age-ssh" else text)


_TOKEN: Final = "use age-plugin-yubikey or age-plugin-fido2-hmac for keys of a token"  # noqa: S105  # no password
_KNOWN: Final = "known are age1…, ssh-ed25519, ssh-rsa, PGP keys and fingerprints, and the names of key services"


def _pgp(armored: bytes, today: date) -> Candidate:
    found = pgp.examine(armored, today)
    if found.revoked:
        raise PolicyError(f"PGP key {found.fingerprint} is revoked")
    if found.expires and found.expires < today:
        raise PolicyError(f"PGP key {found.fingerprint} expired on {found.expires}", hint="ask its owner to extend it")
    if not found.encrypts:
        raise PolicyError(f"PGP key {found.fingerprint} has no key that encrypts, or none that is still valid")
    if found.bits and found.bits < MIN_RSA_BITS:
        raise PolicyError(
            f"PGP key {found.fingerprint} encrypts with RSA of {found.bits} bits; {MIN_RSA_BITS} are needed"
        )
    return Candidate("pgp", found.fingerprint, armored, found.expires)


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
