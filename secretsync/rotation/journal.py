"""What an operation has done, one JSON line per step, written before the step: after a crash it tells where to go on.

A record outlives a kill of ours as soon as it is written; a power failure, once it is synced as well. Begun, proved,
committed, done and rolled back are synced; that a file was written is not, because the worktree can be filled again.
What a power failure leaves of the two is not looked at: the record of the worktree names the start of the machine that
it was filled in, and after another start it is filled anew from the branch (`applying`).

It lies in `.git/secretsync/ops/ID` (mode 0700, never committed) with the plan and the worktree. It holds paths, blob
ids and commits; no data key, no plaintext and no hash of one.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import count
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias

from secretsync import files
from secretsync.errors import FileAccessError, FormatError, OperationRunningError, RepositoryError
from secretsync.folders import CLOSED_ON_EXEC
from secretsync.git import Repository, branches
from secretsync.rotation.model import Plan, dump, parse

if TYPE_CHECKING:
    import fcntl
else:
    try:
        import fcntl
    except ImportError:  # a system that is no Unix
        fcntl = None

Record: TypeAlias = dict[str, Any]
Observer: TypeAlias = Callable[[Record], None]
"""Is told of every record once it is written."""

FOLDER: Final = "secretsync"
ENDINGS: Final = frozenset({"done", "partial", "failed", "rolled-back"})
PLAN, JOURNAL, TREE = "plan.json", "journal.jsonl", "tree"
_BOOT: Final = "/proc/sys/kernel/random/boot_id"


class Operation:
    """The folder of one operation. `branch` is where it is carried out, unless it was begun before."""

    def __init__(
        self, repository: Repository, name: str, *, branch: str = "", observer: Observer | None = None
    ) -> None:
        self.name = name
        self.folder = os.path.join(repository.common, FOLDER, "ops", name)
        self.tree = os.path.join(self.folder, TREE)
        self._repository = repository
        self._branch = branch
        self._observer = observer
        self._is_mended = False

    @property
    def branch(self) -> str:
        """The branch that the journal names, or the one that it will be."""
        return str(self.begun.get("branch") or self.new_branch)

    @property
    def new_branch(self) -> str:
        """The branch of a run that begins now."""
        return self._branch or f"secretsync/{self.name}"

    @property
    def begun(self) -> Record:
        """The first record, which says from where and to where; empty where it never began, or a kill cut that off."""
        try:
            with open(os.path.join(self.folder, JOURNAL), "rb") as file:
                line = file.readline()
        except OSError:
            return {}
        return next(_parsed(line, self.folder), {}) if line.endswith(b"\n") else {}

    @property
    def exists(self) -> bool:
        """Whether it was ever begun."""
        return bool(self.begun)

    @property
    def plan_file(self) -> str:
        """Where its plan lies."""
        return os.path.join(self.folder, PLAN)

    @property
    def ending(self) -> str:
        """How its last run ended: one of ENDINGS, or nothing where none came to an end."""
        events = [record["event"] for record in self.records()]
        return next((event for event in reversed(events) if event in ENDINGS), "")

    @property
    def has_worktree(self) -> bool:
        """Whether the run that began last made its worktree; one that came to an end has none any more."""
        events = [record["event"] for record in self.records()]
        return next((event for event in reversed(events) if event in {"worktree", *ENDINGS}), "") == "worktree"

    def begin(self, plan: Plan) -> None:
        """Make the folder, and keep the plan in it; the journal comes last, so that an operation has both or is none.

        What an earlier run of the same plan left, which was rolled back, moves aside as `NAME.1`, `NAME.2`, ….
        """
        with writable(self.folder):
            if self.has("rolled-back"):
                os.rename(self.folder, _unused(self.folder))
            os.makedirs(self.folder, mode=0o700, exist_ok=True)
            os.chmod(self.folder, 0o700)
            if os.path.exists(journal := os.path.join(self.folder, JOURNAL)):
                os.unlink(journal)  # the beginning of a first record
        files.write_atomic(self.plan_file, dump(plan), 0o600)
        onto = branches.current(self._repository)
        self.record("begin", plan=plan.digest, base=plan.base, branch=self.new_branch, onto=onto)
        files.sync_folder(self.folder)

    def plan(self) -> Plan:
        """Return the plan it carries out. Raises: RepositoryError where there is no such operation."""
        if not self.exists:
            raise RepositoryError(f"no operation {self.name!r}", hint="secretsync runbook SCENARIO status")
        return parse(files.read(self.plan_file), self.plan_file)

    def record(self, event: str, *, durable: bool = True, **values: object) -> None:
        """Append one record and return once it is on disk, or, not `durable`, once it outlives this process."""
        record: Record = {"event": event, "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", **values}
        path = os.path.join(self.folder, JOURNAL)
        if not self._is_mended:
            self._mend(path)
        with writable(path):
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | CLOSED_ON_EXEC, 0o600)
        try:
            os.write(descriptor, json.dumps(record, sort_keys=True).encode() + b"\n")
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if self._observer:
            self._observer(record)

    def _mend(self, path: str) -> None:
        """Cut off a last line that a crash cut off, so that what follows has a line of its own."""
        self._is_mended = True
        data = files.read(path) if self.exists else b""
        if data and not data.endswith(b"\n"):
            os.truncate(path, data.rfind(b"\n") + 1)

    def records(self) -> list[Record]:
        """Return all records; a last line that a crash cut off does not count: it is the one without a line end.

        Raises:
            FormatError: another line is damaged.
        """
        path = os.path.join(self.folder, JOURNAL)
        return list(_parsed(files.read(path), path)) if self.exists else []

    def has(self, event: str, **values: object) -> bool:
        """Whether the journal holds such a record."""
        wanted = {"event": event, **values}.items()
        return any(wanted <= record.items() for record in self.records() if _flat(record))


def operations(repository: Repository) -> list[str]:
    """Return the names of all operations, the latest last."""
    folder = os.path.join(repository.common, FOLDER, "ops")
    if not os.path.isdir(folder):
        return []
    found = [name for name in os.listdir(folder) if os.path.exists(os.path.join(folder, name, JOURNAL))]
    return sorted(found, key=lambda name: (os.stat(os.path.join(folder, name, PLAN)).st_mtime_ns, name))


@contextmanager
def writable(path: str) -> Iterator[None]:
    """Let what the operating system refuses about `path` be an error of the user's. Raises: FileAccessError."""
    try:
        yield
    except OSError as error:
        raise FileAccessError(
            (error.strerror or "cannot be written").lower(), location=path, hint="work in a clone that you can write to"
        ) from None


