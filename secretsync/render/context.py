"""What every step of one rendering shares: the options, the keys, the sealing material once read, the warnings so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from secretsync.masterkeys import MasterKeys
from secretsync.render.options import Options

if TYPE_CHECKING:
    from datetime import datetime

    from secretsync.sealed.certificate import SealingCertificate
    from secretsync.sealed.deterministic import SealKey


class Context:
    """One rendering. `now` is what certificates are judged by, None for the current time."""

    __slots__ = ("certificate", "keys", "now", "options", "seal_key", "warnings")

    def __init__(self, options: Options, keys: MasterKeys, now: datetime | None) -> None:
        self.options = options
        self.keys = keys
        self.now = now
        self.warnings: list[str] = []
        self.certificate: SealingCertificate | None = None
        self.seal_key: SealKey | None = None
