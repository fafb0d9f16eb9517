"""Typed, strict access to one mapping of a configuration file: wrong types and unknown fields are errors with a place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar, cast

import secretsync.documents.tree as tree
from secretsync.documents.plain import to_plain
from secretsync.documents.tree import Limits, Node
from secretsync.documents.yaml import loading
from secretsync.errors import ConfigError, SecretsyncError, TreeError
from secretsync.late import LateModule

if TYPE_CHECKING:
    import datetime as dt
    import difflib
else:
    dt = LateModule("datetime")
    difflib = LateModule("difflib")  # a hook that reads its configuration meets neither days nor mistakes

API_VERSION: Final = "secretsync/v1"
"""Of every configuration of ours: the files of a key ring, a hook's and a generator's."""

Choice = TypeVar("Choice", bound=str)
Kind = TypeVar("Kind")


class Fields:
    """One mapping. `path` is the file, `where` the place within it for messages."""

    def __init__(
        self, values: dict[str, object], path: str, where: str = "", lines: Mapping[str, int] | None = None
    ) -> None:
        self._values = values
        self._lines = lines or {}
        self._steps = where
        self.path = path
        self.where = self._at(where) if where else path

    @classmethod
    def parse(cls, data: bytes, path: str, *, with_lines: bool = False) -> Fields:
        """Parse the one document in `data`; `with_lines`, messages say in which line a field is. Raises: ConfigError."""
        try:
            source = loading.load(data, limits=Limits())
            documents = source.documents
            lines = dict(_lines(documents[0], "", source.text)) if with_lines and documents else None
            plain = to_plain(documents[0]) if documents else {}
        except SecretsyncError as error:
            raise ConfigError(error.message, location=f"{path} {error.location or ''}".strip()) from None
        if len(documents) > 1:
            raise ConfigError("holds more than one document", location=path)
        return cls(cast("dict[str, object]", plain), path, lines=lines)

    def place(self, name: str) -> str:
        """Return where a field, or an item of one (`ignore[2]`), stands, for a message."""
        return self._at(self._step(name))

    def names(self) -> list[str]:
        """Return the names of all fields, in order."""
        return list(self._values)

    def only(self, *known: str) -> None:
        """Refuse a field that is not `known`, which would silently do nothing."""
        for name in self._values:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
                raise ConfigError("unknown field", location=self.place(name), hint=hint)

    def expect(self, name: str, value: str) -> None:
        """Refuse any value but `value`; the field may be absent."""
        if self.text(name) not in {"", value}:
            raise ConfigError(f"expected {value!r}", location=self.place(name))

    def without(self, *names: str) -> Fields:
        """Return these fields without some."""
        kept = {key: value for key, value in self._values.items() if key not in names}
        return Fields(kept, self.path, self._steps, self._lines)

    def plain(self, name: str, kind: type[Kind]) -> Kind:
        """Return a value that must be of `kind`, an empty one where it is absent."""
        value = self._values.get(name)
        if value is None:
            return kind()
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise ConfigError(f"expected a {_WORDS[kind]}", location=self.place(name))
        return value

    def text(self, name: str) -> str:
        """Return a string, empty where it is absent."""
        return self.plain(name, str)

    def required(self, name: str) -> str:
        """Return a string that must be there."""
        text = self.text(name)
        if not text:
            raise ConfigError("is missing", location=self.place(name))
        return text

    def one_of(self, name: str, choices: Sequence[Choice], default: Choice | None = None) -> Choice:
        """Return a string that must be one of `choices`."""
        text = self.text(name) or default
        for choice in choices:
            if text == choice:
                return choice
        raise ConfigError(f"expected one of {', '.join(choices)}", location=self.place(name))

    def flag(self, name: str) -> bool:
        """Return true or false, false where it is absent."""
        return self.plain(name, bool)

    def number(self, name: str) -> int | None:
        """Return a whole number above zero, None where it is absent."""
        if self._values.get(name) is None:
            return None
        number = self.plain(name, int)
        if number < 1:
            raise ConfigError("expected a number above zero", location=self.place(name))
        return number

    def date(self, name: str) -> dt.date | None:
        """Return a day, written `2026-11-24` (quoted or not), None where it is absent."""
        text = self.text(name)
        try:
            return dt.date.fromisoformat(text.removesuffix("T00:00:00Z")) if text else None
        except ValueError:
            raise ConfigError("expected a day, as in 2026-11-24", location=self.place(name)) from None

    def texts(self, name: str) -> list[str]:
        """Return a list of strings, empty where it is absent."""
        items = self.plain(name, list)
        if not all(isinstance(item, str) for item in items):
            raise ConfigError("expected a list of strings", location=self.place(name))
        return items

    def mapping(self, name: str) -> Fields:
        """Return a nested mapping, an empty one where it is absent."""
        return Fields(self.plain(name, dict), self.path, self._step(name), self._lines)

    def mappings(self, name: str) -> Iterable[Fields]:
        """Yield the mappings of a list."""
        for index, item in enumerate(self.plain(name, list)):
            step = f"{self._step(name)}[{index}]"
            if not isinstance(item, dict):
                raise ConfigError("expected a mapping", location=self._at(step))
            yield Fields(item, self.path, step, self._lines)

    def _step(self, name: str) -> str:
        return f"{self._steps}.{name}" if self._steps else name

    def _at(self, step: str) -> str:
        line = self._lines.get(step)
        return f"{self.path} {step}" if line is None else f"{self.path} line {line} {step}"


def _lines(node: Node, step: str, text: str) -> Iterator[tuple[str, int]]:
    """Yield the place of each field and item with its line. Raises: TreeError: a key is no string."""
    if isinstance(node, tree.Mapping):
        for entry in node.entries():
            line = _line(entry.key, text)
            if not isinstance(entry.key.value, str):
                raise TreeError(f"key {entry.key.value!r} is not a string; quote it", location=f"line {line}")
            inner = f"{step}.{entry.key.value}" if step else entry.key.value
            yield inner, line
            yield from _lines(entry.value, inner, text)
    elif isinstance(node, tree.Sequence):
        for index, item in enumerate(each for each in node.items if not isinstance(each, tree.Comment)):
            inner = f"{step}[{index}]"
            yield inner, _line(item, text)
            yield from _lines(item, inner, text)


def _line(node: Node, text: str) -> int:
    span = node.alias or node.span
    return text.count("\n", 0, span.start if span else 0) + 1


_WORDS: Final[dict[type, str]] = {
    str: "string",
    bool: "true or false",
    int: "whole number",
    dict: "mapping",
    list: "list",
}
