"""The master keys of this machine, for what runs by itself: files of strangers name hosts, and nobody sits at a prompt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from secretsync.errors import IncorrectIdentityError, KeyServiceError, NoIdentityMatchError
from secretsync.masterkeys.kinds import KINDS
from secretsync.masterkeys.services import MasterKeys
from secretsync.secrecy import SecretBytes

NO_KEY: Final = (NoIdentityMatchError, IncorrectIdentityError, KeyServiceError)
"""What says that no key here opens a file, which is sound as far as anybody can tell."""


class KeysOfThisMachine(MasterKeys):
    """The master keys of this machine: no service is asked, no plugin is started, and nobody sits at a prompt."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(environ, plugins=False, allow_demo_keys=True)

    def unwrap(self, kind: str, fields: Mapping[str, object]) -> SecretBytes:
        """Unwrap with what lies here. Raises: as `MasterKeys.unwrap`, and KeyServiceError for a key of a service."""
        _refuse_service(kind)
        return super().unwrap(kind, fields)

    def wrap(self, kind: str, recipient: str, data_key: SecretBytes) -> dict[str, object]:
        """Wrap with what lies here. Raises: as `MasterKeys.wrap`, and KeyServiceError for a key of a service."""
        _refuse_service(kind)
        return super().wrap(kind, recipient, data_key)


def _refuse_service(kind: str) -> None:
    if kind not in KINDS or KINDS[kind].is_service:
        raise KeyServiceError("a key of a service, which is not asked here")
