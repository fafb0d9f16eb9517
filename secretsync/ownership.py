"""Whether a file may be believed: nobody but root and the user who runs this can have written it, or put another there.

The rule is that of sshd for `authorized_keys`, with two additions for folders as Kubernetes mounts them: kubelet puts a
Secret or a projected volume into a folder of mode 1777 (3777 with fsGroup) and a ConfigMap into one of mode 0777, which
the container sees read-only. Source: pkg/volume/emptydir/empty_dir.go, volume_linux.go at v1.36.3.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final, NoReturn

from secretsync.errors import FileAccessError, MissingFileError, PolicyError
from secretsync.late import LateModule

if TYPE_CHECKING:
    from secretsync import letters
else:
    letters = LateModule("secretsync.letters")  # only a refusal needs it

_OTHERS: Final = 0o022
_MOST_LINKS: Final = 40
_PROCESSES: Final = "/proc"


def trusted(path: str) -> str:
    """Return the path with every link resolved, where the file and all folders on the way to it may be believed.

    Where a platform has no user ids nothing is looked at.

    Raises:
        FileAccessError: there is no such file, or a folder may not be searched.
        PolicyError: the file, a link to it, or a folder that one of them lies in belongs to another user, or may be
            written by others; or the path leads through the files of a process.
    """
    if not hasattr(os, "getuid"):
        return path
    try:
        if stat.S_ISFIFO((status := os.stat(path)).st_mode):
            _check_file(path, status, path)  # `<(…)` of a shell lies in no folder
            return path
        found = _resolved(path)
        _check_file(found, os.stat(found), path)
    except FileNotFoundError:
        raise MissingFileError("no such file or directory", location=path) from None
    except OSError as error:
        raise FileAccessError((error.strerror or "cannot be accessed").lower(), location=path) from None
    return found


def _resolved(path: str) -> str:
    """Return the real path, having judged each folder that a step was taken from: a link there leads wherever it likes."""
    place, links = "/", 0
    waiting = _steps(path if os.path.isabs(path) else os.path.join(os.getcwd(), path))
    while waiting:
        step = waiting.pop()
        if step == "..":
            place = os.path.dirname(place)
            continue
        _check_folder(place, path)
        below = os.path.join(place, step)
        status = os.lstat(below)
        if not stat.S_ISLNK(status.st_mode):
            place = below
            continue
        if _is_foreign(status) and not _is_read_only(place):  # in a sticky folder its owner may point it elsewhere
            _refuse_owner(below, status, path)
        if f"{place}/".startswith(f"{_PROCESSES}/"):
            raise PolicyError(f"leads through {place}, which is another place for every process", location=path)
        target = os.readlink(below)
        links += 1
        if links > _MOST_LINKS:
            raise PolicyError("leads through too many links", location=path)
        waiting += _steps(target)
        place = "/" if target.startswith("/") else place
    return place


def _steps(path: str) -> list[str]:
    """Return the steps of a path, the last one first."""
    return [step for step in reversed(path.split("/")) if step not in {"", "."}]


def _check_file(real: str, status: os.stat_result, path: str) -> None:
    if _is_foreign(status):
        _refuse_owner(real, status, path)
    if status.st_mode & _OTHERS:
        _refuse_mode(real, status, path)


def _check_folder(folder: str, path: str) -> None:
    status = os.stat(folder)
    writable = status.st_mode & _OTHERS and not (status.st_mode & stat.S_ISVTX and status.st_uid == 0)
    if not (_is_foreign(status) or writable) or _is_read_only(folder):
        return
    if _is_foreign(status):
        _refuse_owner(folder, status, path)
    _refuse_mode(folder, status, path)


def _is_foreign(status: os.stat_result) -> bool:
    return status.st_uid not in {0, os.getuid()}


def _is_read_only(folder: str) -> bool:
    return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)


def _refuse_owner(real: str, status: os.stat_result, path: str) -> NoReturn:
    raise PolicyError(
        f"{_described(real, path)}belongs to user {status.st_uid}, who is neither root nor the user {os.getuid()} that runs this",
        location=path,
        hint=f"chown root {letters.argument(real)}",
    )


def _refuse_mode(real: str, status: os.stat_result, path: str) -> NoReturn:
    raise PolicyError(
        f"{_described(real, path)}may be written by other users (mode {stat.S_IMODE(status.st_mode):04o})",
        location=path,
        hint=f"chmod go-w {letters.argument(real)}",
    )


def _described(real: str, path: str) -> str:
    return "" if real == path else f"{real} "
