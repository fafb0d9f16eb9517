"""PGP master keys through the gpg program and its agent, as python-gnupg runs it; one armored message per key.

gpg asks for passphrases itself, through the agent; where nobody is there to answer, it is told not to ask.
Source: sops pgp/keysource.go at v3.13.3; status lines from GnuPG doc/DETAILS.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar, Final

import gnupg

from secretsync import programs
from secretsync.errors import (
    ConfigError,
    FormatError,
    IncorrectIdentityError,
    IntegrityError,
    KeyServiceError,
    MetadataError,
    SecretsyncError,
    beginning,
)
from secretsync.masterkeys.context import KeyContext, KeySource, Unwrapped, one_by_one
from secretsync.masterkeys.gpg_status import GpgStatus, one_line_of
from secretsync.masterkeys.kinds import KINDS, canonical
from secretsync.masterkeys.pgp_packets import key_id, key_ids
from secretsync.secrecy import SecretBytes

_MIN_DIGITS: Final = 16
_MOST_REFUSED: Final = 100  # envelopes that may be for a key of ours and are not, before gpg is left alone
_MOST_BYTES: Final = 4096  # of a data key, which has 32
_SHORT_ID: Final = 8  # the last digits of a version 4 fingerprint, which anybody can make another key for
_HEX: Final = frozenset("0123456789ABCDEF")
_LOCKED: Final = {11, 62, 85, 99, 198, 32870}  # bad passphrase, timeout, no pinentry, canceled, no terminal: err-codes
_DAMAGED: Final = {*range(4, 31), 79, 89, 152} - _LOCKED - {17}  # algorithms, packets, checksums, wrong key, bad data
_ALL_EXPIRED_OR_REVOKED: Final = 2  # a flag of KEY_CONSIDERED


def gpg_of(
    environ: Mapping[str, str], also: Mapping[str, str] | None = None, *, home: str | None = None
) -> Any:  # python-gnupg has no types
    """Return the user's gpg, with what it may see of `environ`, and on the folder `home` if not on the user's own.

    Raises:
        MissingDependencyError: it is not installed.
        OSError, ValueError: it cannot be started.
    """
    chosen = environ.get("SOPS_GPG_EXEC")
    binary = programs.find(chosen or "gpg", environ, purpose="PGP keys need it")
    sees = programs.CHOSEN_GPG if chosen else programs.GPG
    return gnupg.GPG(gpgbinary=binary, gnupghome=home, env=programs.environment(sees, environ, also))


class PgpService:
    """Wraps and unwraps with the keys of one GnuPG home (`GNUPGHOME`, else gpg's own default)."""

    kind: ClassVar[str] = "pgp"

    def __init__(self, kind: str, context: KeyContext) -> None:
        del kind
        self._context = context
        self._refused = 0

    def canonical(self, name: str) -> str:
        """Return the fingerprint of the key that gpg knows under a fingerprint or id of it or of a subkey.

        With a trailing `!` the subkey's follows. The text alone counts where gpg is missing, knows no such key, or
        knows several.
        """
        text = canonical(self.kind, name)
        digits = text.removesuffix("!")
        if len(digits) < _SHORT_ID or not _HEX.issuperset(digits):
            return text
        found = {primary for primary, names in self._certificates if any(_is_called(one, digits) for one in names)}
        if len(found) != 1:
            return text
        (primary,) = found
        return primary if digits == text else f"{primary}/{digits}!"

    def wrap(self, recipient: str, data_key: SecretBytes) -> dict[str, object]:
        """Wrap the data key for one fingerprint, a trailing `!` meaning that very subkey; the caller adds `created_at`.

        Raises:
            ConfigError: this is no fingerprint, or the key is unknown, expired or revoked.
            KeyServiceError: gpg is missing or fails.
        """
        fingerprint = KINDS[self.kind].stored(recipient)
        digits = fingerprint.removesuffix("!").removeprefix("0x")
        if len(digits) < _MIN_DIGITS or not all(digit in "0123456789abcdefABCDEF" for digit in digits):
            raise ConfigError(f"{beginning(recipient)!r} is not a PGP fingerprint")
        result = self._gpg.encrypt(
            data_key.expose(),
            [fingerprint],
            always_trust=True,
            extra_args=["--no-default-recipient", "--no-encrypt-to"],
        )
        if not result.ok or not result.data:
            raise self._wrapping_problem(fingerprint, GpgStatus(result.stderr))
        return {"enc": result.data.decode("ascii").strip(), "fp": fingerprint}

    def unwrap(self, fields: Mapping[str, object]) -> SecretBytes:
        """Unwrap with whichever secret key of the ring opens the message; raises as `MasterKeyService.unwrap`."""
        fingerprint = KINDS[self.kind].name_of(fields)
        envelope = _text_of(fields, "enc")
        self._require_worth_asking(envelope)
        result, is_too_large = self._decrypted(envelope.encode("utf-8", "replace"))
        self._refused += not result.ok
        if is_too_large:
            raise IntegrityError("the envelope unpacks to more than a data key")
        status = GpgStatus(result.stderr)
        if not result.ok or not status.has("DECRYPTION_OKAY"):
            raise self._unwrapping_problem(fingerprint, status)
        if not result.data:
            raise KeyServiceError("gpg reports success and gives nothing; it may be too old for the message")
        return SecretBytes(result.data)

    def _require_worth_asking(self, envelope: str) -> None:
        """Refuse a message for keys that gpg does not have, and any other after gpg has refused a hundred.

        Each question starts a program, and a file may name thousands of keys.

        Raises:
            IncorrectIdentityError: all keys that it names are others'.
            KeyServiceError: gpg is not asked any more.
        """
        named = key_ids(envelope)
        if named and all(named) and self._secret_ids and self._secret_ids.isdisjoint(named):
            raise IncorrectIdentityError("gpg has no secret key for it")
        if self._refused >= _MOST_REFUSED:
            raise KeyServiceError(f"gpg has refused {_MOST_REFUSED} envelopes, and is not asked again")

    @cached_property
    def _secret_ids(self) -> frozenset[str]:
        """The ids of the secret keys and subkeys that gpg lists."""
        keys = self._gpg.list_keys(True)
        return frozenset(str(one) for key in keys for one in (key["keyid"], *(sub[0] for sub in key["subkeys"])))

    def _decrypted(self, envelope: bytes) -> tuple[Any, bool]:
        """Return what gpg gives for a message, and whether it is too large: a small one can unpack to gigabytes."""
        size = 0

        def fits(part: bytes) -> bool:
            nonlocal size
            size += len(part)
            return size <= _MOST_BYTES

        self._gpg.on_data = fits
        try:
            result = self._gpg.decrypt(envelope, extra_args=["--max-output", str(_MOST_BYTES + 1)])
        finally:
            self._gpg.on_data = None
        return result, size > _MOST_BYTES or "--max-output" in result.stderr

    def alone(self) -> dict[str, KeyContext]:
        """Return nothing: whatever gpg holds may ask for a passphrase."""
        return {}

    def sources(self) -> list[KeySource]:
        """Return gpg with the fingerprints of its secret keys."""
        name = f"gpg ({self._context.environ.get('GNUPGHOME') or 'default home'})"
        try:
            keys = self._gpg.list_keys(True)
        except SecretsyncError as error:
            return [KeySource(name, str(error))]
        fingerprints = tuple(str(key["fingerprint"]) for key in keys)
        return [KeySource(name, "ok" if fingerprints else "holds no secret keys", fingerprints)]

    def unwrap_many(self, envelopes: Sequence[Mapping[str, object]]) -> list[Unwrapped]:
        """Unwrap one after the other."""
        return one_by_one(self.unwrap, envelopes)

    def matches(self, fields: Mapping[str, object]) -> bool | None:
        """Return whether the message is for a key or subkey of the fingerprint, as gpg knows it.

        Source: RFC 9580 5.1 (key id of a PKESK packet).
        """
        found = key_id(str(fields.get("enc", "")))
        known = self._ids_of(str(fields.get("fp", "")))
        return found in known if found and known else None

    def _ids_of(self, fingerprint: str) -> set[str]:
        """Return the key ids (16 upper-case digits) of a key and its subkeys, none where gpg does not know it."""
        digits = canonical(self.kind, fingerprint).removesuffix("!")
        if len(digits) < _SHORT_ID or not _HEX.issuperset(digits):
            return set()
        found = (names for _, names in self._certificates if any(_is_called(one, digits) for one in names))
        return {one for names in found for one in names if len(one) == _MIN_DIGITS}

    @cached_property
    def _certificates(self) -> list[tuple[str, list[str]]]:
        """The public keys that gpg knows: each one's fingerprint, and the names of it and of its subkeys."""
        try:
            keys = self._gpg.list_keys(False)
        except SecretsyncError:
            return []
        return [
            (
                str(key["fingerprint"]),
                [str(key["fingerprint"]), str(key["keyid"]), *(str(one) for sub in key["subkeys"] for one in sub[::2])],
            )
            for key in keys
        ]

    @cached_property
    def _gpg(self) -> Any:  # python-gnupg has no types
        environ = self._context.environ
        on_terminal = self._context.prompt is not None and "GPG_TTY" not in environ and os.isatty(0)
        try:
            gpg = gpg_of(environ, {"GPG_TTY": os.ttyname(0)} if on_terminal else None)
        except (OSError, ValueError) as error:
            raise KeyServiceError(f"gpg cannot be started: {one_line_of(str(error))}") from None
        if self._context.prompt is None:
            gpg.options = ["--pinentry-mode", "error"]
        return gpg

    def _wrapping_problem(self, fingerprint: str, status: GpgStatus) -> SecretsyncError:
        key = f"pgp key {fingerprint!r}"
        if status.words("INV_RECP")[:1] == ["1"]:
            return ConfigError(f"{key} is not in the key ring of gpg", hint=f"gpg --recv-keys {fingerprint}")
        considered = status.words("KEY_CONSIDERED")
        if len(considered) > 1 and int(considered[1]) & _ALL_EXPIRED_OR_REVOKED:
            return ConfigError(
                f"{key} {self._end_of(fingerprint)}", hint="replace the key, or extend it with its owner"
            )
        if status.has("INV_RECP"):
            return ConfigError(f"{key} cannot encrypt: {status.complaint}")
        return KeyServiceError(f"{key}: gpg cannot encrypt: {status.complaint}")

    def _end_of(self, fingerprint: str) -> str:
        for key in self._gpg.list_keys(False, keys=[fingerprint.removesuffix("!")]):
            if key["trust"] == "r":
                return "is revoked"
            if key["expires"]:
                return f"expired on {datetime.fromtimestamp(int(key['expires']), UTC):%Y-%m-%d}"
        return "has no subkey left that can encrypt: they are expired or revoked"

    def _unwrapping_problem(self, fingerprint: str, status: GpgStatus) -> SecretsyncError:
        reason = status.error_code("pkdecrypt_failed")
        if status.has("BADMDC") or status.has("DECRYPTION_INFO") or reason in _DAMAGED:
            return IntegrityError("the envelope was changed after encryption")
        if status.has("NODATA"):
            return FormatError("the envelope is not a PGP message")
        if reason in _LOCKED:
            return KeyServiceError(
                f"its secret key is locked, and gpg got no passphrase ({status.complaint})",
                hint=f"gpg --sign --local-user {fingerprint} --output /dev/null /dev/null",
            )
        if status.has("NO_SECKEY"):
            return IncorrectIdentityError("gpg has no secret key for it")
        if reason is None and status.spoke and not status.has("FAILURE"):
            return IntegrityError(f"the envelope is damaged ({status.complaint})")
        return KeyServiceError(f"gpg cannot decrypt: {status.complaint}")


def _is_called(name: str, digits: str) -> bool:
    """Whether a fingerprint or key id ends in these digits, which are those of an id or of a fingerprint."""
    return name.endswith(digits) and len(digits) in {_SHORT_ID, _MIN_DIGITS, len(name)}


def _text_of(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise MetadataError(f"pgp key lacks field {name!r}")
    return value
