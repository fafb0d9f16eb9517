"""One file from its old bytes to its new ones, as the plan says: recipients from the plan, never from the file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from secretsync.masterkeys import MasterKeys
from secretsync.rotation.file_metadata import options_for
from secretsync.rotation.model import FilePlan, PlannedKey
from secretsync.sops.datakey import MasterKey
from secretsync.sops.open_file import OpenFile, open_file
from secretsync.sops.operations import rotate_for
from secretsync.sops.recipients import update_keys
from secretsync.sops.writing import WrittenFile


def changed(
    data: bytes,
    file: FilePlan,
    names: Mapping[str, PlannedKey],
    keys: MasterKeys,
    *,
    now: datetime,
    opened: OpenFile | None = None,
) -> WrittenFile:
    """Return the new bytes of a SOPS file, and their tree where it is known; `opened` is the same file, opened before.

    Raises:
        NoIdentityMatchError, IntegrityError and the like: it does not open, though it did when the plan was made.
        ConfigError, KeyServiceError: a recipient cannot be wrapped for.
    """
    groups = recipients(file, names)
    options = opened.options if opened else options_for(file.path, data, keys)
    if file.operation == "rotate":
        return rotate_for(opened or open_file(data, options), groups, now=now, threshold=file.threshold)
    return WrittenFile(update_keys(data, groups, options, now=now, threshold=file.threshold).data, None)


def recipients(file: FilePlan, names: Mapping[str, PlannedKey]) -> list[list[MasterKey]]:
    """Return whom the plan wraps the data key for, by group."""
    return [[names[name].master_key for name in group] for group in file.after]
