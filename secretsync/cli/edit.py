"""`secretsync edit`: an encrypted file in the user's editor, or a new one that is encrypted from the start."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from secretsync import files
from secretsync.audit import lost_block
from secretsync.cli._changes import write_change
from secretsync.cli._creation import Creation, Selection
from secretsync.cli._editor import edit_text
from secretsync.cli._files import FileTarget
from secretsync.cli._key_options import CreationKeys
from secretsync.cli._left_clear import require_change_covered
from secretsync.cli._options import Formats, Opening, grouped
from secretsync.cli._output import write_result
from secretsync.cli.set_value import File
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Limits
from secretsync.errors import ChangedFileError
from secretsync.sops import operations
from secretsync.sops.operations import OperationResult


@grouped
def edit(
    path: File,
    recipients: CreationKeys,
    selection: Selection,
    creation: Creation,
    formats: Formats,
    opening: Opening,
) -> None:
    """Edit an encrypted file in your editor.

    Opens $SOPS_EDITOR or $EDITOR. Values that you leave alone keep their ciphertext; a file that does not exist is made,
    with the recipients that `encrypt` would take. The plaintext lies in a private folder in memory meanwhile.
    """
    target = formats.target(path)
    if os.path.lexists(path):
        _edit(target, opening, creation)
    else:
        _make(target, recipients, selection, creation, opening)


def _edit(target: FileTarget, opening: Opening, creation: Creation) -> None:
    data = files.read(target.path)
    opened = target.placing(lambda: operations.open_file(data, opening.options(target)))
    text = target.placing(lambda: operations.editable(opened))

    def use(edited: bytes) -> OperationResult:
        change = target.placing(lambda: operations.edited(opened, edited, now=datetime.now(UTC)))
        if not creation.allow_ciphertext:
            new = store_named(target.output_store).load(edited, limits=Limits.unbounded()).documents
            target.placing(lambda: lost_block.refuse_new(new, opened.plain.documents))
        if not creation.allow_plaintext:
            require_change_covered(target, data, change.data)
        return change

    change = edit_text(text, target.path, use)
    try:
        write_change(target, change, data)
    except ChangedFileError as error:
        kept = f"{target.path}.edited"
        files.create(kept, change.data)
        error.hint = f"your version, encrypted, is in {kept}"
        raise


def _make(
    target: FileTarget, recipients: CreationKeys, selection: Selection, creation: Creation, opening: Opening
) -> None:
    settled = creation.choice(target, recipients, selection)
    keys = opening.keys()
    example = target.store.EXAMPLE
    write_result(
        edit_text(example, target.path, lambda text: creation.encrypt(target, text, settled, keys)), target.path
    )