def _unused(folder: str) -> str:
    return next(path for number in count(1) if not os.path.lexists(path := f"{folder}.{number}"))


_ELSEWHERE: Final = "plan here, and apply on Linux or macOS"


class OperationLock:
    """At most one operation works on a repository at a time; the kernel lets go of the lock when its holder dies."""

    def __init__(self, repository: Repository, operation: str) -> None:
        self._path = os.path.join(repository.common, FOLDER, "lock")
        self._operation = operation
        self._descriptor = -1

    def __enter__(self) -> Self:
        if fcntl is None:
            raise RepositoryError("runbooks need the file locks of Unix, which this system lacks", hint=_ELSEWHERE)
        with writable(self._path):
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | CLOSED_ON_EXEC, 0o600)
        try:
            # Locks of fcntl belong to the process alone, so that a worker that outlives us does not hold it.
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._descriptor, 1000).decode("utf-8", "replace").strip()
            os.close(self._descriptor)
            raise OperationRunningError(f"another operation is at work here: {holder or 'unknown'}") from None
        told = f"{self._operation}, process {os.getpid()} on {socket.gethostname()}, since {datetime.now(UTC):%H:%M:%S}"
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, told.encode() + b"\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, frames: TracebackType | None
    ) -> None:
        os.ftruncate(self._descriptor, 0)
        os.close(self._descriptor)


def boot() -> str:
    """Return what names this start of the machine; empty where the system does not say (only Linux does)."""
    with suppress(FileAccessError):
        return files.read(_BOOT).decode("ascii", "replace").strip()
    return ""


def _parsed(data: bytes, path: str) -> Iterator[Record]:
    for number, line in enumerate(data.split(b"\n")[:-1], 1):
        try:
            if line:
                yield json.loads(line)
        except ValueError:
            raise FormatError("is not a record", location=f"{path} line {number}") from None


def _flat(record: Record) -> bool:
    return all(isinstance(value, str) for value in record.values())
