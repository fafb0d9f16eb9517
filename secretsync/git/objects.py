"""Objects by their ids: many read through one `git cat-file --batch`, many written as one pack.

Sources: git-cat-file(1), BATCH OUTPUT; gitformat-pack(5). An object's id hashes `TYPE SIZE NUL CONTENT`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha1, sha256
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Final, NamedTuple, Self, TypeAlias

from secretsync.errors import RepositoryError
from secretsync.git.running import Git

_SHA1_DIGITS, _SHA256_DIGITS = 40, 64
_HEX: Final = frozenset("0123456789abcdef")
AHEAD: Final = 64  # questions asked before the first answer is read: they fit into any pipe
_CHUNK: Final = 1024 * 1024  # bytes
_BLOB: Final = 3  # the number of the type in a pack
_VERSION: Final = 2  # of a pack
_MANY: Final = 100  # objects. Source: git-config(1), fetch.unpackLimit
_INCOMPLETE: Final = "git fsck; in a partial clone, which is not completed here: git fetch --refetch --no-filter"

Spellings: TypeAlias = Callable[[bytes], Iterable[bytes]]
"""All that a piece of a file may say: as it stands, and behind what hides it."""

_SPELT: Final = 64
"""Bytes that one of a text takes at most: an escape in UTF-16 takes 20, a joined line its indentation."""


def as_is(piece: bytes) -> Iterable[bytes]:
    """Return the one spelling of what hides nothing."""
    return (piece,)


class _Head(NamedTuple):
    kind: bytes
    size: int


class ObjectReader:
    """A running `cat-file`; use it as a context, and in one process only. It is asked by id, and by nothing else."""

    def __init__(self, git: Git) -> None:
        self._process = git.start("cat-file", "--batch")
        self._folder = git.folder

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._process.close()

    def read(self, blob: str) -> bytes:
        """Return a blob. Raises: RepositoryError where there is none of this id."""
        self.ask([blob])
        return self.answer(blob, "blob")

    def any(self, name: str) -> tuple[str, bytes]:
        """Return the type of an object, and its content. Raises: RepositoryError where there is none of this id."""
        self.ask([name])
        head = self._head(name)
        if head is None:
            raise self._absent(name)
        return head.kind.decode("ascii"), self._rest(head.size, name)

    def contents(self, names: Iterable[str], kind: str) -> Iterator[bytes]:
        """Yield many objects of the type `kind`, in their order. Raises: as `read`."""
        for some in _chunks(names):
            self.ask(some)
            yield from [self.answer(name, kind) for name in some]

    def holding(self, blobs: Iterable[str], texts: Sequence[bytes], spellings: Spellings = as_is) -> Iterator[bool]:
        """Say of each blob whether it holds one of `texts` in one of its spellings, whatever its size. Raises: as `read`."""
        for some in _chunks(blobs):
            self.ask(some)
            yield from [self._search(blob, texts, spellings) for blob in some]

    def ask(self, names: list[str]) -> None:
        """Ask for objects, no more than `AHEAD` at a time, that `answer` then has to be called for, in this order."""
        for name in names:
            if len(name) not in {_SHA1_DIGITS, _SHA256_DIGITS} or not _HEX.issuperset(name):
                raise RepositoryError(f"{name!r} is not an object id", location=self._folder)
        try:
            self._process.stdin.write("".join(f"{name}\n" for name in names).encode("ascii"))
            self._process.stdin.flush()
        except OSError:
            raise self._ended(names[0]) from None

    def _head(self, name: str) -> _Head | None:
        """Return what follows; None where there is no such object."""
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise self._ended(name)
        words = line.split()
        return _Head(words[1], int(words[2])) if len(words) == 3 else None  # id, type, size

    def _rest(self, size: int, name: str) -> bytes:
        data = self._process.stdout.read(size + 1)  # a line end follows
        if len(data) <= size:
            raise self._ended(name)
        return data[:-1]

    def answer(self, name: str, kind: str) -> bytes:
        """Return the next object that was asked for. Raises: as `read`, and where it is of another type."""
        head = self._head(name)
        if head is None:
            raise self._absent(name)
        data = self._rest(head.size, name)
        if head.kind != kind.encode():
            raise RepositoryError(f"object {name} is not a {kind}", location=self._folder)
        return data

    def _search(self, blob: str, texts: Sequence[bytes], spellings: Spellings) -> bool:
        head = self._head(blob)
        if head is None:
            raise self._absent(blob)
        left, carried, found = head.size, b"", False
        kept = max(map(len, texts), default=1) * _SPELT
        while left > _CHUNK:
            data = carried + self._process.stdout.read(_CHUNK)
            found = found or _is_in(data, texts, spellings)
            left, carried = left - _CHUNK, data[-kept:]
        data = carried + self._rest(left, blob)
        return found or _is_in(data, texts, spellings)

    def _absent(self, name: str) -> RepositoryError:
        return RepositoryError(f"no object {name}", location=self._folder, hint=_INCOMPLETE)

    def _ended(self, name: str) -> RepositoryError:
        """Return the error for an object that git gave up on: one that it wanted to fetch, or that is damaged."""
        return RepositoryError(f"git could not give object {name}", location=self._folder, hint=_INCOMPLETE)


def _is_in(data: bytes, texts: Sequence[bytes], spellings: Spellings) -> bool:
    return any(text in form for form in spellings(data) for text in texts)


def blob_id(data: bytes, like: str) -> str:
    """Return the id that git gives a blob, by the hash of the repository that `like` is an id of."""
    return str(_hash_of(like)(b"blob %d\0" % len(data) + data).hexdigest())


def _hash_of(name: str) -> Callable[..., Any]:
    return sha1 if len(name) == _SHA1_DIGITS else sha256


def write_blobs(git: Git, blobs: Iterable[bytes], like: str) -> list[str]:
    """Put blobs into the repository as they are, and return their ids: no filter, line end or encoding is changed.

    Many stay one pack, which is one file to write and to wait for. As after a fetch, few become loose objects.

    Raises:
        RepositoryError: git refuses.
    """
    ids: list[str] = []
    known: set[str] = set()
    hashed = _hash_of(like)()
    with TemporaryFile() as body:
        for data in blobs:
            ids.append(name := blob_id(data, like))
            if name not in known:
                body.write(_entry(data))
                known.add(name)
        with TemporaryFile() as pack:
            head = b"PACK" + _VERSION.to_bytes(4, "big") + len(known).to_bytes(4, "big")
            body.seek(0)
            for chunk in (head, *iter(lambda: body.read(_CHUNK), b"")):
                hashed.update(chunk)
                pack.write(chunk)
            pack.write(hashed.digest())
            pack.seek(0)
            git.output(*(("unpack-objects", "-q") if len(known) < _MANY else ("index-pack", "--stdin")), source=pack)
    return ids


def _entry(data: bytes) -> bytes:
    """Return a blob as a pack holds it: type and size seven bits at a time, four in the first byte, then zlib."""
    size, head = len(data) >> 4, [_BLOB << 4 | len(data) & 0x0F]
    while size:
        head[-1] |= 0x80
        head.append(size & 0x7F)
        size >>= 7
    return bytes(head) + zlib.compress(data, 1)


def _chunks(names: Iterable[str]) -> Iterator[list[str]]:
    some: list[str] = []
    for name in names:
        some.append(name)
        if len(some) == AHEAD:
            yield some
            some = []
    if some:
        yield some
