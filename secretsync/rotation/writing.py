"""Writing what a phase changes into the worktree of an operation: each file is in the journal before it is replaced.

What to do next follows from journal and disk alone, so that a run that was killed goes on here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from secretsync import files, listing
from secretsync.errors import ChangedFileError, InterruptedRunError, MissingFileError
from secretsync.git import Repository, Worktree, blob_id
from secretsync.processes import Pool
from secretsync.rotation.file_worker import FileTask, blob_of
from secretsync.rotation.journal import Operation, boot
from secretsync.rotation.model import FilePlan, PhasePlan, Plan
from secretsync.rotation.survey import Progress

NOTHING: Final = ""
"""Stands for the blob id of a file that is not there."""


class Controls(NamedTuple):
    """What a run obeys and tells: whether to stop after the file at hand, and how far it is."""

    stopped: Callable[[], bool]
    progress: Progress


class PlannedWrite(NamedTuple):
    """One file to write: its blob before (NOTHING where there is none) and what makes its new bytes (None: it goes)."""

    path: str
    before: str
    file: FilePlan | None
    data: bytes | None


class Writer:
    """Writes the files of a plan, phase by phase."""

    def __init__(
        self, plan: Plan, operation: Operation, repository: Repository, pool: Pool, controls: Controls
    ) -> None:
        self._plan = plan
        self._operation = operation
        self._repository = repository
        self._pool = pool
        self._controls = controls

    def prepare(self, worktree: Worktree) -> None:
        """Make the worktree, or clean up the one that a crash left."""
        paths = [path for phase in self._plan.phases for path in phase.paths]
        if self._operation.has_worktree and os.path.isdir(self._operation.tree):
            worktree.sweep()
            if not self._operation.has("worktree", boot=boot()):
                # The machine was started anew, and nobody knows what of the folder had reached the disk.
                worktree.refill(paths)
                self._operation.record("worktree", path=self._operation.tree, boot=boot())
            for name in listing.walk(self._operation.tree):
                if os.path.basename(name).startswith(files.TEMPORARY_PREFIX):
                    files.remove_below(self._operation.tree, name)
            return
        if worktree.tip() in {"", self._plan.base}:
            worktree.create(self._plan.base, paths)
        else:
            worktree.fill(worktree.tip(), paths)
        self._operation.record("worktree", path=self._operation.tree, boot=boot())

    def write(self, phase: PhasePlan, due: Sequence[FilePlan], *, edits: bool) -> None:
        """Write the files of a phase that are `due` and not written yet, and its edits of the key ring.

        Raises:
            ChangedFileError: somebody else changed a file.
            InterruptedRunError: it was told to stop.
        """
        written: dict[str, set[str]] = {}
        for record in self._operation.records():
            if record["event"] == "file" and record.get("phase") == phase.name:
                written.setdefault(record["path"], set()).add(record["after"])
        todo = [*(self._edits(phase) if edits else ()), *(PlannedWrite(one.path, one.blob, one, None) for one in due)]
        if written:
            todo = [target for target in todo if self._is_due(target, written.get(target.path, set()))]
        planned = [
            FileTask(one.file, self._plan.keys, self._operation.tree, self._plan.moment, self._plan.certificate)
            for one in todo
            if one.file
        ]
        contents: Iterator[bytes] = self._pool.map("change", planned, key=blob_of)
        for number, target in enumerate(todo, 1):
            self._put(phase, target, next(contents) if target.file else target.data)
            self._controls.progress(number, len(todo))
            if self._controls.stopped():
                raise InterruptedRunError(
                    f"stopped after {number} of {len(todo)} files", hint=command(self._plan, "resume", self._operation)
                )

    def _edits(self, phase: PhasePlan) -> Iterable[PlannedWrite]:
        names = self._repository.blobs(self._plan.base, *phase.edits) if phase.edits else {}
        for path, text in phase.edits.items():
            yield PlannedWrite(path, names.get(path, NOTHING), None, None if text is None else text.encode())

    def _is_due(self, target: PlannedWrite, written: set[str]) -> bool:
        """Decide from disk and journal: as before, it is due; as we wrote it, it is done; anything else is not ours.

        Raises:
            ChangedFileError: somebody else changed the file.
        """
        now = self._present(target)
        if now == target.before:
            return True
        if now in written:
            return False
        raise ChangedFileError(
            "is neither what the plan started from nor what was written",
            location=os.path.join(self._operation.tree, target.path),
            hint=command(self._plan, "rollback", self._operation),
        )

    def _present(self, target: PlannedWrite) -> str:
        try:
            data = files.read(os.path.join(self._operation.tree, target.path))
        except MissingFileError:
            return NOTHING
        return blob_id(data, self._plan.base)

    def _put(self, phase: PhasePlan, target: PlannedWrite, data: bytes | None) -> None:
        """Record what will be there, and put it there."""
        if target.file is None:  # of any other, the process that changed it has seen that it is as planned
            self._is_due(target, set())
        after = NOTHING if data is None else blob_id(data, self._plan.base)
        record = {"phase": phase.name, "path": target.path, "before": target.before, "after": after}
        self._operation.record("file", durable=False, **record)
        if data is None:
            files.remove_below(self._operation.tree, target.path)
        else:
            files.write_below(self._operation.tree, target.path, data, durable="nothing")


def command(plan: Plan, verb: str, operation: Operation | None = None) -> str:
    """Return the command line of a verb of the plan's runbook."""
    return f"secretsync runbook {plan.scenario} {verb}{f' {operation.name}' if operation else ''}"
