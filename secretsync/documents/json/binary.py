"""The binary store: raw bytes when plain, a JSON envelope `{"data": …, "sops": …}` when encrypted.

Source: sops stores/json BinaryStore at v3.13.3.
"""

from __future__ import annotations

from typing import Final

from secretsync.documents.json import store
from secretsync.documents.json.marks import carries_mac, is_object
from secretsync.documents.single import only_document
from secretsync.documents.tree import Entry, Limits, Mapping, Node, Scalar, Source
from secretsync.errors import LimitError, TreeError

__all__ = ["NAME", "carries_mac", "dump", "emit_value", "is_marked", "is_reserved", "load", "rewrite"]

NAME: Final = "binary"
COMMENTS: Final = False
SEVERAL_DOCUMENTS: Final = False
NESTED: Final = False
NULLS: Final = True
ONE_VALUE: Final = True
SKIPS_COMMENTS: Final = False
CONFIG_NAME: Final = "json_binary"
CONFIG_FIELDS: Final = ("indent",)
MAC_MARK: Final = b""
EXAMPLE: Final = b"Replace this example with your text.\n"
_DEFAULT_LIMITS: Final = Limits()


def load(data: bytes, *, limits: Limits = _DEFAULT_LIMITS, encrypted: bool = False) -> Source:
    """Wrap plain bytes as `data` (a str where they are UTF-8), or parse the envelope with `encrypted`.

    A plain source keeps no text, so that a large file stands in memory once. Raises: as the JSON store for an
    envelope; LimitError.
    """
    if encrypted:
        source = store.load(data, limits=limits)
        source.store = NAME
        return source
    if len(data) > limits.size:
        raise LimitError(f"larger than {limits.size} bytes")
    try:
        leaf = Scalar(data.decode())
    except UnicodeDecodeError:
        leaf = Scalar(data)
    return Source(NAME, "", [Mapping([Entry(Scalar("data"), leaf)])])


def dump(documents: list[Mapping], *, indent: int | None = None, encrypted: bool = False) -> bytes:
    """Return the raw `data`, or with `encrypted` the envelope, a TAB for each level unless `indent` says otherwise.

    Raises: TreeError for more than one document, or where `data` is missing or no string.
    """
    document = only_document(documents, NAME)
    if encrypted:
        return store.dump(documents, indent=indent)
    data = document.get("data")
    if not isinstance(data, Scalar) or not isinstance(data.value, str | bytes):
        raise TreeError(
            "the binary store needs a string under 'data'",
            hint="name the format: --output-type yaml, json, dotenv or ini",
        )
    return data.value if isinstance(data.value, bytes) else data.value.encode()


def rewrite(source: Source, documents: list[Mapping], *, encrypted: bool = False) -> bytes:
    """Splice an envelope into the old one; write anything else afresh."""
    if encrypted and source.text:
        return store.rewrite(source, documents)
    return dump(documents, encrypted=encrypted)


def emit_value(node: Node) -> bytes:  # noqa: ARG001  # the Protocol's parameter
    """Refuse, as sops does. Raises: TreeError always."""
    raise TreeError("binary files are not structured; there is nothing to extract")


def is_reserved(document: Mapping) -> bool:  # noqa: ARG001  # the Protocol's parameter
    """Return False: bytes are bytes."""
    return False


def is_marked(data: bytes, *, mentioned: bool) -> bool:
    """Whether it is mentioned, and begins as an object."""
    return mentioned and is_object(data)
