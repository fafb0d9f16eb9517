"""How dotenv and INI write a value that is no string, as sops' ValToString does (stores/stores.go at v3.13.3)."""

from __future__ import annotations

import math

from secretsync.documents import go_float
from secretsync.documents.tree import Scalar, Timestamp, integer_text


def text_of(node: Scalar) -> str:
    """Return a leaf as text: null is `<nil>`, a whole float gets `.0`, a time loses its fraction; bytes keep theirs.

    Bytes that are not UTF-8 are carried as surrogates, for `encode("utf-8", "surrogateescape")`.
    """
    value = node.value
    if isinstance(value, str):
        return value
    if value is None:
        return "<nil>"
    if isinstance(value, int):
        return integer_text(value)
    if isinstance(value, float):
        return float_text(value)
    if isinstance(value, Timestamp):
        head, dot, tail = value.text.partition(".")
        return head + tail.lstrip("0123456789") if dot else head
    return value.decode("utf-8", "surrogateescape")


def float_text(value: float) -> str:
    """Return a float in Go's `%G` with the `.0` that sops adds where the result would read as an int."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0.0" if math.copysign(1, value) < 0 else "0.0"
    text = go_float.general(value, letter="E")
    return text if "." in text or "E" in text else text + ".0"
