"""Which objects a manifest holds, without reading what is in them: a tenth of the cost of a tree.

Only for manifests of which nothing else is asked. What an outline cannot say soundly, it leaves to the tree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secretsync.documents.tree import Limits
from secretsync.documents.yaml.libyaml import CParser, YAMLError, events

if TYPE_CHECKING:
    from typing import Any

Outline = dict[str, object]

_OWN: Final = ("apiVersion", "kind", "metadata")
_NAMES: Final = ("name", "namespace")
_NO_TEXT: Final = frozenset({"", "~", "null", "true", "false", "yes", "no", "on", "off", ".inf", ".nan"})


class _UnclearError(Exception):
    """The manifest holds what only the tree can judge."""


def outline(data: bytes, limits: Limits) -> list[Outline] | None:
    """Return apiVersion, kind, name and namespace of each document; None where the tree has to be asked.

    That is every text that does not parse, in another encoding than UTF-8, with anchors, tags or a root that is no mapping.
    """
    if len(data) > limits.size:
        return None
    try:
        return _OutlineReader(CParser(data.decode())).documents(limits.documents)
    except (_UnclearError, YAMLError, UnicodeDecodeError):
        return None


class _OutlineReader:
    def __init__(self, parser: CParser) -> None:
        self._next = parser.get_event

    def documents(self, at_most: int) -> list[Outline]:
        found: list[Outline] = []
        while (event := self._next()) is not None:
            if type(event) is events.DocumentStartEvent:
                if len(found) == at_most or event.version or event.tags:
                    raise _UnclearError
                found.append(self._root())
        if not found:
            raise _UnclearError
        return found

    def _root(self) -> Outline:
        event = self._next()
        if type(event) is not events.MappingStartEvent:
            raise _UnclearError
        return self._mapping(_OWN)

    def _mapping(self, wanted: tuple[str, ...]) -> Outline:
        """Return the entries of a mapping that are `wanted`, and pass over all others."""
        found: Outline = {}
        seen = set()
        while type(key := self._next()) is not events.MappingEndEvent:
            name = self._key(key)
            if name in seen:
                raise _UnclearError
            seen.add(name)
            value = self._next()
            if name not in wanted:
                self._pass(value)
            elif name == "metadata" and type(value) is events.MappingStartEvent:
                found[name] = self._mapping(_NAMES)
            else:
                found[name] = self._text(value)
        return found

    @staticmethod
    def _key(event: Any) -> str:
        if type(event) is not events.ScalarEvent or event.anchor or event.tag or event.value == "<<":
            raise _UnclearError
        return str(event.value)

    @staticmethod
    def _text(event: Any) -> str:
        if type(event) is not events.ScalarEvent or event.anchor or event.tag:
            raise _UnclearError
        value = str(event.value)
        if value[:1] in "-+.0123456789" or value.lower() in _NO_TEXT:
            raise _UnclearError
        return value

    def _pass(self, event: Any) -> None:
        depth = 0
        while True:
            kind = type(event)
            if kind is events.AliasEvent or getattr(event, "anchor", None):
                raise _UnclearError
            if kind is events.MappingStartEvent or kind is events.SequenceStartEvent:
                depth += 1
            elif kind is events.MappingEndEvent or kind is events.SequenceEndEvent:
                depth -= 1
            if depth == 0:
                return
            event = self._next()
