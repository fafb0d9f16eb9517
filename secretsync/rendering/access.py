"""Which objects may leave: the operator's rules on the kind and namespace of every object that was rendered.

What counts is the output, not where its ciphertext came from: whoever can hand ciphertext to a process with the key
would else choose where the plaintext lands. Deny by default: what a rule does not name is refused.
"""

from __future__ import annotations

from secretsync.documents.tree import Mapping
from secretsync.errors import PolicyError
from secretsync.rendering.objects import describe, listed_kind, metadata_text, objects_in
from secretsync.rendering.options import Outputs


def check(document: Mapping, outputs: Outputs, location: str) -> None:
    """Refuse a document that holds an object of a kind or namespace that `outputs` does not name.

    An object without a namespace is in the namespace `""`, wherever it may end up. A typed list such as `SecretList`
    counts as what it lists; another object with `items` counts as itself and as all of them.

    Raises:
        PolicyError: it names the object and what is not allowed.
    """
    for kind, obj, place, is_list in objects_in(document):
        where = " ".join(filter(None, (location, place)))
        judged = listed_kind(obj) if is_list else kind
        is_bare = is_list and not judged
        if outputs.kinds is not None and not is_bare and judged not in outputs.kinds:
            raise PolicyError(_of_kind(obj, kind, place), location=where or None)
        namespace = metadata_text(obj, "namespace")
        has_place = not (is_list and kind.endswith("List"))
        if outputs.namespaces is not None and has_place and namespace not in outputs.namespaces:
            described = f"in namespace {namespace!r}" if namespace else "without a namespace"
            raise PolicyError(
                f"{describe(obj)}: the hook's configuration allows no output {described}", location=where or None
            )


def _of_kind(obj: Mapping, kind: str, place: str) -> str:
    """Say what is refused; of an item of a list, whose text may stand anywhere, by its place."""
    if place:
        return "the hook's configuration allows no output of the kind of this item"
    return f"{describe(obj)}: the hook's configuration allows no output of kind {kind!r}"
