"""What sealing needs and a manifest never supplies: the certificate, and the key that determinism derives from.

Both are read once for a rendering. Without `--cert` the only certificate below the repository's `keys/` is taken.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from secretsync import files
from secretsync.crypto.digests import sha256
from secretsync.errors import ConfigError, PlaintextError, PolicyError, SecretsyncError
from secretsync.late import LateModule
from secretsync.rendering.objects import describe
from secretsync.rendering.options import RenderContext
from secretsync.rendering.units import OpenedObject
from secretsync.sealed.certificate import SealingCertificate
from secretsync.sealed.deterministic import SealKey
from secretsync.secrecy import SecretBytes

if TYPE_CHECKING:
    from secretsync import keyring, listing
    from secretsync.keyring import sealing
else:  # a hook is told its certificate
    keyring = LateModule("secretsync.keyring")
    listing = LateModule("secretsync.listing")
    sealing = LateModule("secretsync.keyring.sealing")

_SUFFIXES: Final = (".pem", ".crt", ".cert")
_MARK: Final = b"-----BEGIN CERTIFICATE-----"
_RETIRED: Final = frozenset({".git", "retired"})
_SIZE: Final = 1 << 20
_LABEL: Final = b"secretsync carried data keys v1"


def load_certificate(context: RenderContext) -> SealingCertificate:
    """Return the certificate to seal for, and put its warnings among the rendering's.

    Raises:
        ConfigError: none was given, and `keys/` holds none or several.
        PolicyError: its public key is not the pinned one.
        CertificateError, ExpiredCertificateError: it cannot be used.
        FileAccessError: it cannot be read.
    """
    if context.certificate is None:
        path = context.options.cert_file or _looked_for(context.options.keys_from)
        try:
            certificate = SealingCertificate.load(
                files.read(path), now=context.now or datetime.now(UTC), allow_expired=context.options.allow_expired
            )
        except SecretsyncError as error:
            raise (error if error.location else error.at(path)) from None
        _check_pin(certificate, path, context.options.pin_spki_sha256)
        context.warnings.extend(f"{path}: {warning}" for warning in certificate.warnings)
        context.certificate = certificate
    return context.certificate


def _looked_for(start: str | None) -> str:
    if start is None:
        raise ConfigError("the hook's configuration names no certificate to seal for")
    return only_certificate(start)


def _check_pin(certificate: SealingCertificate, path: str, pin: str | None) -> None:
    if pin not in {None, certificate.spki_sha256}:
        raise PolicyError(f"the certificate's public key has the hash {certificate.spki_sha256}", location=path)


def seal_key_for(opened: OpenedObject, context: RenderContext) -> SealKey:
    """Return what sealing this Secret derives from: the data keys it was decrypted with, else the operator's key.

    Raises:
        PlaintextError: the Secret came in the clear and there is no seal key.
        ConfigError: the seal key is too short.
    """
    if opened.carried:
        return SealKey.from_data_key(joined({"": opened.data_key, **opened.carried}))
    if opened.data_key is not None:
        return SealKey.from_data_key(opened.data_key)
    path = context.options.seal_key_file
    if path is None:
        raise PlaintextError(
            f"{describe(opened.after)} is in the clear, so it has no data key to seal with",
            hint="encrypt it: secretsync encrypt -i FILE, or give a key of your own: --seal-key FILE",
        )
    if context.seal_key is None:
        try:
            context.seal_key = SealKey.from_seal_key(SecretBytes(files.read(path)))
        except ConfigError as error:
            raise error.at(path) from None
    return context.seal_key


def joined(keys: Mapping[str, SecretBytes | None]) -> SecretBytes:
    """Return 32 bytes that depend on every data key of a Secret that is made of SOPS files, by their names in it."""
    state = sha256(_LABEL)
    for name, key in sorted(keys.items()):
        if key is not None:
            state.update(len(name.encode()).to_bytes(8, "big") + name.encode() + key.expose())
    return SecretBytes(state.digest())


def only_certificate(start: str) -> str:
    """Return the path of the one certificate below the nearest `keys/`, from `start` up to the repository's root.

    Raises:
        ConfigError: there is none, or several.
        PolicyError: `keys/` is a key ring, and the certificate is none that it pins.
    """
    folder = os.path.realpath(start)
    while not os.path.isdir(os.path.join(folder, "keys")):
        parent = os.path.dirname(folder)
        if parent == folder or os.path.exists(os.path.join(folder, ".git")):
            raise ConfigError("no certificate to seal for", hint="give one: --cert FILE")
        folder = parent
    keys = os.path.join(folder, "keys")
    found = [name for name in listing.walk(keys, skip=_RETIRED) if name.endswith(_SUFFIXES)]
    found = [name for name in found if _MARK in files.read_confined(keys, name, _SIZE)]
    if len(found) != 1:
        number = "no certificate" if not found else f"{len(found)} certificates"
        raise ConfigError(f"{number} in {os.path.relpath(keys, start)!r}", hint="say which: --cert FILE")
    if os.path.exists(os.path.join(keys, "policy.yaml")):
        sealing.require_pinned(
            keyring.load(folder), files.read_confined(keys, found[0], _SIZE), os.path.join(keys, found[0])
        )
    return os.path.join(keys, found[0])
