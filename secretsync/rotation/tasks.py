"""What no tool can do, ticked off by whoever did it: kept beside the journal, since it is no step of the operation."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from secretsync import files
from secretsync.errors import ConfigError, FormatError
from secretsync.rotation.journal import Operation
from secretsync.rotation.model import Plan, Task

_FILE: Final = "tasks.json"


def ticked(plan: Plan, operation: Operation) -> list[tuple[Task, str]]:
    """Return the tasks of a plan, each with when it was ticked off, or nothing. Raises: FormatError."""
    done = _done(operation)
    return [(task, done.get(str(number), "")) for number, task in enumerate(plan.tasks, 1)]


def tick(plan: Plan, operation: Operation, numbers: Iterable[int]) -> None:
    """Note that tasks, counted from 1, are done. Raises: ConfigError for one that there is not."""
    now, done = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", _done(operation)
    for number in numbers:
        if not 1 <= number <= len(plan.tasks):
            raise ConfigError(f"there is no task {number}: the operation has {len(plan.tasks)}")
        done.setdefault(str(number), now)
    text = json.dumps(done, sort_keys=True, indent=2)
    files.write_atomic(os.path.join(operation.folder, _FILE), f"{text}\n".encode(), 0o600)


def _done(operation: Operation) -> dict[str, str]:
    path = os.path.join(operation.folder, _FILE)
    if not os.path.exists(path):
        return {}
    try:
        found = json.loads(files.read(path))
        return {str(number): str(at) for number, at in found.items()}
    except (ValueError, AttributeError):
        raise FormatError("does not say which tasks are done", location=path, hint="remove it") from None
