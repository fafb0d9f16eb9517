"""Numbers and tagged values that do not come back as they are written: sops keeps a number and not its text.

`01234` is octal to YAML, `4.20` comes back as `4.2`, more than 64 bits are rounded, and a tag of one's own is dropped.
Source: sops sops.go `ToBytes` at v3.13.3.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from secretsync.audit.reading import leaves
from secretsync.audit.structure import Shape
from secretsync.documents.tree import Node, Scalar, Source
from secretsync.errors import SecretsyncError, ValueFormatError
from secretsync.sops.selectors import Selector
from secretsync.sops.values import canonical

_TAGGED: Final = "yaml"
"""The store whose values may have tags; in the others a value may begin with `!`."""
_BEFORE_JSON: Final = '{"value": '
"""What `operations.json_value` puts before a value, so that spans count from there."""


def warnings(source: Source, selector: Selector) -> Iterator[str]:
    """Yield a warning for each value that encryption would change; what stays in the clear keeps its text."""
    for number, document in enumerate(source.documents, 1):
        try:
            picked = Shape.of(document, selector).clear
        except SecretsyncError:
            return  # who encrypts the file says it better
        for place, change in _changes(source.text, picked, tagged=source.store == _TAGGED):
            yield f"#{number} {place}: {change}: quote it, if it is no number"


def refuse(text: str, node: Node) -> None:
    """Refuse a value for `set`, `node` as read from the JSON `text`, with a number that would become another text.

    Raises:
        ValueFormatError: the first such number, by its place in the value.
    """
    for place, change in _changes(_BEFORE_JSON + text, leaves(node), tagged=False):
        raise ValueFormatError(change, location=place or None, hint="quote it, to keep it as text: '\"…\"'")


def _changes(text: str, found: Iterable[tuple[str, Scalar]], *, tagged: bool) -> Iterator[tuple[str, str]]:
    for place, scalar in found:
        if scalar.span is None or scalar.alias:
            continue
        words = text[scalar.span.start : scalar.span.end].split()
        tags = [word for word in words[:2] if word.startswith("!") and not word.startswith("!!")]
        if tagged and tags and words[0][0] in "!&" and len(tags[0]) > 1:
            yield place, "the tag is lost when the value is encrypted"
        elif words and type(scalar.value) in {int, float} and not _is_same(scalar, words[-1]):
            yield place, "the number does not come back from sops as it is written"


def _is_same(scalar: Scalar, written: str) -> bool:
    try:
        return canonical(scalar.value) == written.encode()
    except SecretsyncError:
        return False
