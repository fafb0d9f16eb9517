"""Putting the outcome of an operation in place of the file it was made from."""

from __future__ import annotations

from secretsync.cli._files import FileTarget
from secretsync.cli._output import write_result
from secretsync.cli._terminal import warn
from secretsync.sops.operations import OperationResult


def write_change(target: FileTarget, change: OperationResult, before: bytes, *, unless_unchanged: bool = False) -> None:
    """Write the new bytes and show the warnings.

    Raises:
        ChangedFileError: the file no longer holds `before`.
    """
    for warning in change.warnings:
        warn(f"{target.shown}: {warning}")
    if change.changed or not unless_unchanged:
        write_result(change.data, target.path, replaces=before)
