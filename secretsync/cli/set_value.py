"""`secretsync set`: one value of an encrypted file, with everything else left as it is."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypeAlias

import typer

from secretsync import files
from secretsync.audit import lost_block, numbers
from secretsync.cli._changes import write_change
from secretsync.cli._left_clear import AllowCiphertext, AllowPlaintext, require_change_covered
from secretsync.cli._options import Formats, Opening, grouped
from secretsync.errors import ConflictingOptionsError, FormatError, MissingFileError, ValueFormatError
from secretsync.sops import operations
from secretsync.sops.paths import Path, parse_path

File: TypeAlias = Annotated[str, typer.Argument(metavar="FILE", help="The encrypted file.")]
Index: TypeAlias = Annotated[str, typer.Argument(metavar="PATH", help="""Where, as in '["database"]["users"][0]'.""")]
Value: TypeAlias = Annotated[
    str | None, typer.Argument(metavar="[VALUE]", help="The value in JSON; with --value-file, the file that holds it.")
]
ValueFile: TypeAlias = Annotated[
    bool, typer.Option("--value-file", help="Read the value from the file VALUE, so that no process listing shows it.")
]
ValueStdin: TypeAlias = Annotated[
    bool, typer.Option("--value-stdin", help="Read the value from stdin, so that no process listing shows it.")
]
Idempotent: TypeAlias = Annotated[
    bool, typer.Option("--idempotent", help="Write nothing if the value is there already.")
]


@grouped
def set_value(
    path: File,
    index: Index,
    formats: Formats,
    opening: Opening,
    value: Value = None,
    value_file: ValueFile = False,
    value_stdin: ValueStdin = False,
    idempotent: Idempotent = False,
    allow_plaintext: AllowPlaintext = False,
    allow_ciphertext: AllowCiphertext = False,
) -> None:
    """Set one value of an encrypted file.

    The value is JSON: text needs its quotes, as in '"text"'. What is missing on the way is created.
    """
    target = formats.target(path)
    tree_path = place_of(index)
    text = _value(value, from_file=value_file, from_stdin=value_stdin)
    node = operations.json_value(text)
    numbers.refuse(text, node)
    if not allow_ciphertext:
        lost_block.refuse_new([node])
    data = files.read(path)
    change = target.placing(
        lambda: operations.set_value(data, tree_path, node, opening.options(target), now=datetime.now(UTC))
    )
    if not allow_plaintext:
        require_change_covered(target, data, change.data)
    write_change(target, change, data, unless_unchanged=idempotent)


def place_of(index: str) -> Path:
    """Return the path that the argument of `set` and `unset` names. Raises: ValueFormatError, which is sops' code here."""
    try:
        return parse_path(index)
    except FormatError as error:
        raise ValueFormatError(error.message, hint=error.hint) from None


def _value(value: str | None, *, from_file: bool, from_stdin: bool) -> str:
    if from_file and from_stdin:
        raise ConflictingOptionsError("--value-file and --value-stdin exclude each other")
    if from_stdin:
        if value is not None:
            raise ConflictingOptionsError("--value-stdin and VALUE exclude each other")
        return _text(files.read(files.STDIN), "stdin")
    if value is None:
        raise MissingFileError("no value given", hint="give it in JSON, or with --value-stdin")
    return _text(files.read(value), value) if from_file else value


def _text(data: bytes, place: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueFormatError("the value is not valid UTF-8", location=place) from None
