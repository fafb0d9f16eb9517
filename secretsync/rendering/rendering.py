"""The whole of one rendering: which files, each through the pipeline, then the result as a stream or a folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from secretsync.errors import ConfigError, ManifestError
from secretsync.late import LateModule
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.kinds import KINDS
from secretsync.rendering.discover import Input, discover
from secretsync.rendering.formats import Piece
from secretsync.rendering.options import Options, RenderContext
from secretsync.rendering.pipeline import render_file

if TYPE_CHECKING:
    from datetime import datetime

    import secretsync.rendering.ahead as ahead
    import secretsync.rendering.emit as emit
    import secretsync.rendering.kubernetes_reader as kubernetes_reader
    import secretsync.rendering.workers as workers
    from secretsync.manifests import names
else:
    names = LateModule("secretsync.manifests.names")
    ahead = LateModule("secretsync.rendering.ahead")  # for kinds of key that answer many questions at once
    emit = LateModule("secretsync.rendering.emit")  # for several files, as the next two
    kubernetes_reader = LateModule("secretsync.rendering.kubernetes_reader")
    workers = LateModule("secretsync.rendering.workers")

MANY_FILES: Final = 64
"""From this number on, files are rendered by several processes."""


class Rendered(NamedTuple):
    """What every input became, in order. `repr` shows no content."""

    pieces: list[Piece]
    warnings: list[str]
    is_read_again: bool = False
    """Whether a joined stream is compared with its files as Kubernetes reads them."""

    @property
    def files(self) -> list[tuple[str, bytes]]:
        """The path below an output folder and the bytes of each file."""
        return [(piece.relpath, piece.data) for piece in self.pieces]

    def stream(self) -> bytes:
        """All files as one stream of documents.

        Raises:
            ManifestError: Kubernetes would read other documents than those of the files.
        """
        if len(self.pieces) == 1:
            return self.pieces[0].data
        joined = emit.join(self.pieces)
        if self.is_read_again:
            kubernetes_reader.confirm_joined(joined, self.pieces)
        return joined

    def __repr__(self) -> str:
        return f"Rendered({len(self.pieces)} files)"


def render(
    inputs: Sequence[str | Input],
    options: Options,
    *,
    keys: MasterKeys | None = None,
    now: datetime | None = None,
) -> Rendered:
    """Render files, folders (`str`) and contents at hand (`Input`), all or nothing.

    `keys` are those of `options.environ` unless given. `now` is the current time unless given.

    Raises:
        SecretsyncError: of the first input that does not render, placed at `file#document path`.
    """
    if options.namespace:
        _check_namespace(options.namespace)
    found, warnings = _found(inputs, options)
    if keys is None:
        keys = MasterKeys(options.environ, plugins=False, allow_demo_keys=options.allow_demo_keys)
    context = RenderContext(options, keys, now)
    context.warnings += warnings
    pieces = _rendered(found, context)
    if not options.allow_empty and not any(piece.objects for piece in pieces):
        names = ", ".join(item.name for item in found[:3]) or "no input"
        raise ManifestError("holds no object; an engine that prunes would delete everything", location=names)
    return Rendered(pieces, list(dict.fromkeys(context.warnings)), options.is_judged or options.is_hook)


def _check_namespace(namespace: str) -> None:
    if not names.is_legal_namespace(namespace):
        raise ConfigError(
            f"{namespace[:63]!r} is not a legal namespace: lower case letters, digits and '-', at most 63"
        )


def _rendered(found: Sequence[Input], context: RenderContext) -> list[Piece]:
    if len(found) > 1 and any(kind.together for kind in KINDS.values()):
        ahead.unwrap(found, context)
    if len(found) >= MANY_FILES and context.options.workers not in {0, 1}:
        processes = workers.wanted(len(found), context.options.workers)
        if processes > 1:
            return workers.render_files(found, context, processes)
    return [render_file(item, context) for item in found]


def _found(inputs: Sequence[str | Input], options: Options) -> tuple[list[Input], list[str]]:
    found: list[Input] = []
    warnings: list[str] = []
    for item in inputs:
        if isinstance(item, Input):
            found.append(item)
            continue
        discovered, left_out = discover(item, several=len(inputs) > 1, max_files=options.max_files)
        found += discovered
        warnings += left_out
    return found, warnings
