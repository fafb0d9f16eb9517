"""`secretsync decrypt`: a SOPS file in the clear, with sops' flags."""

from __future__ import annotations

import os
from typing import Annotated, TypeAlias

import typer

from secretsync import files, sops
from secretsync.cli._files import Target, target_of
from secretsync.cli._options import Destination, Indent, Opening, Types, grouped
from secretsync.cli._output import PRIVATE_MODE, write_result
from secretsync.cli._terminal import ask_secret, warn
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Mapping, Source
from secretsync.masterkeys import MasterKeys
from secretsync.sops.encryption import converted

File: TypeAlias = Annotated[str, typer.Argument(metavar="[FILE]", help="The encrypted file, or - for stdin.")]


@grouped
def decrypt(
    types: Types,
    destination: Destination,
    opening: Opening,
    path: File = files.STDIN,
    indent: Indent = None,
) -> None:
    """Decrypt a file, once its MAC holds.

    Nothing is printed and nothing is written unless the whole file decrypts.
    """
    where = destination.path(path)
    target = target_of(path, types)
    keys = MasterKeys(os.environ, prompt=ask_secret, allow_demo_keys=opening.allow_demo_keys)
    data = files.read(path)
    source = target.placing(lambda: target.load(data, encrypted=True))
    decrypted = target.placing(
        lambda: sops.decrypt(source, keys, mac_policy=opening.mac_policy, decryption_order=opening.order)
    )
    warnings = [*decrypted.warnings]
    result = target.placing(lambda: _written(target, source, decrypted.documents, indent, warnings))
    for warning in warnings:
        warn(f"{target.shown}: {warning}")
    write_result(result, where, mode=PRIVATE_MODE, replaces=data if destination.in_place else None)


def _written(
    target: Target, source: Source, documents: list[Mapping], indent: int | None, warnings: list[str]
) -> bytes:
    """Return the plain documents as text: over the file's own where its format stays, so that its layout stays too."""
    store = store_named(target.output_store)
    if target.output_store != target.input_store:
        plain = Source(target.input_store, "", documents)
        documents = converted(plain, target.output_store, warnings, indent=indent).documents
    elif indent is None:
        return store.rewrite(source, documents)
    return store.dump(documents, indent=indent)
