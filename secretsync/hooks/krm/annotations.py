"""The annotations that an engine adds to the objects it hands to a function, and those by which it is told things.

The first are taken off before anything is verified and put back afterwards, because no MAC has seen them. The second
(`needs-hash`, `behavior`) are the user's own: a MAC has seen them, and a SealedSecret must carry them for the engine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from secretsync.documents.tree import Comment, Entry, Mapping, Scalar
from secretsync.rendering.objects import replaced, text_of

NEEDS_HASH: Final = "kustomize.config.k8s.io/needs-hash"
BEHAVIOR: Final = "kustomize.config.k8s.io/behavior"
HASH_TO_COME: Final = "internal.config.kubernetes.io/needsHashSuffix"
_KUSTOMIZE_ID: Final = "kustomize.config.k8s.io/id"
_PREFIXES: Final = (
    "internal.config.kubernetes.io/",
    "config.kubernetes.io/",
    "config.k8s.io/",
    "kustomize.config.k8s.io/",
)
_USERS: Final = frozenset(
    {
        NEEDS_HASH,
        BEHAVIOR,
        "config.kubernetes.io/function",
        "config.k8s.io/function",
        "config.kubernetes.io/local-config",
        "config.kubernetes.io/depends-on",
        "config.kubernetes.io/merge-source",
    }
)
_FALSE: Final = frozenset({"", "0", "f", "F", "false", "FALSE", "False"})  # Go strconv.ParseBool


def is_engines(name: str) -> bool:
    """Whether the engine itself adds this annotation."""
    return name.startswith(_PREFIXES) and name not in _USERS


def is_option(name: str) -> bool:
    """Whether kustomize is told something by this annotation."""
    return name in {NEEDS_HASH, BEHAVIOR}


def is_from_kustomize(obj: Mapping) -> bool:
    """Whether the list that holds this object was written by kustomize."""
    return any(entry.key.value == _KUSTOMIZE_ID for entry in entries_of(obj))


def value_of(entries: list[Entry], name: str) -> str:
    """Return the text of an annotation, empty where it is absent."""
    return next((text_of(entry.value) for entry in entries if entry.key.value == name), "")


def is_hashed(entries: list[Entry]) -> bool:
    """Whether these annotations announce a suffix to the object's name."""
    return value_of(entries, NEEDS_HASH) not in _FALSE or value_of(entries, HASH_TO_COME) == "enabled"


def entries_of(obj: Mapping) -> list[Entry]:
    """Return the entries of `metadata.annotations`."""
    metadata = obj.get("metadata")
    annotations = metadata.get("annotations") if type(metadata) is Mapping else None
    return list(annotations.entries()) if type(annotations) is Mapping else []


def split(obj: Mapping, takes: Callable[[str], bool]) -> tuple[Mapping, list[Entry]]:
    """Return `obj` without the annotations that `takes` accepts, and those; `obj` itself where there are none."""
    taken = [entry for entry in entries_of(obj) if takes(str(entry.key.value))]
    metadata = obj.get("metadata")
    annotations = metadata.get("annotations") if type(metadata) is Mapping else None
    if not taken or type(metadata) is not Mapping or type(annotations) is not Mapping:
        return obj, []
    kept = [item for item in annotations.items if item not in taken]
    if any(type(item) is Entry for item in kept):
        changed = replaced(metadata, "annotations", Mapping(kept, annotations.span, annotations.flow))
    else:
        changed = _without(metadata, "annotations")
    return replaced(obj, "metadata", changed), taken


def joined(obj: Mapping, entries: list[Entry]) -> Mapping:
    """Return `obj` with `entries` behind its own annotations; those of equal names are kept as they are."""
    own = entries_of(obj)
    names = {entry.key.value for entry in own}
    added: list[Entry | Comment] = [entry for entry in entries if entry.key.value not in names]
    if not added:
        return obj
    metadata = obj.get("metadata")
    metadata = metadata if type(metadata) is Mapping else Mapping([Entry(Scalar("annotations"), Mapping())])
    return replaced(obj, "metadata", replaced(metadata, "annotations", Mapping([*own, *added])))


def _without(parent: Mapping, name: str) -> Mapping:
    items = [item for item in parent.items if not (type(item) is Entry and item.key.value == name)]
    return Mapping(items, parent.span, parent.flow)
