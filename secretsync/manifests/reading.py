"""Every Kubernetes object of a text, in order: YAML documents, concatenated JSON, Lists flattened.

A document that does not parse is an error, never skipped (kubeseal drops it).
"""

from __future__ import annotations

import json
from typing import NamedTuple

from secretsync.documents.stores import store_named
from secretsync.documents.tree import Limits
from secretsync.errors import DuplicateKeyError, LimitError, ManifestError, ParseError, SecretsyncError
from secretsync.manifests.objects import Object, flatten
from secretsync.manifests.trees import to_object


class Located(NamedTuple):
    """An object and its place in the text: `#2`, `#2 items[0]`, or nothing for the only document."""

    location: str
    object: Object


def read(data: bytes, *, limits: Limits = Limits()) -> list[Located]:
    """Return the objects of a YAML or JSON text, at least one.

    Raises:
        ParseError: the text is not UTF-8, not YAML or JSON, or has something behind its last JSON object.
        DuplicateKeyError: a mapping has a key twice.
        LimitError: it is larger, deeper or has more documents than `limits` allow.
        ManifestError: there is no object in it, or a document is none.
    """
    if len(data) > limits.size:
        raise LimitError(f"{len(data)} bytes; the limit is {limits.size}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ParseError("not valid UTF-8", hint="convert it: iconv -t UTF-8 FILE") from None
    documents, rest = _read_json(text) if text.lstrip()[:1] == "{" else ([], text)
    if rest.strip():
        documents += _read_yaml(rest, limits, before=len(documents))
    return _located(documents, limits)


def _read_yaml(text: str, limits: Limits, *, before: int) -> list[object]:
    source = store_named("yaml").load(text.encode(), limits=limits)
    objects = []
    for index, document in enumerate(source.documents, before + 1):
        try:
            objects.append(to_object(document))
        except SecretsyncError as error:
            raise error.at(f"#{index}") from None
    return objects


def _read_json(text: str) -> tuple[list[object], str]:
    """Return the JSON objects at the start of `text` and the text behind them, which must be YAML documents.

    A text whose first object is no JSON is a flow mapping of YAML, all of it.
    """
    decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refuse_constant)
    objects: list[object] = []
    offset = _skip(text, 0)
    while text[offset : offset + 1] == "{":
        try:
            value, offset = decoder.raw_decode(text, offset)
        except json.JSONDecodeError as error:
            if not objects:
                return [], text
            raise ParseError(f"not valid JSON: line {error.lineno}", location=f"#{len(objects) + 1}") from None
        except RecursionError:
            raise LimitError("nested too deeply") from None
        except ValueError:  # Python's own limit, against quadratic time
            raise LimitError("an integer has too many digits", location=f"#{len(objects) + 1}") from None
        except SecretsyncError as error:
            raise error.at(f"#{len(objects) + 1}") from None
        objects.append(value)
        offset = _skip(text, offset)
    rest = text[offset:]
    if rest and not rest.startswith(("---", "...")):
        raise ParseError("text behind the JSON object", location=f"#{len(objects)}")
    return objects, rest


def _skip(text: str, offset: int) -> int:
    while offset < len(text) and text[offset] in " \t\r\n":
        offset += 1
    return offset


def _unique(pairs: list[tuple[str, object]]) -> Object:
    found: Object = {}
    for key, value in pairs:
        if key in found:
            raise DuplicateKeyError(f"key {key!r} stands twice")
        found[key] = value
    return found


def _refuse_constant(name: str) -> float:
    raise ParseError(f"{name} is not JSON")


def _located(documents: list[object], limits: Limits) -> list[Located]:
    if len(documents) > limits.documents:
        raise LimitError(f"{len(documents)} documents; the limit is {limits.documents}")
    found: list[Located] = []
    for index, document in enumerate(documents, 1):
        if not document:
            continue
        place = f"#{index}" if len(documents) > 1 else ""
        assert isinstance(document, dict)  # a root that is no mapping does not load
        try:
            found.extend(Located(f"{place} {inner}".strip(), obj) for inner, obj in flatten(document))
        except SecretsyncError as error:
            raise error.at(place) from None
    if not found:
        raise ManifestError("no object in the input")
    return found
