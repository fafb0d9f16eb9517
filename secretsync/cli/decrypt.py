"""`secretsync decrypt`: a SOPS file in the clear, with sops' flags."""

from __future__ import annotations

import os
from typing import Annotated, TypeAlias

import typer

from secretsync import files, sops
from secretsync.cli import _options as options
from secretsync.cli._files import Target, destination, target_of
from secretsync.cli._output import PRIVATE_MODE, write_result
from secretsync.cli._terminal import ask_secret, warn
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Mapping, Source
from secretsync.masterkeys import MasterKeys
from secretsync.sops.encryption import converted

File: TypeAlias = Annotated[str, typer.Argument(metavar="[FILE]", help="The encrypted file, or - for stdin.")]


def decrypt(
    path: File = "-",
    in_place: options.InPlace = False,
    output: options.Output = None,
    input_type: options.InputType = None,
    output_type: options.OutputType = None,
    filename_override: options.FilenameOverride = None,
    indent: options.Indent = None,
    ignore_mac: options.IgnoreMac = False,
    decryption_order: options.DecryptionOrder = None,
    allow_demo_keys: options.AllowDemoKeys = False,
) -> None:
    """Decrypt a file, once its MAC holds.

    Nothing is printed and nothing is written unless the whole file decrypts.
    """
    where = destination(path, output, in_place=in_place)
    target = target_of(path, override=filename_override, input_type=input_type, output_type=output_type)
    keys = MasterKeys(os.environ, prompt=ask_secret, allow_demo_keys=allow_demo_keys)
    data = files.read(path)
    policy = sops.MacPolicy.IGNORE_UNSAFE if ignore_mac else sops.MacPolicy.VERIFY
    order = options.order_of(decryption_order)
    source = target.placing(lambda: target.load(data, encrypted=True))
    decrypted = target.placing(lambda: sops.decrypt(source, keys, mac_policy=policy, decryption_order=order))
    warnings = [*decrypted.warnings]
    result = target.placing(lambda: _written(target, source, decrypted.documents, indent, warnings))
    for warning in warnings:
        warn(f"{target.shown}: {warning}")
    write_result(result, where, mode=PRIVATE_MODE, replaces=data if in_place else None)


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
