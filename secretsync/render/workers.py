"""Many files on several processors: forked children render a share each, in order, and hand the bytes back by a pipe.

A child does only what this process could do alone: it asks no remote key service, and at the first file that does not
render it stops. The parent renders what is left, so that errors, and calls to a key service, happen once and here.
"""

from __future__ import annotations

import marshal
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NoReturn, cast

from secretsync.errors import SecretsyncError
from secretsync.masterkeys import MasterKeys
from secretsync.render.discover import Input
from secretsync.render.options import Context, Format
from secretsync.render.pipeline import Piece, render_file
from secretsync.secrecy import SecretBytes

FILES_PER_WORKER: Final = 32
"""Below this a fork (2 ms of copying page tables and collecting the result) does not pay."""

_Share = tuple[list[tuple[str, str, bytes, int]], list[str]]


class RemoteKeyError(SecretsyncError):
    """A child met a key that a remote service holds; the parent will ask, once. Never shown."""


class LocalKeys:
    """The keys of a child: those on this machine."""

    def __init__(self, keys: MasterKeys) -> None:
        self._keys = keys

    def unwrap(self, kind: str, fields: Mapping[str, object]) -> SecretBytes:
        """Unwrap with a local key. Raises: RemoteKeyError for a kind whose service is remote."""
        if self._keys.service(kind).remote:
            raise RemoteKeyError("a remote key")
        return self._keys.unwrap(kind, fields)

    def wrap(self, kind: str, recipient: str, data_key: SecretBytes) -> dict[str, object]:
        """Wrap a data key, as `MasterKeys.wrap`."""
        return self._keys.wrap(kind, recipient, data_key)

    def identity(self, kind: str, fields: Mapping[str, object]) -> str:
        """Return the string by which keys are compared, as `MasterKeys.identity`."""
        return self._keys.identity(kind, fields)


def wanted(files: int, workers: int | None) -> int:
    """Return how many processes should render `files`: one per processor that this process may use, if it pays."""
    if "threading" in sys.modules and sys.modules["threading"].active_count() > 1:
        return 1  # a fork would copy locks that other threads hold
    return max(1, min(_processors() if workers is None else workers, files // FILES_PER_WORKER))


def _processors() -> int:
    """Return how many processors this process may use; not every system tells that apart from how many there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def render_files(inputs: Sequence[Input], context: Context, processes: int) -> list[Piece]:
    """Render `inputs` in order with this process and `processes` - 1 children.

    Raises:
        SecretsyncError: of the first input that does not render.
    """
    # The first file loads modules and identities, which the children then share.
    pieces = [render_file(inputs[0], context)]
    rest = inputs[1:]
    bounds = [len(rest) * number // processes for number in range(processes + 1)]
    shares = [rest[start:end] for start, end in pairwise(bounds)]
    children = [_start(share, context) for share in shares[1:]]
    try:
        pieces += (render_file(item, context) for item in shares[0])
        for share, (_, pipe) in zip(shares[1:], children, strict=True):
            done, warnings = _collect(pipe)
            context.warnings += warnings
            pieces += done
            pieces += (render_file(item, context) for item in share[len(done) :])
    finally:
        for process, pipe in children:
            os.close(pipe)
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
    return pieces


def _start(share: Sequence[Input], context: Context) -> tuple[int, int]:
    """Fork a child for `share` and return its process id and where its result comes from."""
    read, write = os.pipe()
    process = os.fork()
    if not process:
        _child(share, context, write)
    os.close(write)
    return process, read


def _child(share: Sequence[Input], context: Context, pipe: int) -> NoReturn:
    """Render, write the result and end without touching anything that belongs to the parent."""
    try:
        local = Context(context.options, cast("MasterKeys", LocalKeys(context.keys)), context.now)
        pieces = [tuple(piece) for piece in _rendered(share, local)]
        with os.fdopen(pipe, "wb") as file:
            file.write(marshal.dumps((pieces, local.warnings)))
    finally:
        os._exit(0)


def _rendered(share: Sequence[Input], context: Context) -> Iterator[Piece]:
    for item in share:
        try:
            yield render_file(item, context)
        except SecretsyncError:
            return


def _collect(pipe: int) -> tuple[list[Piece], list[str]]:
    """Read a child's whole result; a child that died has rendered nothing."""
    blocks = []
    while block := os.read(pipe, 1 << 20):
        blocks.append(block)
    try:
        share: _Share = marshal.loads(b"".join(blocks))  # noqa: S302  # from our own child
    except (EOFError, ValueError, TypeError):
        return [], []
    pieces, warnings = share
    return [Piece(relpath, cast("Format", written), data, count) for relpath, written, data, count in pieces], warnings
