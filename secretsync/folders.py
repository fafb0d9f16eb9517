"""Folders held open: what is done in one stays in it, whatever becomes of its path meanwhile, and follows no link.

Where the system cannot name a file by its folder's descriptor (Windows), every step is looked at before it is taken;
that is the best there is.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from io import FileIO
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Self, TypeAlias

from secretsync.errors import ChangedFileError, EscapeError, FileAccessError, MissingFileError
from secretsync.late import LateModule

if TYPE_CHECKING:
    import errno
else:
    errno = LateModule("errno")  # not before something failed

TEMPORARY_PREFIX: Final = ".secretsync-"
"""How temporary files begin that a kill can leave behind."""

BY_DESCRIPTOR: Final = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY")

Durable: TypeAlias = Literal["all", "contents", "nothing"]
"""What is on the disk when a write returns. `contents`: all but the name, which stands for the old file or the new one
until its folder is synced. `nothing`: for what is thrown away anyway; only a kill, not a power failure, is survived."""

CLOSED_ON_EXEC: Final = getattr(os, "O_CLOEXEC", 0)
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | CLOSED_ON_EXEC
# Without O_NONBLOCK, opening a named pipe that a repository smuggled in would wait for ever.
_READ: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_WRITE_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_REPARSE_LINKS: Final = {
    getattr(stat, name) for name in ("IO_REPARSE_TAG_SYMLINK", "IO_REPARSE_TAG_MOUNT_POINT") if hasattr(stat, name)
}
"""What makes a folder a link on Windows."""


class OpenFolder:
    """One folder, to be used as a context; every `name` is that of something right in it."""

    def __init__(self, path: str, durable: Durable = "all") -> None:
        """Open the folder that the user named; links on the way to it are followed. Raises: OSError."""
        self.path = path
        self._durable = durable
        self._descriptor = os.open(path, _FOLDER) if BY_DESCRIPTOR else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the folder."""
        self.close()

    def close(self) -> None:
        """Let go of the folder."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def enter(self, name: str, *, make: bool = False, mode: int = 0o777) -> None:
        """Go on to a folder in this one, which is made where it is missing and `make` is set.

        Raises:
            OSError: there is none; `NotADirectoryError` or `ELOOP` where it is a link or a file.
        """
        if make and self.status(name) is None:
            with suppress(FileExistsError):  # somebody else was faster
                os.mkdir(self._at(name), mode, dir_fd=self._descriptor)
            self.sync()
        if self._descriptor is None:
            status = self.status(name)
            if status is not None and not _is_folder(status):
                raise NotADirectoryError(f"{name} is not a folder")
        else:
            inner = os.open(name, _FOLDER | _NO_LINK, dir_fd=self._descriptor)
            os.close(self._descriptor)
            self._descriptor = inner
        self.path = os.path.join(self.path, name)

    def status(self, name: str) -> os.stat_result | None:
        """Return the status of a file, or of the link that stands there; None where there is nothing."""
        try:
            return os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def open(self, name: str) -> int:
        """Open a file to read, never a link, without waiting for anybody. Raises: OSError."""
        return os.open(self._at(name), _READ | _NO_LINK | CLOSED_ON_EXEC, dir_fd=self._descriptor)

    def read(self, name: str) -> bytes:
        """Return a file's bytes. Raises: OSError."""
        with os.fdopen(self.open(name), "rb", buffering=0) as file:
            return file.readall()

    def replace(
        self, name: str, data: bytes, mode: int | None, present: os.stat_result | None, replaces: bytes | None
    ) -> None:
        """Put `data` in place of what stands there, in one step that survives a crash.

        The mode and owner of what is `present` are kept; a new file gets `mode`, or what the umask leaves of 0666.

        Raises:
            ChangedFileError: the file no longer holds `replaces`.
            OSError: the disk is full, or the folder may not be written.
        """
        temporary = self._write_beside(data, mode, present)
        try:
            if replaces is not None and self.read(name) != replaces:
                raise ChangedFileError(
                    "was changed by someone else meanwhile",
                    location=os.path.join(self.path, name),
                    hint="run the command again",
                )
            self.take(self, temporary, name)
        except BaseException:
            self.remove(temporary)
            raise
        self.sync()

    def create(self, name: str, data: bytes, mode: int) -> None:
        """Put a new file there, whole or not at all. Raises: FileExistsError, and as `replace`."""
        temporary = self._write_beside(data, mode, None)
        try:
            os.link(self._at(temporary), self._at(name), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        finally:
            self.remove(temporary)
        self.sync()

    def take(self, other: OpenFolder, old: str, new: str) -> None:
        """Move `old` of another folder here, in place of `new`; of a link that stands there the link is replaced."""
        os.replace(other._at(old), self._at(new), src_dir_fd=other._descriptor, dst_dir_fd=self._descriptor)

    def remove(self, name: str) -> None:
        """Remove a file. Raises: OSError."""
        os.unlink(self._at(name), dir_fd=self._descriptor)

    def sync(self) -> None:
        """Put the names in the folder on disk, so that a file that was put in place stays there."""
        if self._descriptor is not None and self._durable == "all":
            os.fsync(self._descriptor)

    def _at(self, name: str) -> str:
        return name if self._descriptor is not None else os.path.join(self.path, name)

    def _write_beside(self, data: bytes, mode: int | None, present: os.stat_result | None) -> str:
        """Write a temporary file, sync it where that is wanted, and return its name; on failure nothing is left."""
        temporary = f"{TEMPORARY_PREFIX}{os.urandom(8).hex()}.tmp"
        # The umask applies to a new file's mode only; an existing one's is set exactly, and never wider in between.
        wanted = 0o666 if mode is None else mode
        descriptor = os.open(
            self._at(temporary),
            _WRITE_NEW | CLOSED_ON_EXEC,
            wanted if present is None else 0o600,
            dir_fd=self._descriptor,
        )
        try:
            with os.fdopen(descriptor, "wb", buffering=0) as file:
                if present is not None and hasattr(os, "fchown"):
                    _keep_ownership(descriptor, present)
                write_all(file, data)
                if self._durable != "nothing":
                    os.fsync(descriptor)
        except BaseException:
            self.remove(temporary)
            raise
        return temporary


def write_all(file: FileIO, data: bytes) -> None:
    """Write all of `data`, in as many steps as the system takes."""
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) :]


