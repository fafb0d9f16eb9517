"""Reading INI as gopkg.in/ini.v1 does with sops' options, quirks included.

Quotes, backticks and `\"\"\"` around values, a trailing backslash that continues a line, `#` and `;` anywhere in a value
starting a comment. Source: gopkg.in/ini.v1 parser.go at v1.67.3. Duplicate keys are refused, where that library
silently keeps the last.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from secretsync.errors import DuplicateKeyError, ParseError
from secretsync.late import LateModule

if TYPE_CHECKING:
    import secretsync.documents.conflicts as conflicts
else:
    conflicts = LateModule("secretsync.documents.conflicts")  # most files parse

_SPACE: Final = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"  # Source: Go unicode.IsSpace


@dataclass(slots=True)
class IniKey:
    """One key with its value and the comment above or behind it."""

    name: str
    value: str
    comment: str


@dataclass(slots=True)
class Section:
    """One section; the first is always DEFAULT, even if nothing is in it."""

    name: str
    comment: str = ""
    keys: list[IniKey] = field(default_factory=list)
    names: set[str] = field(default_factory=set)


def parse(text: str) -> list[Section]:
    """Return the sections in order, same names apart. Raises: ParseError, DuplicateKeyError."""
    return _Parser(text).run()


class _Parser:
    def __init__(self, text: str) -> None:
        *lines, last = text.split("\n")
        self.lines = [line + "\n" for line in lines] + ([last] if last else [])
        self.next = 0
        self.comment: list[str] = []
        self.sections = [Section("DEFAULT")]
        self.counter = 1

    def run(self) -> list[Section]:
        while self.next < len(self.lines):
            line = self._take().lstrip(_SPACE)
            if not line:
                continue
            if line[0] in "#;":
                self.comment.append(line)
            elif line[0] == "[":
                self._section(line)
            else:
                self._key(line)
        return self.sections

    def _take(self) -> str:
        self.next += 1
        return self.lines[self.next - 1]

    def _error(self, message: str) -> ParseError:
        return conflicts.named("".join(self.lines)) or ParseError(message, location=f"line {self.next}")

    def _taken_comment(self) -> str:
        comment = "".join(self.comment).strip(_SPACE)
        self.comment.clear()
        return comment

    def _section(self, line: str) -> None:
        closing = line.rfind("]")
        if closing < 0:
            raise self._error("a section without ']'")
        if closing == 1:
            raise self._error("a section without a name")
        behind = _first(line, "#;", closing + 1)
        if behind >= 0:
            self.comment.append(line[behind:])
        self.sections.append(Section(line[1:closing], self._taken_comment()))
        self.counter = 1

    def _key(self, line: str) -> None:
        name, offset = self._name(line)
        if name == "-":
            name = f"#{self.counter}"
            self.counter += 1
        if not name:
            raise self._error("a key without a name")
        number = self.next
        value = self._value(line[offset:])
        section = self.sections[-1]
        if name in section.names:
            raise DuplicateKeyError(
                f"the key {name!r} stands twice in section {section.name!r}", location=f"line {number}"
            )
        section.names.add(name)
        section.keys.append(IniKey(name, value, self._taken_comment()))

    def _name(self, line: str) -> tuple[str, int]:
        """Return the name and where the value starts; a name may stand in quotes or backticks."""
        quote = '"""' if line.startswith('"""') and len(line) > 6 else line[0] if line[0] in '"`' else ""
        if not quote:
            delimiter = _first(line, "=:")
            if delimiter < 0:
                raise self._error("a line without '=' or ':'")
            return line[:delimiter].strip(_SPACE), delimiter + 1
        closing = line.find(quote, len(quote))
        if closing < 0:
            raise self._error("a quoted key without its closing quote")
        delimiter = _first(line, "=:", closing + len(quote))
        if delimiter < 0:
            raise self._error("a line without '=' or ':'")
        return line[len(quote) : closing].strip(_SPACE), delimiter + 1

    def _value(self, text: str) -> str:
        line = text.lstrip(_SPACE)
        if not line:
            return ""
        quote = '"""' if line.startswith('"""') and len(line) > 3 else "`" if line[0] == "`" else ""
        if quote:
            closing = line.rfind(quote, len(quote))
            return self._multiline(line[len(quote) :], quote) if closing < 0 else line[len(quote) : closing]
        line = line.strip(_SPACE)
        if line.endswith("\\"):
            return self._continued(line[:-1])
        comment = _first(line, "#;")
        if comment >= 0:
            self.comment.append(line[comment:])
            line = line[:comment].strip(_SPACE)
        surrounded = len(line) >= 2 and line[0] in "\"'" and line.find(line[0], 1) == len(line) - 1
        return line[1:-1] if surrounded else line

    def _multiline(self, value: str, quote: str) -> str:
        """Read on until the closing quote; a comment behind it belongs to the key."""
        parts = [value]
        while self.next < len(self.lines):
            line = self._take()
            closing = line.rfind(quote)
            rest = line[closing + len(quote) :].rstrip("\r\n") if closing >= 0 else ""
            if closing < 0 or rest.strip(_SPACE).endswith("\\"):
                parts.append(line)
                continue
            comment = _first(line, "#;", closing)
            if comment >= 0:
                self.comment.append(line[comment:].strip(_SPACE))
            return "".join([*parts, line[:closing]])
        raise self._error("a quoted value without its closing quote")

    def _continued(self, value: str) -> str:
        parts = [value]
        while self.next < len(self.lines):
            line = self._take().strip(_SPACE)
            if not line:
                break
            if not line.endswith("\\"):
                parts.append(line)
                break
            parts.append(line[:-1])
        return "".join(parts)


def _first(line: str, signs: str, start: int = 0) -> int:
    """Return where the first of two signs stands in a line, -1 where neither does."""
    one, other = (line.find(sign, start) for sign in signs)
    return min(one, other) if one >= 0 and other >= 0 else max(one, other)
