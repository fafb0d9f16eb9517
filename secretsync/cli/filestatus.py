"""`secretsync filestatus`: whether a file is encrypted, without any key."""

from __future__ import annotations

import json
from typing import Annotated, TypeAlias

import typer

from secretsync import files
from secretsync.cli._options import InputType, grouped
from secretsync.cli._output import write_stdout
from secretsync.sops import operations

File: TypeAlias = Annotated[str, typer.Argument(metavar="FILE", help="The file to look at.")]


@grouped
def filestatus(path: File, formats: InputType) -> None:
    """Say whether a file is encrypted, as JSON.

    It is, if its sops block is readable and holds a MAC; nothing is decrypted.
    """
    target = formats.target(path)
    data = files.read(path)
    encrypted = target.placing(lambda: operations.file_status(data, target.input_store))
    write_stdout((json.dumps({"encrypted": encrypted}, separators=(",", ":")) + "\n").encode())
