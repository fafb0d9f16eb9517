"""Ciphertext that would leave as if it were the value: a leaf that is one `ENC[…]` of sops, as it stands or in base64.

The usual cause is a value file that nothing has decrypted. A text that only mentions `ENC[` is no such leaf.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from secretsync.documents.tree import Comment, Mapping, Node, Scalar
from secretsync.errors import CiphertextFormatError
from secretsync.rendering.objects import Seen, decoded, describe, metadata_text, objects_in
from secretsync.rendering.options import Allowed
from secretsync.secrecy import CIPHERTEXT

_OPENING: Final = f"{CIPHERTEXT}data:"
_TYPE: Final = ",type:"
_SHORTEST: Final = len(_OPENING) + len(_TYPE) + 1  # characters of ciphertext, the bracket included
_QUOTES: Final = ("'", '"')
_IN_BASE64: Final = ("RU5D", "VOQ1", "FTkN")
_HINT: Final = (
    "restore the file's sops block from Git, or decrypt the value file it was taken from (helm: --values "
    "secrets://FILE); where it is meant: --allow-ciphertext, in a hook's configuration allow_ciphertext: [{}]"
)


def is_ciphertext(text: str) -> bool:
    """Whether `text`, without blanks and one pair of quotes around it, is one value that sops has encrypted."""
    bare = text.strip()
    if bare[:1] in _QUOTES and bare[-1:] == bare[:1]:
        bare = bare[1:-1].strip()
    return bare.startswith(_OPENING) and bare.find("]") == len(bare) - 1 and _TYPE in bare


def refuse(document: Mapping, location: str, *, allowed: Allowed = False) -> None:
    """Refuse a document that holds ciphertext, unless `allowed` is true or lists the `NAMESPACE/KIND/NAME` of its object.

    Raises:
        CiphertextFormatError: placed at the leaf.
    """
    if allowed is True:
        return
    for seen in objects_in(document):
        refuse_own(seen, location, allowed=allowed)


def refuse_own(seen: Seen, location: str, *, allowed: Allowed = False) -> None:
    """Refuse as `refuse`, of a list what is not part of its items."""
    if allowed is True or not any(map(is_whole, _leaves(seen.node, is_list=seen.is_list))):
        return
    name = f"{metadata_text(seen.node, 'namespace')}/{seen.kind}/{metadata_text(seen.node, 'name')}"
    if allowed and name in allowed:
        return
    path = next(_paths(seen.node, "", is_list=seen.is_list))
    raise CiphertextFormatError(
        f"{describe(seen.node)}: the value is sops ciphertext still, and nothing decrypts it after this",
        location=" ".join(filter(None, (location, ".".join(filter(None, (seen.place, path)))))),
        hint=_HINT.format(name),
    )


def is_whole(leaf: Scalar) -> bool:
    """Whether a leaf is one value that sops has encrypted, as it stands or in base64."""
    text = leaf.value
    if type(text) is not str or len(text) < _SHORTEST:
        return False
    if CIPHERTEXT in text and is_ciphertext(text):
        return True
    bare = "".join(text.split())
    if not any(mark in bare for mark in _IN_BASE64):
        return False
    return is_ciphertext(decoded(bare).decode("utf-8", "replace"))


def _leaves(node: Mapping, *, is_list: bool) -> Iterator[Scalar]:
    """Yield the leaves of an object in no order that matters; items of a list are objects of their own."""
    waiting: list[Node] = [entry.value for entry in node.entries() if not (is_list and entry.key.value == "items")]
    while waiting:
        current = waiting.pop()
        if type(current) is Scalar:
            yield current
        elif type(current) is Mapping:
            waiting.extend(entry.value for entry in current.entries())
        else:
            waiting.extend(item for item in current.items if type(item) is not Comment)  # type: ignore[union-attr,misc]


def _paths(node: Node, path: str, *, is_list: bool = False) -> Iterator[str]:
    """Yield the path of each leaf of ciphertext."""
    if isinstance(node, Scalar):
        if is_whole(node):
            yield path
    elif isinstance(node, Mapping):
        for entry in node.entries():
            if not (is_list and entry.key.value == "items"):
                yield from _paths(entry.value, f"{path}.{entry.key.value!s}".lstrip("."))
    else:
        inner = [item for item in node.items if not isinstance(item, Comment)]
        for index, item in enumerate(inner):
            yield from _paths(item, f"{path}[{index}]")
