"""The JSON store: a scanner that keeps spans, duplicate keys and number types as sops does, and its own writer.

Stricter than sops where sops loses data without a word: a truncated object, anything behind the object, a leading
byte order mark and trailing commas are refused. Invalid UTF-8 becomes U+FFFD, as in sops.
Source: sops stores/json at v3.13.3, Go encoding/json.
"""

from __future__ import annotations

import re
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined]  # typeshed lacks it
from typing import TYPE_CHECKING, Final

from secretsync.documents.json.emitting import dump, emit_value
from secretsync.documents.json.marks import carries_mac
from secretsync.documents.json.rewriting import rewrite
from secretsync.documents.tree import Entry, Limits, Mapping, Node, Scalar, Sequence, Source, Span
from secretsync.errors import LimitError, ParseError
from secretsync.late import LateModule

if TYPE_CHECKING:
    import secretsync.documents.conflicts as conflicts
else:
    conflicts = LateModule("secretsync.documents.conflicts")  # most files parse

__all__ = ["NAME", "carries_mac", "dump", "emit_value", "is_marked", "is_reserved", "load", "rewrite"]

NAME: Final = "json"
COMMENTS: Final = False
SEVERAL_DOCUMENTS: Final = False
NESTED: Final = True
NULLS: Final = True
ONE_VALUE: Final = False
SKIPS_COMMENTS: Final = False
CONFIG_NAME: Final = "json"
CONFIG_FIELDS: Final = ("indent",)
MAC_MARK: Final = b'"mac": "ENC['
EXAMPLE: Final = b'{\n\t"example": "value"\n}\n'
_DEFAULT_LIMITS: Final = Limits()
_SPACE: Final = re.compile(r"[ \t\n\r]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_LITERALS: Final = (("true", True), ("false", False), ("null", None))
_SURROGATE: Final = re.compile(r"[\ud800-\udfff]")
_INT64: Final = range(-(2**63), 2**63)


def load(data: bytes, *, limits: Limits = _DEFAULT_LIMITS, encrypted: bool = False) -> Source:  # noqa: ARG001  # the Protocol's parameter
    """Parse one JSON object; plain and encrypted files have the same form.

    Raises: ParseError (no JSON, truncated, trailing content, a number beyond a double, the root is no
    object), LimitError.
    """
    if len(data) > limits.size:
        raise LimitError(f"the file has {len(data)} bytes, more than the limit of {limits.size}")
    text = data.decode("utf-8", "replace")
    return Source("json", text, [_Scanner(text, limits).document()], [Span(0, len(text))])


def is_reserved(document: Mapping) -> bool:
    """Whether `document` has a top-level `sops` entry."""
    return document.get("sops") is not None


def is_marked(data: bytes, *, mentioned: bool) -> bool:  # noqa: ARG001  # the Protocol's parameter
    """Whether it is mentioned: the block has no form of its own."""
    return mentioned


class _Scanner:
    """A scanner without recursion: open containers wait on a list, so depth costs memory, never the stack."""

    def __init__(self, text: str, limits: Limits) -> None:
        self.text = text
        self.limits = limits
        self.open: list[tuple[Mapping | Sequence, int]] = []
        self.nodes = 0

    def document(self) -> Mapping:
        """Return the root object; nothing but blanks may stand behind it."""
        text = self.text
        position = self._blanks(0)
        if text[position : position + 1] == "\ufeff":
            raise self._error(position, "a byte order mark is not allowed in JSON")
        if text[position : position + 1] != "{":
            raise self._no_object(position)
        root = Mapping()
        self.open.append((root, position))
        position += 1
        while self.open:
            position = self._step(self._blanks(position))
        position = self._blanks(position)
        if position != len(text):
            raise self._error(position, "content behind the JSON object")
        return root

    def _step(self, position: int) -> int:
        """Read one member, element or closing bracket of the innermost container; return where it ends."""
        container, start = self.open[-1]
        closing = "}" if isinstance(container, Mapping) else "]"
        char = self.text[position : position + 1]
        if char == closing:
            return self._close(container, start, position + 1)
        if container.items:
            if char != ",":
                raise self._error(position, f"expected ',' or {closing!r}" if char else "the JSON object is cut off")
            position = self._blanks(position + 1)
        if isinstance(container, Mapping):
            key, position = self._key(position)
            node, position = self._value(position)
            container.items.append(Entry(key, node))
        else:
            node, position = self._value(position)
            container.items.append(node)
        return position

    def _close(self, container: Mapping | Sequence, start: int, end: int) -> int:
        container.span = Span(start, end)
        self.open.pop()
        return end

    def _key(self, position: int) -> tuple[Scalar, int]:
        if self.text[position : position + 1] != '"':
            raise self._unexpected(position, "a key in double quotes")
        key, end = self._string(position)
        position = self._blanks(end)
        if self.text[position : position + 1] != ":":
            raise self._unexpected(position, "':' behind a key")
        return Scalar(key, Span(end - self._raw_length, end), '"'), self._blanks(position + 1)

    def _value(self, position: int) -> tuple[Node, int]:
        """Read a scalar, or open a container whose items the following steps read."""
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            raise LimitError(f"more than {self.limits.nodes} values", location=self._place(position))
        char = self.text[position : position + 1]
        if char == '"':
            value, end = self._string(position)
            return Scalar(value, Span(position, end), '"'), end
        if char in ("{", "["):
            node: Mapping | Sequence = Mapping(flow=True) if char == "{" else Sequence(flow=True)
            self.open.append((node, position))
            if len(self.open) > self.limits.depth:
                raise LimitError(f"nested deeper than {self.limits.depth} levels", location=self._place(position))
            return node, position + 1
        match = _NUMBER.match(self.text, position)
        if match:
            return Scalar(self._number(match), Span(position, match.end())), match.end()
        for word, constant in _LITERALS:
            if self.text.startswith(word, position):
                return Scalar(constant, Span(position, position + len(word))), position + len(word)
        raise self._unexpected(position, "a value")

    def _string(self, position: int) -> tuple[str, int]:
        """Read the string whose opening quote stands at `position`; unpaired surrogates become U+FFFD as in Go."""
        try:
            value, end = scanstring(self.text, position + 1, True)
        except JSONDecodeError as error:
            raise self._error(error.pos, "invalid string: " + error.msg.lower().removesuffix(" at")) from None
        self._raw_length = end - position
        return (_SURROGATE.sub("\ufffd", value) if not value.isascii() else value), end

    def _number(self, match: re.Match[str]) -> int | float:
        """Return an int if the text is one of 64 bits, else a float, as sops' normalizeJSONNumber does."""
        text = match[0]
        if match[1] is None and match[2] is None and len(text) < 21:  # digits of an int64
            number = int(text)
            if number in _INT64:
                return number
        value = float(text)
        if value in (float("inf"), float("-inf")):
            raise self._error(match.start(), "number out of the range of a double")
        return value

    def _blanks(self, position: int) -> int:
        match = _SPACE.match(self.text, position)
        return match.end() if match else position

    def _no_object(self, position: int) -> ParseError:
        if position == len(self.text):
            return self._error(position, "the file is empty")
        if self.text[position] == "[":
            return self._error(position, "the top level of a JSON file must be an object, not an array")
        if self.text[position] in '"-0123456789tfn':
            return self._error(position, "the top level of a JSON file must be an object")
        return self._error(position, "expected a JSON object")

    def _unexpected(self, position: int, expected: str) -> ParseError:
        if position >= len(self.text):
            return self._error(position, "the JSON object is cut off")
        return self._error(position, f"expected {expected}")

    def _error(self, position: int, message: str) -> ParseError:
        return conflicts.named(self.text) or ParseError(message, location=self._place(position))

    def _place(self, position: int) -> str:
        line = self.text.count("\n", 0, position) + 1
        return f"line {line} column {position - self.text.rfind(chr(10), 0, position)}"
