"""Random trees, random ways to write them down, and random edits: what the round trips of documents are tested with.

The author writes as people do: block and flow, every quoting style, tags, anchors, comments, blank lines, CRLF, lists at
the column of their key. It knows nothing of the emitter it helps to test.
"""

from __future__ import annotations

import json
from random import Random

from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence, Timestamp, Value

WORDS = (
    *(
        "a",
        "key",
        "x y",
        "é",
        "n",
        "yes",
        "null",
        "~",
        "",
        "1",
        "-1",
        "1.0",
        "1e3",
        "0o17",
        "0x1F",
        "12:30:45",
        "<<",
        "=",
    ),
    *(
        "-",
        "- a",
        "? a",
        ": a",
        "a: b",
        "a #b",
        "#a",
        "*a",
        "&a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a",
        "[a]",
        "{a}",
        "a,b",
    ),
    *(
        " lead",
        "trail ",
        "two\nlines",
        "two\nlines\n",
        "\nlead",
        "end\n\n",
        " a\nb",
        "a \nb",
        "tab\tin",
        "\ttab\nb",
        "cr\rx",
    ),
    *("\x00", "\x07", "\x85", "\u2028x", "\ufeffx", "\U0001f600", "'q'", '"q"', "back\\slash", "---", "...", "--- a"),
    *("ENC[AES256_GCM,data:a==,iv:b=,tag:c=,type:str]", "2024-01-02", "2024-01-02T03:04:05", "08", "1_000", ".5", "."),
    *("true", "False", "off", "+.inf", "-.INF", ".nan", "0b1", "1,000", "::", "a:", "a:b", "http://x/?y=z", "a\n# b\n"),
)
COMMENTS = (" c", "", " two words", "#", " key: value", "\ttab", " - dash", " 'q\"", "ENC[AES256_GCM,data:a==,iv:b=]")


def scalar(random: Random) -> Scalar:
    """Return a leaf of any type."""
    value = random.choice(
        (
            random.choice(WORDS),
            random.choice(WORDS),
            random.choice(WORDS) + random.choice(WORDS),
            random.randint(-(10**6), 10**6),
            random.choice((0.5, -2.25, 1e21, 1e-7, float("inf"), -0.0)),
            random.random() < 0.5,
            None,
            Timestamp("2024-01-02T03:04:05Z"),
            b"\xff\xfe",
        )
    )
    return Scalar(value)


def mapping(random: Random, depth: int = 3, least: int = 0) -> Mapping:
    """Return a mapping with unique string keys, comments in between."""
    items: list[Entry | Comment] = []
    keys: set[str] = set()
    for _ in range(random.randint(least, 4)):
        if random.random() < 0.2:
            items.append(Comment(random.choice(COMMENTS)))
        key = random.choice(("a", "b", "c", "d", "key", random.choice(WORDS)))
        if key not in keys and key != "<<":
            keys.add(key)
            items.append(Entry(Scalar(key), node(random, depth - 1)))
    return Mapping(items)


def node(random: Random, depth: int) -> Node:
    """Return any node, at most `depth` collections deep."""
    kind = random.random()
    if depth <= 0 or kind < 0.5:
        return scalar(random)
    if kind < 0.8:
        return mapping(random, depth)
    items: list[Node | Comment] = []
    for _ in range(random.randint(0, 4)):
        if random.random() < 0.2:
            items.append(Comment(random.choice(COMMENTS)))
        items.append(node(random, depth - 1))
    return Sequence(items)


