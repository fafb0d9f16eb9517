"""Many files on several processors: forked processes render what this one could alone, and hand the bytes back in order.

Such a process asks no remote key service, and renders nothing more after the first file that fails. Whatever it leaves
is rendered here, so that errors, and calls to a key service, happen once and in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, cast

from secretsync.errors import SecretsyncError
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.kinds import KINDS
from secretsync.processes import Pool, count
from secretsync.rendering.discover import Input
from secretsync.rendering.formats import Piece
from secretsync.rendering.options import RenderContext
from secretsync.rendering.pipeline import render_file
from secretsync.secrecy import SecretBytes

FILES_PER_WORKER: Final = 32
"""Below this a fork (2 ms of copying page tables and collecting the result) does not pay."""


class RemoteKeyError(SecretsyncError):
    """A child met a key that a remote service holds; the parent will ask, once. Never shown."""


class LocalKeys:
    """The keys of a child: those on this machine."""

    def __init__(self, keys: MasterKeys) -> None:
        self._keys = keys

    def unwrap(self, kind: str, fields: Mapping[str, object]) -> SecretBytes:
        """Unwrap with a local key, or give what was unwrapped before the fork.

        Raises:
            RemoteKeyError: a person, a program or a service may have to be asked.
        """
        if (known := self._keys.known(kind, fields)) is not None:
            return known
        if kind not in KINDS or not KINDS[kind].unattended:
            raise RemoteKeyError("a remote key")
        return self._keys.unwrap(kind, fields)

    def wrap(self, kind: str, recipient: str, data_key: SecretBytes) -> dict[str, object]:
        """Wrap a data key, as `MasterKeys.wrap`."""
        return self._keys.wrap(kind, recipient, data_key)

    def recipient(self, kind: str, fields: Mapping[str, object]) -> str:
        """Return the string by which keys are compared, as `MasterKeys.recipient`."""
        return self._keys.recipient(kind, fields)


class _Rendered(NamedTuple):
    """What came of one file; no piece where it is left to the parent."""

    piece: Piece | None
    warnings: list[str]


class _Renderer:
    """Renders in this process; in one of the pool it leaves what fails, and all that comes after it."""

    def __init__(self, context: RenderContext) -> None:
        self._context = context
        self._is_child = False
        self._has_failed = False

    def forked(self) -> None:
        """Use no remote key from now on."""
        context = self._context
        self._context = RenderContext(context.options, cast("MasterKeys", LocalKeys(context.keys)), context.now)
        self._is_child = True

    def render(self, item: Input) -> _Rendered:
        """Render one file. Raises: SecretsyncError, in this process only."""
        if self._has_failed:
            return _Rendered(None, [])
        try:
            piece = render_file(item, self._context)
        except SecretsyncError:
            if not self._is_child:
                raise
            self._has_failed = True
            return _Rendered(None, [])
        return _Rendered(piece, self._taken_warnings())

    def _taken_warnings(self) -> list[str]:
        """Return the warnings of the file, and forget them in a child; in the parent they stand where they belong."""
        if not self._is_child:
            return []
        found, self._context.warnings = self._context.warnings, []
        return found

    def coming(self, method: str, tasks: Sequence[Input]) -> None:
        """Prepare nothing."""

    def close(self) -> None:
        """Hold nothing."""


def wanted(files: int, workers: int | None) -> int:
    """Return how many processes should render `files`: one per processor that this process may use, if it pays."""
    available = count()
    return max(1, min(available if workers is None or available == 1 else workers, files // FILES_PER_WORKER))


def render_files(inputs: Sequence[Input], context: RenderContext, processes: int) -> list[Piece]:
    """Render `inputs` in order, with `processes` children.

    Raises:
        SecretsyncError: of the first input that does not render.
    """
    pieces = []
    nothing = _Rendered(None, [])
    with Pool(_Renderer(context), at_least=1, at_most=processes, lost=lambda _: nothing) as pool:
        for item, rendered in zip(inputs, pool.map("render", inputs), strict=True):
            context.warnings += rendered.warnings
            pieces.append(rendered.piece or render_file(item, context))
    return pieces
