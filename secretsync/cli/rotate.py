"""`secretsync rotate`: a new data key for files, and recipients added or removed on the way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypeAlias

import typer

from secretsync import files
from secretsync.cli import _batch
from secretsync.cli._files import FileTarget
from secretsync.cli._key_options import RecipientChanges
from secretsync.cli._options import Config, Destination, DryRun, FilenameOverride, Formats, Opening, grouped
from secretsync.cli._output import write_result
from secretsync.cli._rules import rules_in_force
from secretsync.cli._terminal import warn
from secretsync.errors import ConfigError, ConflictingOptionsError, PolicyError, SecretsyncError
from secretsync.keyring.naming import Naming
from secretsync.sops import operations
from secretsync.sops.operations import OpenOptions, OperationResult
from secretsync.sops.strangers import RotationRequest

Paths: TypeAlias = Annotated[
    list[str], typer.Argument(metavar="PATH...", help="Encrypted files, and with -i folders of them.")
]
Keep: TypeAlias = Annotated[
    bool, typer.Option("--keep-recipients", help="Keep recipients that the matching rule does not name.")
]


@grouped
def rotate(
    paths: Paths,
    recipients: RecipientChanges,
    formats: Formats,
    destination: Destination,
    opening: Opening,
    filename_override: FilenameOverride = None,
    config: Config = None,
    keep: Keep = False,
    dry_run: DryRun = False,
) -> int:
    """Give files a new data key, and encrypt every value anew.

    The recipients stay those of the file, with what is added and removed here. A recipient that the matching rule of
    .sops.yaml, or of the key ring, does not name is refused, before any file is written. A folder stands for all
    encrypted files in it.
    """
    if len(paths) > 1 and not (destination.in_place or dry_run):
        raise ConflictingOptionsError("several files are rotated with --in-place only")
    request = RotationRequest(recipients.added(), recipients.removed(), keep)
    rotation = _Rotation(rules_in_force(config), request, formats, opening, filename_override)
    if destination.in_place or dry_run:
        chosen = _batch.Chosen(paths)
        code = 0
        if len(chosen.names) > 1 and not keep:  # a single file is judged before it is written, as each is once more
            code = _batch.for_each(chosen.names, lambda path: rotation.judge(path, chosen), dry_run=True)
        work = _in_place(rotation, chosen, destination, dry_run=dry_run)
        return code or chosen.settle(_batch.for_each(chosen.names, work, dry_run=dry_run))
    data = files.read(paths[0])
    change = rotation.change(paths[0], data)
    for warning in change.warnings:
        warn(f"{paths[0]}: {warning}")
    write_result(change.data, destination.path(paths[0]))
    return 0


class _Rotation:
    """Judges and rotates one file after the other, by what was asked for and the rules."""

    def __init__(
        self, naming: Naming, request: RotationRequest, formats: Formats, opening: Opening, filename: str | None
    ) -> None:
        self._naming = naming
        self._request = request
        self._formats = formats
        self._opening = opening
        self._filename = filename
        self._keys = opening.keys()

    def judge(self, path: str, chosen: _batch.Chosen) -> _batch.FileReport:
        """Refuse a file whose recipients a rule does not name; what else is wrong with it, `change` says."""
        try:
            data = chosen.read(path)
            target, options = self._target(path, data)
            rules = self._naming.of(target.name)
            target.placing(lambda: operations.require_named(data, options, rules, self._request))
        except (PolicyError, ConfigError):
            raise
        except SecretsyncError:
            pass
        return _batch.FileReport()

    def change(self, path: str, data: bytes) -> OperationResult:
        """Return the file with a new data key."""
        target, options = self._target(path, data)
        rules, now = self._naming.of(target.name), datetime.now(UTC)
        return target.placing(lambda: operations.rotate(data, options, now=now, request=self._request, rules=rules))

    def _target(self, path: str, data: bytes) -> tuple[FileTarget, OpenOptions]:
        target = self._formats.target_of(path, data, self._filename)
        return target, self._opening.options(target, self._keys)


def _in_place(rotation: _Rotation, chosen: _batch.Chosen, destination: Destination, *, dry_run: bool) -> _batch.Work:
    def work(path: str) -> _batch.FileReport:
        data = chosen.read(path)
        change = rotation.change(path, data)
        if dry_run:
            return _batch.FileReport(["would get a new data key"], change.warnings)
        destination.path(path)  # refuses what cannot be replaced
        chosen.write(path, change.data, replaces=data)
        return _batch.FileReport(warnings=change.warnings)

    return work
