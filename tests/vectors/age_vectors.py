"""Reader of the age test vectors (C2SP CCTV): a text header, an empty line, then the age file, maybe compressed."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import NamedTuple

from secretsync.age import Identity, parse_identity
from secretsync.age.scrypt import ScryptIdentity
from secretsync.secrecy import SecretBytes

FOLDER = Path(__file__).parent / "age"


class Vector(NamedTuple):
    """One vector; `payload` is the SHA-256 of the plaintext, or of what comes out before the failure."""

    expect: str
    file: bytes
    identities: list[Identity]
    payload: str | None = None
    file_key: bytes | None = None
    armored: bool = False


def names() -> list[str]:
    """Return the names of all vectors, sorted."""
    return sorted(path.name for path in FOLDER.iterdir())


def load(name: str) -> Vector:
    """Read one vector."""
    head, _, file = (FOLDER / name).read_bytes().partition(b"\n\n")
    fields: dict[str, list[str]] = {}
    for line in head.decode("utf-8").split("\n"):
        key, _, value = line.partition(": ")
        fields.setdefault(key, []).append(value)
    identities: list[Identity] = [parse_identity(text) for text in fields.get("identity", [])]
    identities += [ScryptIdentity(SecretBytes(text.encode())) for text in fields.get("passphrase", [])]
    return Vector(
        expect=fields["expect"][0],
        file=zlib.decompress(file) if "compressed" in fields else file,
        identities=identities,
        payload=fields.get("payload", [None])[0],
        file_key=bytes.fromhex(fields["file key"][0]) if "file key" in fields else None,
        armored="armored" in fields,
    )
