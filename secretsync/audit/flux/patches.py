"""Patches as kustomize applies them: strategic merge and JSON 6902, to the objects that a target or they themselves name.

Lists are replaced in a strategic merge, as they are for objects whose schema is not known to kustomize; that holds for
Kustomizations, and nothing else of an object's lists is looked at here.
Source: kustomize api/builtins PatchTransformer at 5.8, RFC 6902, RFC 7386.
"""

from __future__ import annotations

import copy
from typing import Final, NamedTuple, cast

from secretsync.audit.flux.fields import mapping, text
from secretsync.audit.flux.selecting import is_selected
from secretsync.documents.plain import to_plain
from secretsync.documents.tree import Limits
from secretsync.documents.yaml import loading
from secretsync.errors import ConfigError
from secretsync.manifests.objects import Object, ObjectReference, identify

_DEFAULT: Final = "default"  # what kustomize takes an object without a namespace to lie in


class Resource:
    """One object of a build. `born` is what it was called in its file; `is_whole` says whether all of it was read."""

    __slots__ = ("born", "is_whole", "obj", "origin", "place")

    def __init__(self, obj: Object, origin: str, place: str, *, is_whole: bool) -> None:
        self.obj = obj
        self.origin = origin
        self.place = place
        self.is_whole = is_whole
        self.born = identify(obj)

    def names(self) -> dict[str, str]:
        """Return the name and namespace from before anything renamed it."""
        return {"name": self.born.name, "namespace": self.born.namespace}


class Patch(NamedTuple):
    """One patch: objects to merge, or operations; and the target, empty where the objects name it themselves."""

    merges: list[Object]
    operations: list[Object]
    target: Object


def read(content: bytes, target: Object) -> Patch:
    """Return the patch in a text: a list is operations, everything else documents to merge.

    Raises:
        ParseError: it is neither YAML nor JSON.
        ConfigError: it is neither a list of operations nor an object with a kind and a name.
    """
    return _patch(_values(content), target)


def of_objects(objects: list[Object], target: Object) -> Patch:
    """Return a strategic merge of objects that are read already."""
    return Patch(objects, [], target)


def _values(content: bytes) -> list[object]:
    # A root that is a list is no document for the loader of manifests: it is wrapped into one.
    if content.lstrip()[:1] in {b"-", b"["} and not content.lstrip().startswith(b"---"):
        lines = b"".join(b"  " + line for line in content.expandtabs(2).splitlines(keepends=True))
        plain = to_plain(loading.load(b"operations:\n" + lines, limits=Limits(), comments=False).documents[0])
        return cast("list[object]", plain.get("operations") if isinstance(plain, dict) else [])
    return [to_plain(each) for each in loading.load(content, limits=Limits(), comments=False).documents]


def _patch(values: list[object], target: Object) -> Patch:
    objects = [cast("Object", each) for each in values if isinstance(each, dict)]
    if len(objects) != len(values):
        raise ConfigError("a patch is neither an object nor a list of operations")
    if objects and all("op" in each and "path" in each for each in objects):
        return Patch([], objects, target)
    merges = [each for each in objects if each]
    if not all(text(each, "kind") and text(mapping(each, "metadata"), "name") for each in merges):
        raise ConfigError(
            "a patch has no kind and metadata.name", hint="they have to be there, whatever the target says"
        )
    return Patch(merges, [], target)


def apply(patch: Patch, resources: list[Resource], *, must_match: bool = False) -> list[Resource]:
    """Return the resources with a patch applied; those that it deletes are gone.

    Raises:
        ConfigError: an operation cannot be applied, a target is malformed, or (if it `must_match`) what the patch names
            itself is not there.
    """
    for merge in patch.merges if must_match and not patch.target else ():
        if not any(_is_meant(merge, patch.target, each) for each in resources):
            raise ConfigError(f"a patch is for {identify(merge)}, which is not there")
    left = []
    for resource in resources:
        kept: Object | None = resource.obj
        for merge in patch.merges:
            if kept is not None and _is_meant(merge, patch.target, resource):
                kept = merged(kept, merge)
        if patch.operations and is_selected(patch.target, resource.obj, resource.names()):
            kept = _operated(resource, patch.operations)
        if kept is not None:
            resource.obj = kept
            left.append(resource)
    return left


