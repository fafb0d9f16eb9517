"""Proof that somebody holds the private half of a key: they open a challenge that only it opens, and say what it says.

It catches a wrong or mistyped key before any file depends on it. Nothing but a hash of the answer is kept meanwhile.
"""

from __future__ import annotations

import hmac
import json
import secrets
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple

import secretsync.letters as letters
from secretsync.errors import ConfigError, PolicyError
from secretsync.keyring import pgp, writing
from secretsync.keyring.editing import regenerated
from secretsync.keyring.model import KeyRing, Principal, PublicKey
from secretsync.keyring.sources import FOLDER, Changes, RingSource
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.kinds import KINDS, of_envelope
from secretsync.secrecy import SecretBytes

VALID_FOR: Final = timedelta(days=7)
_SIZE: Final = 16  # bytes of the nonce
_DIGITS: Final = 32
_NOTE: Final = "secretsync: the answer for "
_NAME: Final = letters.LOWER + letters.DIGITS + "-"
_VERSION: Final = 1


class Challenge(NamedTuple):
    """What goes to the key's owner, and what stays here to know the answer by; neither tells the answer."""

    text: str
    record: bytes


def key_named(ring: KeyRing, key_id: str) -> tuple[Principal, PublicKey]:
    """Return a key by its id. Raises: ConfigError."""
    for principal, key in ring.public_keys():
        if key.id == key_id:
            return principal, key
    raise ConfigError(f"the key ring knows no key {key_id!r}", hint="secretsync keys list")


def challenge(source: RingSource, key: PublicKey, keys: MasterKeys, *, now: datetime) -> Challenge:
    """Encrypt a fresh nonce to a key; for PGP, to the public key that lies in `keys/pgp/`.

    Raises:
        ConfigError: the key cannot be encrypted to.
        KeyServiceError: its service, gpg or a plugin is unreachable.
    """
    answer = secrets.token_hex(_SIZE)
    note = SecretBytes(f"secretsync: the answer for {key.id} is {answer}\n".encode())
    kind, name = key.master_key
    armored = source.read(f"{FOLDER}/{key.armored_path}") if key.armored_path else None
    text = pgp.encrypt(armored, name, note) if armored is not None else str(keys.wrap(kind, name, note)["enc"])
    record = {
        "version": _VERSION,
        "key": key.id,
        "recipient": sha256(f"{kind}\0{name}".encode()).hexdigest(),
        "answer_sha256": sha256(answer.encode()).hexdigest(),
        "valid_until": (now + VALID_FOR).isoformat(timespec="seconds"),
    }
    return Challenge(text.rstrip("\n") + "\n", (json.dumps(record, indent=2) + "\n").encode())


def opened(text: str, key: PublicKey, keys: MasterKeys) -> str:
    """Open a challenge with the identities at hand and return what it says. Raises: NoIdentityMatchError and the like."""
    kind, name = key.master_key
    return keys.unwrap(kind, {"enc": text, **KINDS[kind].fields_of(name)}).expose().decode("utf-8", "replace")


def answer(text: str, keys: MasterKeys) -> str:
    """Open somebody's challenge with the identities at hand and return the answer, and nothing that is no challenge.

    Raises:
        PolicyError: it opens, and is something else: whoever sent it may want it read.
        NoIdentityMatchError and the like: it does not open here.
    """
    kind = of_envelope(text)
    note = keys.unwrap(kind.name, {"enc": text, **kind.fields_of("")}).expose().decode("utf-8", "replace")
    name, _, digits = note.removeprefix(_NOTE).partition(" is ")
    is_ours = note.startswith(_NOTE) and letters.consists_of(name, _NAME) and digits.endswith("\n")
    if not is_ours or len(digits) != _DIGITS + 1 or not letters.consists_of(digits[:-1], letters.LOWER_HEX):
        raise PolicyError("this is not a challenge of secretsync, and what it says is not shown")
    return digits[:-1]


def verify(key: PublicKey, record: bytes, response: str, *, now: datetime) -> None:
    """Check an answer, or the whole opened challenge, against what was kept; in constant time.

    Raises:
        PolicyError: it is wrong, too late, or the key has changed since.
        ConfigError: the record is damaged, or the response holds no answer.
    """
    try:
        kept = {name: str(value) for name, value in json.loads(record).items()}
        known, until = kept["answer_sha256"], datetime.fromisoformat(kept["valid_until"])
        same_key = kept["recipient"] == sha256("\0".join(key.master_key).encode()).hexdigest()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigError("the record of the challenge is damaged", hint=f"secretsync keys prove {key.id}") from None
    if not same_key:
        raise PolicyError(f"the challenge was for another key than {key.id!r} is now", hint=_AGAIN.format(key.id))
    if now.astimezone(UTC) > until.astimezone(UTC):
        raise PolicyError(f"the challenge was valid until {until.date()}", hint=_AGAIN.format(key.id))
    found = _answers(response)
    if len(found) != 1:
        raise ConfigError("the response holds no answer: it is the 32 hexadecimal digits of the opened challenge")
    if not hmac.compare_digest(sha256(found[0].encode()).hexdigest(), known):
        raise PolicyError(f"the answer is wrong: nothing proves that somebody holds the private half of {key.id!r}")


def _answers(response: str) -> list[str]:
    """Return every 32 lower-case hexadecimal digits in a row; of a longer row, each full part."""
    rows = "".join(sign if sign in letters.LOWER_HEX else " " for sign in response).split()
    return [row[at : at + _DIGITS] for row in rows for at in range(0, len(row) - _DIGITS + 1, _DIGITS)]


_AGAIN: Final = "secretsync keys prove {}"


def recorded(source: RingSource, principal: Principal, key: PublicKey, *, now: datetime, by: str) -> Changes:
    """Return the files that change when a proof is written into the principal's file."""
    path = f"{FOLDER}/{principal.path}"
    proof = {"at": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), "method": "nonce", "verified_by": by}
    data = writing.with_key_field(source.read(path) or b"", path, key.id, "proof", proof)
    return regenerated(source, {path: data}, today=now.date())
