"""The YAML store: loading, fresh emission and rewriting, each in a module of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secretsync.documents.tree import Limits, Mapping, Node, Scalar, Source
from secretsync.late import LateModule

if TYPE_CHECKING:
    from secretsync.documents.yaml import emitting, loading
    from secretsync.documents.yaml.rewriting import stream
else:
    emitting = LateModule("secretsync.documents.yaml.emitting")
    loading = LateModule("secretsync.documents.yaml.loading")
    stream = LateModule("secretsync.documents.yaml.rewriting.stream")

NAME: Final = "yaml"
COMMENTS: Final = True
SEVERAL_DOCUMENTS: Final = True
NESTED: Final = True
NULLS: Final = True
ONE_VALUE: Final = False
SKIPS_COMMENTS: Final = True
CONFIG_NAME: Final = "yaml"
CONFIG_FIELDS: Final = ("indent",)
MAC_MARK: Final = b"mac: ENC["
EXAMPLE: Final = (
    b"# Replace this example with your values; they are encrypted when you leave the editor.\nexample: value\n"
)
_DEFAULT_LIMITS: Final = Limits()


def load(data: bytes, *, limits: Limits = _DEFAULT_LIMITS, encrypted: bool = False) -> Source:  # noqa: ARG001  # the Protocol's parameter
    """Parse a YAML stream; plain and encrypted files have the same form. Raises: as `stores.Store.load`."""
    return loading.load(data, limits=limits)


def dump(documents: list[Mapping], *, indent: int | None = None, encrypted: bool = False) -> bytes:  # noqa: ARG001  # the Protocol's parameter
    """Write `documents` in sops' block style, `indent` 4 columns unless given (2 to 9)."""
    return emitting.dump(documents, indent=indent)


def rewrite(source: Source, documents: list[Mapping], *, encrypted: bool = False) -> bytes:  # noqa: ARG001  # the Protocol's parameter
    """Write `documents` over the text of `source`, splicing only what changed."""
    return stream.rewrite(source, documents)


def emit_value(node: Node) -> bytes:
    """Return a string as it is, anything else as YAML with a final newline (sops decrypt --extract at v3.13.3)."""
    if isinstance(node, Scalar):
        if isinstance(node.value, str):
            return node.value.encode()
        if isinstance(node.value, bytes):
            return node.value
    return emitting.emit_node(node)


def is_reserved(document: Mapping) -> bool:
    """Whether `document` has a top-level `sops` entry."""
    return document.get("sops") is not None


def is_marked(data: bytes, *, mentioned: bool) -> bool:  # noqa: ARG001  # the Protocol's parameter
    """Whether it is mentioned: the block has no form of its own."""
    return mentioned


def carries_mac(data: bytes) -> bool:
    """Whether a line holds `mac`, quoted or not, with ciphertext for its value."""
    return any(_is_mac(line) for line in data.split(b"\n"))


def _is_mac(line: bytes) -> bool:
    name, colon, value = line.lstrip(b" \t").partition(b":")
    return bool(colon) and name in {b"mac", b'"mac"'} and value.lstrip(b" \t").startswith(_MAC_VALUES)


_MAC_VALUES: Final = (b"ENC[", b'"ENC[', b"'ENC[")
