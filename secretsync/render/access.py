"""Which objects may leave: the operator's rules on the kind and namespace of every object that was rendered.

What counts is the output, not where its ciphertext came from: whoever can hand ciphertext to a process with the key
would else choose where the plaintext lands. Deny by default: what a rule does not name is refused.
"""

from __future__ import annotations

from collections.abc import Iterator

from secretsync.documents.tree import Mapping
from secretsync.errors import PolicyError
from secretsync.render.objects import count, describe, items_of, kind_of, text_of
from secretsync.render.options import Outputs


def check(document: Mapping, outputs: Outputs, location: str) -> None:
    """Refuse a document that holds an object of a kind or namespace that `outputs` does not name.

    An object without a namespace is in the namespace `""`, wherever it may end up.

    Raises:
        PolicyError: it names the object and what is not allowed.
    """
    for kind, obj in _objects(document):
        if outputs.kinds is not None and kind not in outputs.kinds:
            raise PolicyError(f"{describe(obj)}: the operator allows no output of kind {kind!r}", location=location)
        namespace = _namespace(obj)
        if outputs.namespaces is not None and items_of(obj) is None and namespace not in outputs.namespaces:
            place = f"in namespace {namespace!r}" if namespace else "without a namespace"
            raise PolicyError(f"{describe(obj)}: the operator allows no output {place}", location=location)


def _objects(document: Mapping, inherited: str = "") -> Iterator[tuple[str, Mapping]]:
    """Yield every object with its kind; a typed list such as `SecretList` counts as what it lists, and so do its items."""
    kind = kind_of(document) or inherited
    items = items_of(document)
    if items is None:
        if inherited or count(document):
            yield kind, document
        return
    listed = "" if kind == "List" else kind.removesuffix("List")
    if listed:
        yield listed, document
    for item in items.items:
        if type(item) is Mapping:
            yield from _objects(item, listed)


def _namespace(obj: Mapping) -> str:
    metadata = obj.get("metadata")
    return text_of(metadata.get("namespace")) if type(metadata) is Mapping else ""
