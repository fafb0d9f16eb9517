"""Generated YAML and JSON inputs that use what the formats offer: every scalar style, comments, aliases, documents.

The texts avoid what sops itself cannot read back after writing it (docs/reference/differences.md holds those).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable

_PLAIN: Final = (
    *("0", "7", "-12", "+3", "0x1F", "0o17", "0b101", "1_000", "9223372036854775807", "017"),
    *("1.5", "-0.25", ".5", "1e3", "1.0", "6.02e23", "1e-7", "100000000.5", ".inf", "-.inf", "685_230.15"),
    *("true", "False", "null", "~", "yes", "off", "y", "NO"),
    *("2024-01-02", "2024-01-02T03:04:05Z", "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43.1"),
    *("word", "two words", "http://host:80/a?b=c", "a#b", "-dash", "v1.2.3", "12:30:45", "=", "<<<", "a, b"),
    *("!!str 12", "!!str true", "!!float 3", "!!binary aGVsbG8=", "!local text", "! text", "'' ", '""'),
)
_KEYS: Final = (
    "a",
    "b",
    "name",
    "data",
    "key-1",
    "under_score",
    "dotted.key",
    "open_unencrypted",
    "'single'",
    '"dou\\u0062le"',
)
_ODD: Final = "é漢🔑\u00a0\t'\"\\#:,[]{}&*!|>%@`-? "  # letters of several widths, and what YAML gives a meaning
_CHARACTERS: Final = st.sampled_from("abcXYZ019 " + _ODD)
_TEXT: Final = st.text(_CHARACTERS, max_size=20)
_COMMENT: Final = st.text(st.sampled_from("abc é:#'-"), min_size=1, max_size=8).map(lambda text: f"# x{text}".rstrip())


@st.composite
def yaml_texts(draw: st.DrawFn, *, comments_behind_flows: bool = True) -> str:
    """Draw a stream of one to three YAML documents whose roots are mappings.

    A comment behind a flow collection that ends a file outlives sops only where sops moves it behind its own metadata.
    """
    width = draw(st.sampled_from((2, 2, 4)))
    documents = [
        _YamlDraw(draw, width, comments_behind_flows).document() for _ in range(draw(st.sampled_from((1, 1, 1, 2, 3))))
    ]
    start = draw(st.sampled_from(("", "", "---\n", "# head of the file\n", "# head\n\n", "\n--- # head\n")))
    between = draw(st.sampled_from(("---\n", "---\n", "...\n---\n", "--- # next\n", "\n---\n\n")))
    text = start + between.join(documents)
    return text.replace("\n", "\r\n") if draw(st.integers(0, 19)) == 19 else text


class _YamlDraw:
    """One document in the making: its anchors are its own."""

    def __init__(self, draw: st.DrawFn, width: int, comments_behind_flows: bool) -> None:
        self._draw = draw
        self._comments_behind_flows = comments_behind_flows
        self._width = width
        self._anchors: list[str] = []

    def document(self) -> str:
        return "\n".join(self._mapping(0, depth=0)) + "\n"

    def _chance(self, percent: int) -> bool:
        return bool(self._draw(st.integers(0, 99)) >= 100 - percent)

    def _between(self, indent: int) -> list[str]:
        """Return what may stand before, between and behind entries: comments and blank lines."""
        if not self._chance(20):
            return []
        comment = " " * indent + self._draw(_COMMENT)
        return list(self._draw(st.sampled_from(([comment], [comment], ["", comment], [comment, ""], [""]))))

    def _mapping(self, indent: int, *, depth: int) -> list[str]:
        keys = self._draw(st.lists(st.sampled_from(_KEYS), min_size=1, max_size=5 - depth, unique=True))
        lines: list[str] = []
        for key in keys:
            lines += self._between(indent)
            lines += self._value(f"{' ' * indent}{key}:", indent, depth=depth)
        return lines + self._between(indent)

    def _sequence(self, indent: int, *, depth: int) -> list[str]:
        lines: list[str] = []
        for _ in range(self._draw(st.integers(1, 4 - depth))):
            lines += self._between(indent)
            lines += self._value(f"{' ' * indent}-", indent, depth=depth)
        return lines + self._between(indent)

    def _value(self, head: str, indent: int, *, depth: int) -> list[str]:
        """Return the lines of one entry, whose first begins with `head`."""
        if depth < 3 and self._chance(30):
            return self._collection(head, indent, depth=depth)
        if self._chance(15):
            return self._block_scalar(head, indent + self._width)
        if self._chance(5):
            return [head]
        if self._chance(5):
            return [f"{head} several words", f"{' ' * (indent + self._width)}on two lines"]
        value = self._scalar()
        commented = self._chance(12) and (self._comments_behind_flows or value[-1] not in "]}")
        return [f"{head} {value} {self._draw(_COMMENT)}" if commented else f"{head} {value}"]

    def _collection(self, head: str, indent: int, *, depth: int) -> list[str]:
        if self._chance(50):
            level = indent if head.endswith(":") and self._chance(30) else indent + self._width
            block = self._sequence(level, depth=depth + 1)
        else:
            block = self._mapping(indent + self._width, depth=depth + 1)
        opening = block[0].lstrip()
        if head.endswith("-") and self._width == 2 and opening and not opening.startswith("#") and self._chance(50):
            return [f"{head} {opening}", *block[1:]]
        anchor = f" &c{depth}" if self._chance(5) else ""
        return [head + anchor, *block]

    def _scalar(self) -> str:
        if self._anchors and self._chance(10):
            return f"*{self._draw(st.sampled_from(self._anchors))}"
        styles: tuple[Callable[[], str], ...] = (self._plain, self._plain, self._single, self._double, self._flow)
        text = self._draw(st.sampled_from(styles))()
        if not text.startswith("!") and self._chance(8):
            self._anchors.append(f"n{len(self._anchors)}")
            return f"&{self._anchors[-1]} {text}"
        return text

    def _plain(self) -> str:
        return self._draw(st.sampled_from(_PLAIN))

    def _single(self) -> str:
        return "'" + self._draw(_TEXT).replace("'", "''").replace("\t", " ") + "'"

    def _double(self) -> str:
        return _double_quoted(self._draw(st.text(_CHARACTERS | st.sampled_from("\n\r\x00\x07\x1b\x85"), max_size=20)))

    def _flow(self) -> str:
        if self._chance(20):
            return self._draw(st.sampled_from(("[]", "{}")))
        items = self._draw(
            st.lists(st.sampled_from(("1", "true", "x", "'q'", '"d"', "1.5", "null", "[2]")), max_size=3)
        )
        if self._chance(50):
            return f"[{', '.join(items)}]"
        return "{" + ", ".join(f"k{number}: {item}" for number, item in enumerate(items)) + "}"

    def _block_scalar(self, head: str, indent: int) -> list[str]:
        style = self._draw(st.sampled_from(("|", "|-", "|+", ">", ">-")))
        lines = self._draw(st.lists(st.text(st.sampled_from("ab é#:'"), max_size=9), min_size=1, max_size=4))
        return [f"{head} {style}", *(f"{' ' * indent}x{line}".rstrip() if line else "" for line in ["y", *lines])]


def _double_quoted(text: str) -> str:
    short = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\x00": "\\0"}
    escaped = (
        short.get(sign) or (f"\\x{ord(sign):02x}" if ord(sign) < 32 or sign == "\x85" else sign) for sign in text
    )
    return '"' + "".join(escaped) + '"'


_JSON_LEAVES: Final = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15).filter(
        lambda number: number != 0
    ),
    st.text(_CHARACTERS | st.sampled_from("\n\r\x00\x1f<>&\u2028\x7f"), max_size=20),
)


def _containers(inner: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4)


_JSON_TREES: Final = st.recursive(_JSON_LEAVES, _containers, max_leaves=12)


@st.composite
def json_texts(draw: st.DrawFn) -> str:
    """Draw a JSON object, compact or spread, with escapes or without."""
    tree = draw(st.dictionaries(_TEXT.filter(lambda key: key != "sops"), _JSON_TREES, min_size=1, max_size=6))
    return json.dumps(tree, indent=draw(st.sampled_from((None, 2, "\t"))), ensure_ascii=draw(st.booleans()))
