"""`secretsync encrypt`: a plain file encrypted for recipients, with sops' flags, variables and creation rules."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Annotated, TypeAlias

import typer

from secretsync import files, sops
from secretsync.cli._creation import Creation, Recipients, Selection
from secretsync.cli._options import AllowDemoKeys, Destination, FilenameOverride, Formats, grouped
from secretsync.cli._output import write_result
from secretsync.cli._terminal import warn
from secretsync.errors import ConflictingOptionsError
from secretsync.masterkeys import MasterKeys

File: TypeAlias = Annotated[str, typer.Argument(metavar="[FILE]", help="The plain file, or - for stdin.")]


@grouped
def encrypt(
    recipients: Recipients,
    selection: Selection,
    creation: Creation,
    formats: Formats,
    destination: Destination,
    path: File = files.STDIN,
    filename_override: FilenameOverride = None,
    allow_demo_keys: AllowDemoKeys = False,
) -> None:
    """Encrypt a file.

    Recipients come from --age and the like, else from the first rule of .sops.yaml that matches the file.
    The result is decrypted again in memory before it is written.
    """
    if path == files.STDIN and not filename_override:
        raise ConflictingOptionsError("standard input needs a name: --filename-override secret.yaml")
    where = destination.path(path)
    target = formats.target(path, filename_override)
    data = files.read(path)
    warnings: list[str] = []
    choice, indent = creation.choice(target, recipients, selection)
    source = target.placing(lambda: target.load(data, encrypted=False))
    result = target.placing(
        lambda: sops.encrypt(
            source,
            groups=choice.groups,
            keys=MasterKeys(os.environ, allow_demo_keys=allow_demo_keys),
            now=datetime.now(UTC),
            selector=choice.selector,
            mac_only=choice.mac_only_encrypted,
            threshold=choice.shamir_threshold,
            allow_plaintext=creation.allow_plaintext,
            output_store=target.output_store,
            indent=indent,
            warnings=warnings,
        )
    )
    for warning in warnings:
        warn(f"{target.shown}: {warning}")
    write_result(result, where, replaces=data if destination.in_place else None)
