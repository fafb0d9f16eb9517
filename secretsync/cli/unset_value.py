"""`secretsync unset`: one value of an encrypted file removed, with everything else left as it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypeAlias

import typer

from secretsync import files
from secretsync.cli._changes import write_change
from secretsync.cli._options import Formats, Opening, grouped
from secretsync.cli.set_value import File, Index, place_of
from secretsync.errors import PathNotFoundError
from secretsync.sops import operations

Idempotent: TypeAlias = Annotated[bool, typer.Option("--idempotent", help="Accept that there is no such value.")]


@grouped
def unset_value(path: File, index: Index, formats: Formats, opening: Opening, idempotent: Idempotent = False) -> None:
    """Remove one value of an encrypted file."""
    target = formats.target(path)
    tree_path = place_of(index)
    data = files.read(path)
    try:
        change = target.placing(
            lambda: operations.unset_value(data, tree_path, opening.options(target), now=datetime.now(UTC))
        )
    except PathNotFoundError:
        if idempotent:
            return
        raise
    write_change(target, change, data)
