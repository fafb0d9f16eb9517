"""Fresh JSON as sops writes it (Go encoding/json: HTML escapes, positional floats).

Comments have no place in JSON and are dropped. Source: sops stores/json at v3.13.3, Go encoding/json encode.go.
"""

from __future__ import annotations

import math
import re
from typing import Final

from secretsync.documents import go_float
from secretsync.documents.single import only_document
from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Timestamp, integer_text
from secretsync.errors import TreeError

_ESCAPE: Final = re.compile('[\\x00-\\x1f"\\\\<>&\u2028\u2029\ud800-\udfff]')
_SHORT: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def dump(documents: list[Mapping], *, indent: int | None = None, encrypted: bool = False) -> bytes:  # noqa: ARG001  # the Protocol's parameter
    """Write the one document, a TAB for each level unless `indent` says how many spaces (-1 is a TAB, 0 none).

    Raises: TreeError for more than one document (sops would drop the others), a float that is not finite, bytes that
    are not UTF-8, a key that is no string, or an indent below -1.
    """
    return (value_text(only_document(documents, "json"), _unit(indent), "\n") + "\n").encode()


def emit_value(node: Node) -> bytes:
    """Return a string as it is, an object as a file, anything else as JSON without a final newline.

    Source: sops cmd/sops/decrypt.go extract at v3.13.3.
    """
    if isinstance(node, Mapping):
        return dump([node])
    if isinstance(node, Scalar):
        if isinstance(node.value, bytes):
            return node.value
        if isinstance(node.value, str):
            return node.value.encode()
    return value_text(node, "\t", "\n").encode()


def _unit(indent: int | None) -> str:
    if indent is None or indent == -1:
        return "\t"
    if indent < -1:
        raise TreeError("a JSON indent cannot be below -1")
    return " " * indent


def value_text(node: Node, unit: str, newline: str) -> str:
    """Return `node` as JSON; `newline` is a line break and the indentation of the line `node` starts on."""
    if isinstance(node, Scalar):
        return _scalar(node)
    inner = newline + unit
    if isinstance(node, Mapping):
        members = [f"{key_text(entry)}: {value_text(entry.value, unit, inner)}" for entry in node.entries()]
        return "{" + inner + ("," + inner).join(members) + newline + "}" if members else "{}"
    elements = [value_text(item, unit, inner) for item in node.items if not isinstance(item, Comment)]
    return "[" + inner + ("," + inner).join(elements) + newline + "]" if elements else "[]"


def key_text(entry: Entry) -> str:
    """Return a key in quotes. Raises: TreeError if it is no string."""
    key = entry.key.value
    if not isinstance(key, str):
        raise TreeError(f"JSON keys are strings, not {type(key).__name__}")
    return quoted(key)


def quoted(text: str) -> str:
    """Return `text` as Go writes it: `<`, `>`, `&`, U+2028, U+2029 escaped, other characters as they are."""
    return '"' + _ESCAPE.sub(_escape, text) + '"'


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if "\ud800" <= char <= "\udfff":
        return "\ufffd"
    return _SHORT.get(char) or f"\\u{ord(char):04x}"


def _scalar(node: Scalar) -> str:
    value = node.value
    if type(value) is str:
        return quoted(value)
    if value is None:
        return "null"
    if isinstance(value, int):
        return integer_text(value)
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, Timestamp):
        return quoted(value.text)
    assert isinstance(value, bytes)
    try:
        return quoted(value.decode())
    except UnicodeDecodeError:
        raise TreeError("JSON cannot hold bytes that are not UTF-8", hint="keep the file as YAML or binary") from None


def float_text(value: float) -> str:
    """Return a float as Go's encoding/json: positional between 1e-6 and 1e21, else with a short exponent.

    Minus zero is `-0.0`: sops writes `-0`, reads it back as an integer and refuses it.
    """
    if not math.isfinite(value):
        raise TreeError("JSON cannot hold a float that is not finite")
    if value == 0:
        return "-0.0" if math.copysign(1, value) < 0 else "0"
    return go_float.general(value, lowest=-6, highest=21, width=1)
