"""What `seal` and `unseal` share: the format of their output, and reading a file so that errors name it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeAlias, TypeVar

import typer

from secretsync import files
from secretsync.errors import SecretsyncError
from secretsync.sealed.output import Format

Result = TypeVar("Result")

ManifestFormat: TypeAlias = Annotated[
    Format | None, typer.Option("--format", "-o", case_sensitive=False, help="How to write the objects; else JSON.")
]


def format_of(wanted: Format | None, output: str | None) -> Format:
    """Return the format to write: YAML for a file that is named so, else the one asked for, else JSON, as kubeseal does."""
    if output is not None and output.endswith((".yaml", ".yml")):
        return "yaml"
    return wanted or "json"


def placed(path: str, operation: Callable[[bytes], Result], *, content: bytes | None = None) -> Result:
    """Return what `operation` makes of a file's bytes; its errors are placed at the file.

    Raises:
        FileAccessError: the file cannot be read.
        SecretsyncError: whatever `operation` raises.
    """
    data = files.read(path) if content is None else content
    try:
        return operation(data)
    except SecretsyncError as error:
        raise error.at("stdin" if path == files.STDIN else path) from None
