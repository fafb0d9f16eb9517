"""The SOPS format: decrypt, encrypt and change files as sops 3.13.3 does, on trees that `documents` reads and writes.

Only decryption is loaded here; encryption and the operations load when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsync.late import names
from secretsync.sops.decryption import Decrypted, decrypt, decrypt_unit
from secretsync.sops.mac import MacPolicy
from secretsync.sops.metadata import Metadata, is_encrypted

if TYPE_CHECKING:
    from secretsync.sops.encryption import encrypt

__all__ = ["Decrypted", "MacPolicy", "Metadata", "decrypt", "decrypt_unit", "encrypt", "is_encrypted"]

__getattr__ = names(__name__, {"encrypt": "secretsync.sops.encryption:encrypt"})
