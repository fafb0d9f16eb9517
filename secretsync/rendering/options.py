"""What one rendering may be told, and what its steps share: mode, sealing material, output, limits; keys and warnings.

The CLI, `secretsync-hook` and the Python API all build this object; nothing here comes from the files that are rendered.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from secretsync.documents.tree import Limits

if TYPE_CHECKING:
    from datetime import datetime

    from secretsync.masterkeys import MasterKeys
    from secretsync.rendering.formats import Format
    from secretsync.sealed.certificate import SealingCertificate
    from secretsync.sealed.deterministic import SealKey
    from secretsync.sealed.scope import Scope

Mode: TypeAlias = Literal["reveal", "seal", "redact"]
Allowed: TypeAlias = bool | frozenset[str]
"""Whether ciphertext may leave as it is: of every object, of none, or of those that are listed as `NAMESPACE/KIND/NAME`."""

MODES: Final[tuple[Mode, ...]] = ("reveal", "seal", "redact")
OPERATOR_FILE: Final = "/etc/secretsync/hook.yaml"
"""The hook's configuration; no variable of the environment can move it, because a tenant could set it."""


class Outputs(NamedTuple):
    """What the operator lets out; None sets no rule. An object without a namespace is in the namespace `""`."""

    kinds: frozenset[str] | None = None
    namespaces: frozenset[str] | None = None


class Options(NamedTuple):
    """How to render.

    `cert_file` and `seal_key_file` matter to `seal` only. Without `cert_file` the only certificate below `keys/` is
    taken, looked for from `keys_from` upwards; `keys_from` None looks nowhere. `namespace` fills the namespace of Secrets that name none.
    `output` converts every document; without it each file keeps its format. `limits` hold for one file.
    """

    mode: Mode = "reveal"
    cert_file: str | None = None
    keys_from: str | None = "."
    allow_expired: bool = False
    seal_key_file: str | None = None
    scope: Scope | None = None
    """The scope to seal for; None takes what each Secret's annotation says."""
    scopes: frozenset[Scope] | None = None
    """The scopes that may be sealed for, whoever chose one; None allows all."""
    pin_spki_sha256: str | None = None
    """The hash that the certificate's public key must have, 64 lower-case hex digits (`SealingCertificate.spki_sha256`)."""
    namespace: str | None = None
    output: Format | None = None
    allow_empty: bool = False
    """Whether input without a single object is fine; else it is an error, because a pruning engine would delete all."""
    allow_demo_keys: bool = False
    environ: Mapping[str, str] = MappingProxyType({})
    """Where identities come from (`SOPS_AGE_KEY`, `SOPS_AGE_KEY_FILE`, `HOME`, …)."""
    limits: Limits = Limits()
    max_files: int = 100_000
    max_total: int = 1 << 29
    """Bytes of all files together, for each process that renders."""
    workers: int | None = None
    """Worker processes for many files; None takes one per processor above the threshold, 0 or 1 takes none."""
    outputs: Outputs | None = None
    """Which objects may leave; None lets all of them out."""
    allow_ciphertext: Allowed = False
    is_hook: bool = False
    """Whether an engine applies the result and nobody reads it before."""

    @property
    def is_judged(self) -> bool:
        """Whether something is promised about each object that leaves, so that none may be seen by Kubernetes alone."""
        return self.mode != "reveal" or self.outputs is not None


class RenderContext:
    """What the steps of one rendering share. `now` is what certificates are judged by, None for the current time.

    `may_show_ciphertext` says whether objects are searched for ciphertext before the mode hides what they hold.
    """

    __slots__ = (
        "certificate",
        "keys",
        "may_show_ciphertext",
        "now",
        "options",
        "seal_key",
        "sealed",
        "size",
        "warnings",
    )

    def __init__(self, options: Options, keys: MasterKeys, now: datetime | None) -> None:
        self.options = options
        self.keys = keys
        self.now = now
        self.size = 0
        self.sealed = 0  # values of the file at hand
        self.may_show_ciphertext = True
        self.warnings: list[str] = []
        self.certificate: SealingCertificate | None = None
        self.seal_key: SealKey | None = None
