"""Exec functions of a kustomization: kustomize skips them without a word unless it is told to run them.

Source: kustomize issue 4556; observed with kustomize 5.8.1 and kubectl 1.32.4, whose `kustomize` cannot run them at all.
"""

from __future__ import annotations

import os
from typing import Final

from secretsync import files
from secretsync.audit.walking import KUSTOMIZATIONS
from secretsync.documents.plain import to_plain
from secretsync.documents.yaml import loading
from secretsync.errors import SecretsyncError

_FIELDS: Final = ("generators", "transformers", "validators")
_MARKS: Final = (b"config.kubernetes.io/function", b"config.k8s.io/function")
_SIZE: Final = 1 << 20


def kustomization_with_functions(folder: str) -> str | None:
    """Return the path of the kustomization in `folder` if one of its generators, transformers or validators is a function.

    What cannot be read counts as no function: kustomize will complain about it.
    """
    name = next((each for each in KUSTOMIZATIONS if os.path.isfile(os.path.join(folder, each))), None)
    if name is None:
        return None
    try:
        documents = loading.load(files.read_confined(folder, name, _SIZE)).documents
        root = to_plain(documents[0]) if documents else {}
    except SecretsyncError:
        return None
    listed = [item for field in _FIELDS for item in _texts(root, field)]
    return os.path.join(folder, name) if any(_holds_function(folder, item) for item in listed) else None


def _texts(root: object, field: str) -> list[str]:
    items = root.get(field) if isinstance(root, dict) else None
    return [item for item in items if isinstance(item, str)] if isinstance(items, list) else []


def _holds_function(folder: str, item: str) -> bool:
    """Whether an entry, a path or the object itself, has the annotation that makes it a function."""
    data = item.encode("utf-8", "replace")
    if "\n" not in item:
        try:
            data = files.read_confined(folder, item, _SIZE)
        except SecretsyncError:
            return False
    return any(mark in data for mark in _MARKS)
