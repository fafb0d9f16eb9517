"""`secretsync decrypt`: a SOPS file in the clear, with sops' flags."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import typer

from secretsync import files
from secretsync.cli._options import Destination, FilenameOverride, Formats, Indent, Opening, grouped
from secretsync.cli._output import PRIVATE_MODE, write_result
from secretsync.cli._terminal import warn
from secretsync.documents.stores import store_named
from secretsync.sops import operations
from secretsync.sops.operations import OpenFile
from secretsync.sops.paths import parse_path

File: TypeAlias = Annotated[str, typer.Argument(metavar="[FILE]", help="The encrypted file, or - for stdin.")]
Extract: TypeAlias = Annotated[
    str | None, typer.Option("--extract", help="""Print one value or branch, as in '["database"]["users"][0]'.""")
]


@grouped
def decrypt(
    formats: Formats,
    destination: Destination,
    opening: Opening,
    path: File = files.STDIN,
    filename_override: FilenameOverride = None,
    extract: Extract = None,
    indent: Indent = None,
) -> None:
    """Decrypt a file, once its MAC holds.

    Nothing is printed and nothing is written unless the whole file decrypts.
    """
    where = destination.path(path)
    target = formats.target(path, filename_override)
    tree_path = parse_path(extract) if extract is not None else None
    data = files.read(path)
    opened = target.placing(lambda: operations.open_file(data, opening.options(target)))
    result = target.placing(
        lambda: _text(opened, indent) if tree_path is None else operations.extract(opened, tree_path)
    )
    for warning in opened.plain.warnings:
        warn(f"{target.shown}: {warning}")
    write_result(result, where, mode=PRIVATE_MODE, replaces=data if destination.in_place else None)


def _text(opened: OpenFile, indent: int | None) -> bytes:
    """Return the plain file: with the layout it has, unless an indentation was asked for."""
    text = operations.decrypted_text(opened)
    if indent is None:
        return text
    store = store_named(opened.options.output_store or opened.options.store)
    return store.dump(opened.plain.documents, indent=indent)
