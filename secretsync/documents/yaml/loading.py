"""Reading YAML as sops reads it, into a tree that knows where each node stands in the text.

libyaml parses; this module decodes the bytes, drives the events and turns every failure into an error with a place.
It reads nothing lazily and keeps nothing: one call, one `Source`. Writing is `yaml_write`'s.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NoReturn

from secretsync.documents.tree import Comment, Limits, Mapping, Scalar, Source, Span
from secretsync.documents.yaml.libyaml import CParser, MarkedYAMLError, YAMLError
from secretsync.documents.yaml.tree_builder import TreeBuilder
from secretsync.errors import LimitError, ParseError
from secretsync.late import LateModule

if TYPE_CHECKING:
    from yaml.error import Mark

    import secretsync.documents.conflicts as conflicts
    from secretsync.documents.yaml.comments import placing
else:
    conflicts = LateModule("secretsync.documents.conflicts")  # most files parse
    placing = LateModule("secretsync.documents.yaml.comments.placing")  # most files have no comment

BOMS: Final = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
# Patterns stay text until `re` compiles and keeps them at first use.
_FORBIDDEN: Final = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_POSSIBLE_COMMENT: Final = r"(?<![^\s\"'\[\]{},?:|>+\-0-9\ufeff])#"


def load(data: bytes, *, limits: Limits = Limits(), comments: bool = True) -> Source:
    """Read a YAML stream: UTF-8, or UTF-16 with byte order mark.

    Empty input holds no document. A null document is an empty mapping. Aliases are expanded to copies that share their
    content and carry the place of the alias; `<<` is a key like any other. Spans are those `tree.Span` describes.
    Without `comments` they stay in the text and out of the tree, for callers to whom they cannot matter.

    Raises:
        LimitError: the input is larger, deeper or longer than `limits`.
        DuplicateKeyError: a mapping of any document holds a key twice.
        ParseError: no YAML, an unknown anchor, a bad tag, a root that is no mapping, or only comments.
    """
    if len(data) > limits.size:
        raise LimitError(f"larger than {limits.size} bytes")
    text, encoding, bom = _decode(data)
    builder = TreeBuilder(text, limits)
    _drive(builder)
    if data and not builder.roots:
        raise ParseError("holds no document, only comments or blank lines")
    homeless = _place_comments(builder) if comments else [[] for _ in builder.roots]
    documents = [_root(builder, number, own) for number, own in enumerate(homeless)]
    return Source("yaml", text, documents, builder.spans, encoding, bom)


def _decode(data: bytes) -> tuple[str, str, bool]:
    """Return text, encoding and whether there was a byte order mark."""
    mark, encoding = next((known for known in BOMS if data.startswith(known[0])), (b"", "utf-8"))
    try:
        return data[len(mark) :].decode(encoding), encoding, bool(mark)
    except UnicodeDecodeError as error:
        offset = len(mark) + error.start
        line = data[:offset].decode(encoding, "replace").count("\n") + 1
        raise ParseError(f"not valid {encoding.upper()} at byte {offset}", location=f"line {line}") from None


def _drive(builder: TreeBuilder) -> None:
    """Feed all events to the builder."""
    handlers = builder.handlers()
    try:
        parser = CParser(builder.text)
        next_event = parser.get_event
        while (event := next_event()) is not None:
            handlers[type(event)](event)
    except MarkedYAMLError as error:
        _refuse_syntax(builder, error)
    except YAMLError:
        _refuse_character(builder)


def _refuse_character(builder: TreeBuilder) -> NoReturn:
    match = re.search(_FORBIDDEN, builder.text)
    if match is None:
        raise ParseError("not valid YAML: a character is not allowed") from None
    line = builder.line(match.start())
    raise ParseError(f"control character U+{ord(match[0]):04X} is not allowed", location=f"line {line}") from None


def _refuse_syntax(builder: TreeBuilder, error: MarkedYAMLError) -> NoReturn:
    conflict = conflicts.named(builder.text)
    if conflict is not None:
        raise conflict from None
    problem = error.problem or "not valid YAML"
    mark: Mark | None = error.problem_mark or error.context_mark
    location = builder.place(mark.index) if mark else None
    if "nesting depth" in problem:
        raise LimitError(f"nested deeper than {builder.limits.depth} levels", location=location) from None
    if mark and "cannot start any token" in problem and builder.text[mark.index] == "\t":
        raise ParseError("a tab where only spaces may indent", location=location) from None
    context = f"{error.context}: " if error.context else ""
    raise ParseError(f"{context}{problem}", location=location) from None


def _place_comments(builder: TreeBuilder) -> list[list[Comment]]:
    """Add the comments to the trees, and return those of each null document."""
    text = builder.text
    if "#" not in text or not re.search(_POSSIBLE_COMMENT, text):
        return [[] for _ in builder.roots]
    placer = placing.CommentPlacer(text, builder.roots, builder.aliases)
    try:
        return placer.place()
    except (LookupError, AssertionError):
        raise ParseError("a comment stands where sops would read the text in another way; move it") from None


def _root(builder: TreeBuilder, number: int, comments: list[Comment]) -> Mapping:
    """Return the document's mapping, made for a null document."""
    node = builder.roots[number]
    if isinstance(node, Mapping):
        return node
    if isinstance(node, Scalar) and node.value is None:
        return Mapping([*comments], node.span)
    kind = "value" if isinstance(node, Scalar) else "sequence"
    line = builder.line((node.alias or node.span or Span(0, 0)).start)
    raise ParseError(f"the document is a {kind}; it must be a mapping", location=f"#{number + 1} line {line}")