def _is_meant(merge: Object, target: Object, resource: Resource) -> bool:
    if target:
        return is_selected(target, resource.obj, resource.names())
    wanted, own = identify(merge), identify(resource.obj)
    return wanted[:2] == own[:2] and any(_is_named(wanted, each) for each in (own, resource.born))


def _is_named(wanted: ObjectReference, own: ObjectReference) -> bool:
    return wanted.name == own.name and (wanted.namespace or _DEFAULT) == (own.namespace or _DEFAULT)


def merged(obj: Object, patch: Object, *, is_root: bool = True) -> Object | None:
    """Return an object with a patch merged into it; None where the patch deletes it.

    A patch never changes what it is called by: apiVersion, kind and name stay.
    """
    directive = text(patch, "$patch")
    if directive == "delete":
        return None
    found: Object = {} if directive == "replace" else dict(obj)
    for field, value in patch.items():
        if field == "$patch":
            continue
        old = found.get(field)
        if value is None:
            found.pop(field, None)
        elif isinstance(value, dict):
            inner = merged(cast("Object", old) if isinstance(old, dict) else {}, cast("Object", value), is_root=False)
            if inner is None:
                found.pop(field, None)
            else:
                found[field] = inner
        else:
            found[field] = value
    return _called_as(obj, found) if is_root else found


def _called_as(obj: Object, found: Object) -> Object:
    own = {**mapping(found, "metadata")}
    for field in ("name", "namespace"):
        if (value := mapping(obj, "metadata").get(field)) is not None:
            own[field] = value
    return {**found, **{field: obj[field] for field in ("apiVersion", "kind") if field in obj}, "metadata": own}


def _operated(resource: Resource, operations: list[Object]) -> Object:
    obj = copy.deepcopy(resource.obj)
    for operation in operations:
        try:
            _operate(obj, operation)
        except (LookupError, ValueError, TypeError):
            if resource.is_whole:
                said = f"{text(operation, 'op')} {text(operation, 'path')}"
                raise ConfigError(f"a patch cannot be applied to {resource.born}: {said}") from None
    return obj


def _operate(obj: Object, operation: Object) -> None:
    """Apply one operation of RFC 6902. Raises: LookupError, ValueError, TypeError where it cannot be applied."""
    steps = _steps(text(operation, "path"))
    match operation.get("op"):
        case "add":
            _add(obj, steps, copy.deepcopy(operation.get("value")))
        case "replace":
            _taken(obj, steps)
            _add(obj, steps, copy.deepcopy(operation.get("value")))
        case "remove":
            _taken(obj, steps)
        case "move":
            _add(obj, steps, _taken(obj, _steps(text(operation, "from"))))
        case "copy":
            _add(obj, steps, copy.deepcopy(_found(obj, _steps(text(operation, "from")))))
        case "test":
            if _found(obj, steps) != operation.get("value"):
                raise ValueError(operation)
        case _:
            raise ValueError(operation)


def _steps(path: str) -> list[str]:
    if not path.startswith("/"):
        raise ValueError(path)
    return [step.replace("~1", "/").replace("~0", "~") for step in path[1:].split("/")]


def _found(container: object, steps: list[str]) -> object:
    for step in steps:
        container = container[int(step)] if isinstance(container, list) else cast("Object", container)[step]
    return container


def _taken(obj: Object, steps: list[str]) -> object:
    parent = _found(obj, steps[:-1])
    return parent.pop(int(steps[-1])) if isinstance(parent, list) else cast("Object", parent).pop(steps[-1])


def _add(obj: Object, steps: list[str], value: object) -> None:
    parent = _found(obj, steps[:-1])
    if isinstance(parent, list):
        index = len(parent) if steps[-1] == "-" else int(steps[-1])
        if not 0 <= index <= len(parent):
            raise IndexError(index)
        parent.insert(index, value)
    elif isinstance(parent, dict):
        parent[steps[-1]] = value
    else:
        raise TypeError(parent)
