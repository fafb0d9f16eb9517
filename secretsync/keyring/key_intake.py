"""A public key that somebody hands in, judged before it joins the ring: what kind it is, and whether it is sound.

Refused are private keys, demo keys, RSA keys below 3072 bits, SSH keys of a security token (they sign and cannot
decrypt), and PGP keys that are expired, revoked or cannot encrypt.
"""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

import secretsync.keyring.pgp as pgp
import secretsync.privatekeys as privatekeys
from secretsync.errors import ConfigError, PolicyError, SecretsyncError, beginning, shortened
from secretsync.keyring.model import KeyType
from secretsync.late import load
from secretsync.masterkeys.kinds import DEMO_RECIPIENTS, KINDS, Kind, in_rules, of_ring_type
from secretsync.masterkeys.publichalf import public_half
from secretsync.masterkeys.ssh_strength import MIN_RSA_BITS
from secretsync.sops.patterns import compiled


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
    armored = next((kind for kind in KINDS.values() if kind.armor_mark and kind.armor_mark in text), None)
    if armored:
        return _armored(armored, text.encode(), today)
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) != 1:
        raise ConfigError(f"expected one public key, and there are {len(lines)}")
    one = lines[0]
    ring_type = type_of(one)
    if ring_type and of_ring_type(ring_type).armored_folder:
        return _armored(of_ring_type(ring_type), pgp.exported(one.replace(" ", "").removeprefix("0x")), today)
    return _named(one, ring_type, allow_demo_keys=allow_demo_keys)


PUBLIC_HALF: Final = "secretsync keygen -y FILE prints the public half of an age identity"


def require_sound(ring_type: KeyType, recipient: str) -> None:
    """Refuse a name, SSH keys among them, that cannot be encrypted for, without asking a service.

    Raises:
        PolicyError: it is too weak, or cannot decrypt.
        ConfigError: it is mistyped.
    """
    if problem := weakness(ring_type, recipient):
        raise PolicyError(problem)
    check = of_ring_type(ring_type).check
    if not check:
        return
    try:
        load(check)(recipient)
    except SecretsyncError as error:
        raise ConfigError(f"{shortened(recipient)!r} cannot be used: {error.message}") from None


def weakness(ring_type: KeyType, recipient: str) -> str | None:
    """Return what is wrong with a key although it may be encrypted for, or None."""
    place = of_ring_type(ring_type).weakness
    problem: str | None = load(place)(recipient) if place else None
    return problem


def type_of(text: str) -> KeyType | None:
    """Return the ring type of a text that is a name of a master key by its form, None where it is none."""
    for kind in in_rules():
        if found := kind.type_of(text):
            return found
        if kind.pattern and text.startswith(kind.starts) and compiled(kind.pattern).matches_all(text):
            return kind.ring_types[0]
    return None


def _named(text: str, ring_type: KeyType | None, *, allow_demo_keys: bool) -> Candidate:
    if text.startswith("sk-"):
        raise PolicyError("an SSH key of a security token can sign and not decrypt", hint=_TOKEN)
    if ring_type is None:
        raise ConfigError(f"{beginning(text)!r} is not a public key of a known kind", hint=_KNOWN)
    if text in DEMO_RECIPIENTS and not allow_demo_keys:
        raise PolicyError("this is a demo key, whose private half is public")
    require_sound(ring_type, text)
    return Candidate(ring_type, of_ring_type(ring_type).kept(text))


_TOKEN: Final = "use age-plugin-yubikey or age-plugin-fido2-hmac for keys of a token"  # noqa: S105  # no password
_KNOWN: Final = "known are age1…, ssh-ed25519, ssh-rsa, PGP keys and fingerprints, and the names of key services"


def _armored(kind: Kind, armored: bytes, today: date) -> Candidate:
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
    return Candidate(kind.ring_types[0], found.fingerprint, armored, found.expires)
