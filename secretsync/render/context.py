"""What every step of one rendering shares: the options, the keys, the sealing material once read, the warnings so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from secretsync.masterkeys import MasterKeys
from secretsync.render.options import Options

if TYPE_CHECKING:
    from secretsync.sealed.certificate import SealingCertificate
    from secretsync.sealed.deterministic import SealKey


@dataclass(slots=True)
class Context:
    """One rendering. `now` is what certificates are judged by."""

    options: Options
    keys: MasterKeys
    now: datetime
    warnings: list[str] = field(default_factory=list)
    certificate: SealingCertificate | None = None
    seal_key: SealKey | None = None
