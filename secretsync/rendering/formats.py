"""The formats of rendered text: a record each, with what it takes to read and to write one.

YAML is what engines read, and the format of every text that no other claims; a stream is YAML as soon as one of its
files is. What one of the others needs is loaded with the first text of it.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

from secretsync.documents.tree import Limits, Source
from secretsync.documents.yaml import loading
from secretsync.rendering.objects import may_need_comments

Format: TypeAlias = Literal["yaml", "json"]
DEFAULT: Final[Format] = "yaml"


class FormatEntry(NamedTuple):
    """One format; functions are places, `package.module:name`."""

    suffixes: tuple[str, ...]
    """Of the files that are read in this format, the first for files that are written in it."""
    load: str
    """(data, limits, certain) -> Source, with the spans that `rewrite` needs; None for another format, unless certain."""
    rewrite: str
    """(source, documents) -> the text with new documents in the place of its own, every other byte kept."""
    dump: str
    """(documents) -> a text that is written afresh, of one or more documents."""
    opening: bytes = b""
    """What a text begins with, blanks aside, where no name tells the format; empty where that tells nothing."""
    documents: str = ""
    """(data) -> the documents as Kubernetes reads them; empty for YAML, which it takes apart at lines of `---`."""
    in_yaml: str = ""
    """(data) -> the same as it may stand among documents of YAML; empty for YAML."""

    @property
    def is_yaml(self) -> bool:
        """Whether Kubernetes takes a text apart by lines before it parses any of it."""
        return not self.documents


FORMATS: Final[dict[Format, FormatEntry]] = {
    "yaml": FormatEntry(
        suffixes=(".yaml", ".yml"),
        load="secretsync.rendering.formats:load_yaml",
        rewrite="secretsync.documents.yaml.rewriting.stream:rewrite",
        dump="secretsync.documents.yaml.emitting:dump",
    ),
    "json": FormatEntry(
        suffixes=(".json",),
        load="secretsync.rendering.json_text:load",
        rewrite="secretsync.documents.json.store:rewrite",
        dump="secretsync.rendering.json_text:dump",
        opening=b"{",
        documents="secretsync.rendering.json_text:documents",
        in_yaml="secretsync.rendering.json_text:in_yaml",
    ),
}


class Piece(NamedTuple):
    """One rendered file: its place below an output folder, its bytes and how many objects they hold."""

    relpath: str
    format: Format
    data: bytes
    objects: int


def format_of(name: str) -> Format:
    """Return the format that the name of a file tells."""
    return next((each for each, entry in FORMATS.items() if name.endswith(entry.suffixes)), DEFAULT)


def load_yaml(data: bytes, limits: Limits, *, certain: bool = True) -> Source:
    """Read a stream of documents. Raises: FormatError."""
    del certain
    return loading.load(data, limits=limits, comments=may_need_comments(data))