def read_up_to(file: FileIO, size: int) -> bytes:
    """Return all that a file holds, but no more than `size` bytes."""
    blocks = []
    while size > 0 and (block := file.read(size)):
        blocks.append(block)
        size -= len(block)
    return b"".join(blocks)


def _is_folder(status: os.stat_result) -> bool:
    return stat.S_ISDIR(status.st_mode) and getattr(status, "st_reparse_tag", 0) not in _REPARSE_LINKS


def _keep_ownership(descriptor: int, present: os.stat_result) -> None:
    current = os.fstat(descriptor)
    if (current.st_uid, current.st_gid) != (present.st_uid, present.st_gid):
        try:
            os.fchown(descriptor, present.st_uid, present.st_gid)
        except PermissionError:
            # Another user's file in a folder of ours: group rights must not go to our own group instead.
            os.fchmod(descriptor, stat.S_IMODE(present.st_mode) & ~0o070)
            return
    os.fchmod(descriptor, stat.S_IMODE(present.st_mode))


def refusal(error: OSError, location: str) -> FileAccessError:
    """Return our error for what the operating system said."""
    if isinstance(error, FileNotFoundError):
        return MissingFileError("no such file or directory", location=location)
    if error.errno == errno.ELOOP or isinstance(error, NotADirectoryError):
        return EscapeError("is a symbolic link, or one of its folders is", location=location)
    return FileAccessError((error.strerror or "cannot be accessed").lower(), location=location)
