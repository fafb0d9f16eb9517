"""Refusing what would leave a secret in the clear, or asking whether it is one, where somebody is there to answer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, TypeAlias

import typer

from secretsync.audit import left_clear
from secretsync.cli._files import FileTarget
from secretsync.cli._terminal import confirm, say
from secretsync.documents.tree import Mapping
from secretsync.sops import metadata
from secretsync.sops.selectors import Selector

AllowPlaintext: TypeAlias = Annotated[
    bool,
    typer.Option("--allow-plaintext", help="Accept values in the clear whose place or name says that they are secret."),
]
AllowCiphertext: TypeAlias = Annotated[
    bool, typer.Option("--allow-ciphertext", help="Encrypt values that are ciphertext of sops once more.")
]


def require_covered(
    target: FileTarget, documents: Sequence[Mapping], selector: Selector, before: Sequence[Mapping] = ()
) -> None:
    """Let no new value of `documents` stay in the clear that seems to be secret, unless a person says that it is none.

    Raises:
        PlaintextError: nobody is there to ask, or says no; placed in the file, not at it.
    """
    found = left_clear.first(documents, selector, before)
    if found is None:
        return
    if sys.stdin.isatty():
        say(f"{target.shown}: {found.place}: would be left in the clear: {found.reason}", kind="warning")
        if confirm("leave it in the clear?", hint="--allow-plaintext"):
            return
    raise found.error()


def require_change_covered(target: FileTarget, before: bytes, after: bytes) -> None:
    """Do the same for an encrypted file and what is about to take its place. Raises: PlaintextError."""
    new, block = metadata.split(target.result(after).documents)
    if not left_clear.may_leave(block.selector):
        return
    old, _ = metadata.split(target.load(before, encrypted=True).documents)
    target.placing(lambda: require_covered(target, new, block.selector, old))
