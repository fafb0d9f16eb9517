"""PGP public keys without a key ring of the user's: gpg looks at them in a home of its own that goes away again."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from secretsync.errors import ConfigError
from secretsync.masterkeys.pgp import gpg_of
from secretsync.secrecy import SecretBytes

_RSA: Final = {"1", "2"}  # RFC 9580, 9.1
_INVALID: Final = {"e", "r", "d", "i", "n"}  # expired, revoked, disabled, invalid: GnuPG doc/DETAILS, field 2


class PgpKey(NamedTuple):
    """What an armored public key says. `bits` is the size of the RSA key that encrypts, 0 for other algorithms."""

    fingerprint: str
    expires: date | None
    encrypts: bool
    revoked: bool
    bits: int


def examine(armored: bytes, today: date) -> PgpKey:
    """Read one armored public key, and judge it on a day.

    Raises:
        ConfigError: it is no public key, or more than one.
        MissingDependencyError: gpg is not installed.
    """
    with home() as gpg:
        keys = gpg.scan_keys_mem(armored)
    if len(keys) != 1:
        raise ConfigError(f"expected one PGP public key, and there are {len(keys)}")
    key = keys[0]
    parts = [key, *key.get("subkey_info", {}).values()]
    able = [one for one in parts if _encrypts(one, today)]
    rsa = [int(one["length"]) for one in able if str(one.get("algo")) in _RSA]
    return PgpKey(
        fingerprint=str(key["fingerprint"]),
        expires=_day(key["expires"]),
        encrypts=bool(able),
        revoked=key.get("trust") == "r",
        bits=min(rsa, default=0),
    )


def exported(fingerprint: str) -> bytes:
    """Return a public key of the user's own gpg, armored and without what others have signed.

    Raises:
        ConfigError: gpg does not have it.
        MissingDependencyError: gpg is not installed.
    """
    armored = gpg_of(os.environ).export_keys(fingerprint, minimal=True)
    if not armored:
        raise ConfigError(f"gpg has no public key {fingerprint}", hint="give its file instead: --file KEY.asc")
    return str(armored).encode()


def encrypt(armored: bytes, fingerprint: str, plaintext: SecretBytes) -> str:
    """Encrypt to a public key that the user's own gpg need not have, and return the armored message.

    Raises:
        ConfigError: gpg refuses the key: it is expired, revoked or cannot encrypt.
        MissingDependencyError: gpg is not installed.
    """
    with home() as gpg:
        gpg.import_keys(armored)
        result = gpg.encrypt(plaintext.expose(), [fingerprint], always_trust=True)
    if not result.ok:
        raise ConfigError(f"gpg cannot encrypt for {fingerprint}: {result.status}")
    return result.data.decode("ascii")  # type: ignore[no-any-return]  # python-gnupg has no types


def signer(armored: bytes, signature: bytes, data: bytes) -> str:
    """Return the fingerprint of the public key in `armored` that signed `data`; nothing where none of them did.

    Raises:
        MissingDependencyError: gpg is not installed.
    """
    with home() as gpg, tempfile.NamedTemporaryFile() as detached:
        gpg.import_keys(armored)
        detached.write(signature)
        detached.flush()
        result = gpg.verify_data(detached.name, data)
    return str(result.pubkey_fingerprint or "") if result.valid else ""


@contextmanager
def home() -> Iterator[Any]:
    """Give a gpg with an empty home, mode 0700, that is removed at the end, its agent with it."""
    folder = tempfile.mkdtemp(prefix="secretsync-gpg-")
    try:
        yield gpg_of(os.environ, home=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _encrypts(key: dict[str, Any], today: date) -> bool:
    """Whether a primary key or subkey may be encrypted to: `cap` holds its own abilities in lower case."""
    expires = _day(str(key["expires"]))
    fresh = expires is None or expires >= today
    return "e" in str(key.get("cap", "")) and key.get("trust") not in _INVALID and fresh


def _day(seconds: str) -> date | None:
    return datetime.fromtimestamp(int(seconds), UTC).date() if seconds else None
