"""The rule of every store but YAML: one file, one document."""

from __future__ import annotations

from secretsync.documents.tree import Mapping
from secretsync.errors import TreeError


def only_document(documents: list[Mapping], store: str) -> Mapping:
    """Return the only document. Raises: TreeError for none or several; sops would drop all but the first."""
    if len(documents) != 1:
        raise TreeError(
            f"the {store} store holds one document, not {len(documents)}", hint="keep it as YAML, or split the file"
        )
    return documents[0]
