"""Fresh YAML in sops' own block style: what `sops` reads back to the same tree, comments where it puts them.

Columns follow go-yaml: each level goes to the next multiple of the indent, a sequence item two columns beyond its
dash. Source: go.yaml.in/yaml/v3 emitterc.go (yaml_emitter_increase_indent) at v3.0.5, sops stores/yaml at v3.13.3.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence
from secretsync.documents.yaml import scalar_text
from secretsync.documents.yaml.places import is_mergeable, next_column
from secretsync.errors import TreeError

_LONGEST_KEY: Final = 128  # bytes; Source: go-yaml yaml_emitter_check_simple_key


def dump(documents: list[Mapping], *, indent: int | None = None) -> bytes:
    """Return `documents` as UTF-8 YAML, `---` between them, a final newline at the end.

    `indent` is 4 unless given; 2 to 9 are taken as they are, 0 means the default, anything else becomes 2 as in
    go-yaml. Raises: TreeError for a negative indent or a string with an unpaired surrogate.
    """
    return scalar_text.encoded("---\n".join(document_text(document, indent=indent) for document in documents))


def document_text(document: Mapping, *, indent: int | None = None, literals: Literals | None = None) -> str:
    """Return one document as text, without markers, with a final newline."""
    emitter = Emitter(step(indent), literals=literals or Literals.ALL)
    if not any(type(item) is Entry for item in document.items):
        emitter.comments([item for item in document.items if type(item) is Comment], 0)
        emitter.parts.append("\n{}" if emitter.parts else "{}")
    else:
        emitter.mapping(document, 0, lead="")
    return "".join(emitter.parts).removeprefix("\n") + "\n"


def emit_node(node: Node) -> bytes:
    """Return one value on its own, with a final newline, as `sops decrypt --extract` prints it."""
    if isinstance(node, Mapping):
        return dump([node])
    emitter = Emitter(scalar_text.DEFAULT_INDENT)
    emitter.value(node, column=0, parent=-1, lead="")
    return scalar_text.encoded("".join(emitter.parts).strip("\n") + "\n")


def step(indent: int | None) -> int:
    """Return the columns of one level for an `--indent` as sops takes it. Raises: TreeError if negative."""
    if indent is None or indent == 0:
        return scalar_text.DEFAULT_INDENT
    if indent < 0:
        raise TreeError("a YAML indent cannot be negative")
    return indent if 2 <= indent <= 9 else 2  # go-yaml's best_indent


class Literals(Enum):
    """Which strings with lines become literal blocks; the others are double-quoted."""

    ALL = auto()
    # Between existing lines: `|+` would take the blank lines that follow into its value.
    WITHOUT_BLANK_LINES = auto()
    # Above a comment that is indented like the block: the block would take it.
    NONE = auto()


class Emitter:
    """Collects the parts of one block; every line starts with its line break, the caller adds the last one."""

    __slots__ = ("literals", "newline", "parts", "step")

    def __init__(self, step: int, newline: str = "\n", literals: Literals = Literals.ALL) -> None:
        self.step = step
        self.newline = newline
        self.literals = literals
        self.parts: list[str] = []

    def comments(self, comments: list[Comment], column: int) -> None:
        """Write each comment on lines of its own."""
        pad = self.newline + " " * column
        for comment in comments:
            self.parts.extend(pad + line for line in scalar_text.comment_lines(comment.text))

    def mapping(self, mapping: Mapping, column: int, *, lead: str | None = None) -> None:
        """Write the items of a mapping that has entries; `lead` stands in front of the first entry (`- ` done)."""
        waiting: list[Comment] = []
        pad = self.newline + " " * column
        for item in mapping.items:
            if type(item) is Comment:
                waiting.append(item)
                continue
            assert type(item) is Entry
            inline = self._waiting(waiting, column)
            waiting = []
            first = lead is not None and not self.parts
            self.parts.append(pad if not first else "")
            self.entry(item, column, inline)
        self.comments(waiting, column)

    def sequence(self, sequence: Sequence, column: int) -> None:
        """Write the items of a sequence that has elements, each dash at `column`."""
        waiting: list[Comment] = []
        for item in sequence.items:
            if isinstance(item, Comment):
                waiting.append(item)
                continue
            inline = self._waiting(waiting, column)
            waiting = []
            self.element(item, column, inline, lead=self.newline + " " * column)
        self.comments(waiting, column)

    def _waiting(self, waiting: list[Comment], column: int) -> Comment | None:
        """Write the comments above an item; return the last one if it belongs on the item's own line."""
        if not waiting:
            return None
        inline = waiting.pop() if waiting[-1].inline and len(scalar_text.comment_lines(waiting[-1].text)) == 1 else None
        self.comments(waiting, column)
        return inline

    def entry(self, entry: Entry, column: int, inline: Comment | None = None) -> None:
        """Write key, colon and value; the cursor stands at `column`."""
        key = self.key_text(entry)
        if len(key) <= _LONGEST_KEY and "\n" not in key:
            self.parts.append(key + ":")
        else:
            self.parts.append("? " + key + self.newline + " " * column + ":")
        self.value(entry.value, column=next_column(column, self.step), parent=column, inline=inline)

    @staticmethod
    def key_text(entry: Entry, *, flow: bool = False) -> str:
        """Return the key of `entry`; a merge key that carries mappings stays one, as in sops."""
        if entry.key.value == "<<" and entry.key.style == "" and is_mergeable(entry.value):
            return "!!merge <<"
        return scalar_text.scalar(entry.key.value, flow=flow)

    def element(self, item: Node, column: int, inline: Comment | None, *, lead: str) -> None:
        """Write one sequence item behind its dash at `column`."""
        if _is_empty(item) or isinstance(item, Scalar):
            self.parts.append(lead + "-")
            self.value(item, column=column + 2, parent=column, inline=inline)
            return
        if inline:
            self.comments([inline], column)
        self.parts.append(lead + "- " + self.behind_dash(item, column + 2))

    def behind_dash(self, node: Node, column: int) -> str:
        """Return a collection that holds values and whose first line continues a line at `column`.

        sops puts the comments that come first above the dash, where they become the outer sequence's when read; behind
        the dash they stay what they were.
        """
        nested = Emitter(self.step, self.newline, self.literals)
        if isinstance(node, Mapping):
            nested.mapping(node, column)
        elif isinstance(node, Sequence):
            nested.sequence(node, column)
        return "".join(nested.parts).removeprefix(self.newline + " " * column)

    def value(self, node: Node, *, column: int, parent: int, inline: Comment | None = None, lead: str = " ") -> None:
        """Write a value behind `key:` or `-`: on the same line, or as a block whose lines start at `column`."""
        behind = " " + scalar_text.comment_lines(inline.text)[0] if inline else ""
        if isinstance(node, Scalar):
            text = node.value
            if type(text) is str and "\n" in text and self._is_literal(text):
                header, body = scalar_text.literal(text, parent=max(parent, 0), indent=column, newline=self.newline)
                self.parts += (lead, header, behind, body)
            else:
                self.parts += (lead, scalar_text.scalar(text), behind)
        elif _is_empty(node):
            self._empty(node, column, parent, lead, behind)
        elif isinstance(node, Mapping):
            self.parts.append(behind)
            self.mapping(node, column)
        else:
            self.parts.append(behind)
            self.sequence(node, column)

    def _is_literal(self, text: str) -> bool:
        if self.literals is Literals.ALL:
            return scalar_text.fits_literal(text)
        return self.literals is not Literals.NONE and not text.endswith("\n\n") and scalar_text.fits_literal(text)

    def _empty(self, node: Mapping | Sequence, column: int, parent: int, lead: str, behind: str) -> None:
        """Write `{}` or `[]` with its comments: one behind it on its line, several between the brackets, as sops does."""
        opening, closing = "{}" if isinstance(node, Mapping) else "[]"
        inside = [item for item in node.items if isinstance(item, Comment)]
        lines = [line for comment in inside for line in scalar_text.comment_lines(comment.text)]
        if len(lines) == 1 and not behind:
            self.parts.append(f"{lead}{opening}{closing} {lines[0]}")
            return
        self.parts.append(lead + opening)
        if inside:
            self.comments(inside, column)
            self.parts.append(self.newline + " " * (max(parent, 0) + 1))
        self.parts.append(closing + behind)


def flow_text(node: Node, newline: str = "\n") -> str:
    """Return a value in flow style: on one line, or with a line for each member of a collection that holds comments."""
    if isinstance(node, Scalar):
        return scalar_text.scalar(node.value, flow=True)
    opening, closing = "{}" if isinstance(node, Mapping) else "[]"
    members: list[str] = []
    commented = any(type(item) is Comment for item in node.items)
    for item in node.items:
        if isinstance(item, Comment):
            members += (newline + " " + line for line in scalar_text.comment_lines(item.text))
            continue
        if isinstance(item, Entry):
            text = f"{Emitter.key_text(item, flow=True)}: {flow_text(item.value, newline)}"
        else:
            text = flow_text(item, newline)
        members.append(newline + " " + text + "," if commented else text)
    if commented:
        return opening + "".join(members) + newline + " " + closing
    return opening + ", ".join(members) + closing


def _is_empty(node: Node) -> bool:
    return not isinstance(node, Scalar) and all(type(item) is Comment for item in node.items)
