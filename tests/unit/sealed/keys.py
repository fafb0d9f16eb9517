"""The published test keys of the vectors, loaded once."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from secretsync.sealed.certificate import SealingCertificate
from secretsync.sealed.privatekeys import UnsealingKey, load

KEYS = Path(__file__).parents[2] / "vectors" / "sealed" / "keys"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def key_file(name: str) -> bytes:
    return (KEYS / name).read_bytes()


@cache
def certificate(name: str = "rsa2048") -> SealingCertificate:
    return SealingCertificate.load(key_file(f"{name}.crt"), now=NOW)


@cache
def private_keys(name: str = "rsa2048") -> tuple[UnsealingKey, ...]:
    return tuple(load(key_file(f"{name}.key")))