class Author:
    """Writes a tree as YAML text, each part in a style drawn at random."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.step = random.choice((1, 2, 2, 4, 4, 8))
        self.indentless = random.random() < 0.5
        self.comments = random.random() < 0.7
        self.anchors = 0
        self.aliases = random.random() < 0.4

    def text(self, documents: list[Mapping]) -> str:
        """Return the stream."""
        parts = []
        for number, document in enumerate(documents):
            lead = "---\n" if number or self.random.random() < 0.3 else ""
            tail = "...\n" if self.random.random() < 0.1 else ""
            parts.append(lead + self._document(document) + tail)
        text = "".join(parts)
        if self.random.random() < 0.2 and not text.endswith("...\n"):
            text = text.removesuffix("\n")
        return text.replace("\n", "\r\n") if self.random.random() < 0.2 else text

    def _document(self, document: Mapping) -> str:
        if not any(isinstance(item, Entry) for item in document.items):
            return "".join(self._comment(item.text, 0) for item in document.items if isinstance(item, Comment)) + "{}\n"
        if self.random.random() < 0.1:
            return self._flow(document) + "\n"
        return self._block(document, 0)

    def _comment(self, text: str, column: int) -> str:
        return " " * column + "#" + text + "\n" if self.comments else ""

    def _block(self, value: Mapping | Sequence, column: int) -> str:
        lines = []
        for item in value.items:
            if self.random.random() < 0.1:
                lines.append("\n")
            if isinstance(item, Comment):
                lines.append(self._comment(item.text, column))
            elif isinstance(item, Entry):
                if self.random.random() < 0.05:
                    lines.append(" " * column + "? " + self._inline(item.key, key=True) + "\n" + " " * column + ":")
                else:
                    lines.append(" " * column + self._inline(item.key, key=True) + ":")
                lines.append(self._value(item.value, column, column + self.step, in_sequence=False))
            else:
                lines.append(" " * column + "-" + self._value(item, column, column + 2, in_sequence=True))
        return "".join(lines)

    def _value(self, value: Node, parent: int, column: int, *, in_sequence: bool) -> str:
        random = self.random
        if self.aliases and self.anchors and random.random() < 0.15:
            return f" *n{random.randint(1, self.anchors)}" + self._tail()
        if isinstance(value, Scalar):
            if value.value is None and random.random() < 0.3:
                return self._tail()
            if isinstance(value.value, str) and random.random() < 0.4:
                block = self._literal(value.value, parent, column)
                if block:
                    return block
            lead = "\n" + " " * column if random.random() < 0.05 else " "
            return lead + self._anchor() + self._inline(value) + self._tail()
        empty = all(isinstance(item, Comment) for item in value.items)
        if empty or random.random() < 0.25:
            return " " + self._anchor() + self._flow(value) + self._tail()
        if in_sequence and random.random() < 0.7 and not isinstance(value.items[0], Comment):
            return " " + self._block(value, column).lstrip(" \n")
        if isinstance(value, Sequence) and self.indentless and not in_sequence:
            return self._anchor(lead=" ") + "\n" + self._block(value, parent)
        tail = self._tail() if random.random() < 0.2 else "\n"
        return self._anchor(lead=" ") + tail + self._block(value, column)

    def _anchor(self, lead: str = "") -> str:
        if self.random.random() < (0.6 if self.aliases else 0.95):
            return ""
        self.anchors += 1
        return f"{lead}&n{self.anchors}" + ("" if lead else " ")

    def _tail(self) -> str:
        if self.comments and self.random.random() < 0.15:
            return " #" + self.random.choice(COMMENTS) + "\n"
        return "\n"

    def _literal(self, text: str, parent: int, column: int) -> str:
        body = text.rstrip("\n")
        if not body or (not text.isprintable() and not text.replace("\n", "").isprintable()):
            return ""
        if any(ord(char) > 0x2000 for char in text) or body[0] in " \n" or "\n " in body or not body.strip():
            return ""
        ends = len(text) - len(body)
        header = "|" + ("-" if ends == 0 else "" if ends == 1 else "+")
        comment = " # on the header" if self.comments and self.random.random() < 0.2 else ""
        pad = " " * column
        lines = "".join((pad + line if line else "") + "\n" for line in body.split("\n"))
        blank = "\n" * (ends - 1 if ends > 1 else self.random.choice((0, 0, 1)))
        return f" {header}{comment}\n{lines}{blank}"

    def _inline(self, leaf: Scalar, *, key: bool = False, flow: bool = False) -> str:
        value = leaf.value
        if not isinstance(value, str):
            return self._typed(value)
        plain = value.isalpha() and value.isascii() and value not in {"null", "true", "False", "n", "yes", "off"}
        if plain and self.random.random() < 0.7:
            return value
        if (
            value.isprintable()
            and max(value, default="a") < "\ud800"
            and "\u2028" not in value
            and self.random.random() < 0.5
        ):
            return "'" + value.replace("'", "''") + "'"
        tag = "!!str " if not key and not flow and self.random.random() < 0.1 else ""
        return tag + "".join(self._escaped(char) for char in json.dumps(value, ensure_ascii=False))

    def _typed(self, value: Value) -> str:
        match value:
            case None:
                return self.random.choice(("null", "~"))
            case bool() | int():
                return str(value).lower()
            case float():
                return ".inf" if value == float("inf") else repr(value)
            case Timestamp():
                return value.text
            case _:
                return "!!binary //4="

    @staticmethod
    def _escaped(char: str) -> str:
        if char == "\U0001f600":
            return "\\U0001F600"
        return char if char.isprintable() and char != "\ufeff" else f"\\u{ord(char):04x}"

    def _flow(self, value: Node) -> str:
        if isinstance(value, Scalar):
            return self._inline(value, flow=True)
        gap = self.random.choice((" ", "", "  "))
        parts = []
        for item in value.items:
            if isinstance(item, Entry):
                parts.append(f"{self._inline(item.key, key=True, flow=True)}: {self._flow(item.value)}")
            elif not isinstance(item, Comment):
                parts.append(self._flow(item))
        opening, closing = "{}" if isinstance(value, Mapping) else "[]"
        comma = self.random.choice((", ", ",\n   ")) if not self.comments else ", "
        return opening + gap + comma.join(parts) + gap + closing


class Editor:
    """Makes a new tree from an old one, as operations do: unchanged nodes are shared."""

    def __init__(self, random: Random, rate: float) -> None:
        self.random = random
        self.rate = rate

    def mapping(self, old: Mapping) -> Mapping:
        """Return a mapping with some entries changed, removed or added, or the very same one."""
        items: list[Entry | Comment] = []
        keys: set[object] = {entry.key.value for entry in old.entries()}
        for item in old.items:
            items += self._new_entries(keys)
            if self.random.random() < self.rate / 3:
                continue
            if isinstance(item, Comment):
                items.append(self._comment(item))
                continue
            value = self._node(item.value)
            items.append(item if value is item.value else Entry(item.key, value))
        items += self._new_entries(keys)
        same = len(items) == len(old.items) and all(map(lambda a, b: a is b, items, old.items))
        return old if same else Mapping(items)

    def _new_entries(self, keys: set[object]) -> list[Entry | Comment]:
        if self.random.random() > self.rate / 4:
            return []
        key = f"new{len(keys)}" + self.random.choice(("", " x", ": y"))
        if key in keys:
            return []
        keys.add(key)
        lead: list[Entry | Comment] = [Comment(" new")] if self.random.random() < 0.2 else []
        return [*lead, Entry(Scalar(key), node(self.random, 2))]

    def _comment(self, old: Comment) -> Comment:
        return Comment(self.random.choice(COMMENTS), old.inline) if self.random.random() < self.rate else old

    def _node(self, old: Node) -> Node:
        if self.random.random() < self.rate / 2:
            return node(self.random, 2)
        if isinstance(old, Mapping):
            return self.mapping(old)
        if isinstance(old, Sequence):
            return self._sequence(old)
        return scalar(self.random) if self.random.random() < self.rate else old

    def _sequence(self, old: Sequence) -> Sequence:
        items: list[Node | Comment] = []
        for item in old.items:
            if self.random.random() < self.rate / 4:
                items.append(node(self.random, 1))
            if self.random.random() < self.rate / 3:
                continue
            if isinstance(item, Comment):
                items.append(self._comment(item))
            else:
                items.append(self._node(item))
        same = len(items) == len(old.items) and all(map(lambda a, b: a is b, items, old.items))
        return old if same else Sequence(items)


def without_comments(node: Node) -> Node:
    """Return the tree with its comments left out and every float that reads as an int turned into one."""
    if isinstance(node, Mapping):
        return Mapping([Entry(entry.key, without_comments(entry.value)) for entry in node.entries()])
    if isinstance(node, Sequence):
        return Sequence([without_comments(item) for item in node.items if not isinstance(item, Comment)])
    if (
        isinstance(node.value, float)
        and node.value.is_integer()
        and abs(node.value) < 1e6
        and str(node.value) != "-0.0"
    ):
        return Scalar(int(node.value))
    return node


def comment_texts(node: Node) -> list[str]:
    """Return the texts of all comments, sorted."""
    found: list[str] = []
    for item in [] if isinstance(node, Scalar) else node.items:
        if isinstance(item, Comment):
            found.append(item.text)
        else:
            found += comment_texts(item.value if isinstance(item, Entry) else item)
    return sorted(found)
