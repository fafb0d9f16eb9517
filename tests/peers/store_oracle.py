"""How sops' own YAML store reads a text: a client of the Go program in `oracle/`, one process for many texts."""

from __future__ import annotations

import json
import math
import struct
import subprocess
from typing import TYPE_CHECKING, Any, Self

from secretsync.documents.tree import Comment, Mapping, Node, Scalar, Sequence, Timestamp
from tests.peers.processes import clean_environment

if TYPE_CHECKING:
    from pathlib import Path


class StoreOracle:
    """A running oracle; use it in a `with` block."""

    def __init__(self, binary: Path) -> None:
        self._binary = binary

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [self._binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment()
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=10)

    def read(self, text: bytes) -> dict[str, Any]:
        """Return `{"documents": […]}` in the form of `shown`, or `{"error": …}` where sops refuses."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(b"%d\n%b" % (len(text), text))
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


def shown(documents: list[Mapping]) -> dict[str, Any]:
    """Return a tree of ours in the oracle's form: types, values, order and comments, without places."""
    return {"documents": [_shown(document) for document in documents]}


def _shown(node: Node | Comment) -> Any:
    match node:
        case Comment():
            return {"type": "comment", "text": node.text, "inline": node.inline}
        case Mapping():
            items = [
                _shown(item) if isinstance(item, Comment) else [_shown(item.key), _shown(item.value)]
                for item in node.items
            ]
            return {"type": "map", "items": items}
        case Sequence():
            return {"type": "list", "items": [_shown(item) for item in node.items]}
        case Scalar():
            kind, text = _leaf(node.value)
            return {"type": kind, "text": text}


def _leaf(value: object) -> tuple[str, str]:
    match value:
        case None:
            return "null", ""
        case bool():
            return "bool", "true" if value else "false"
        case int():
            return "int", str(value)
        case float():
            return "float", "nan" if math.isnan(value) else f"{struct.unpack('>Q', struct.pack('>d', value))[0]:x}"
        case Timestamp():
            return "time", value.text
        case bytes():
            return "bytes", value.hex()
        case _:
            return "str", str(value)
