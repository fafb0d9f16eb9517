"""The walk over a tree that encryption and decryption share: paths, additional data, and which leaf is selected.

Additional data is every mapping key of the path, each followed by `:`; list positions are no part of it, and a
comment has its container's path (`:` at the root). Source: sops sops.go `walkBranch`, `walkSlice` at v3.13.3.
"""

from __future__ import annotations

from collections import deque

from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence
from secretsync.errors import LimitError, SecretsyncError, TreeError
from secretsync.sops.selectors import Selector


class Walk:
    """Builds a new tree from an old one, sharing every node that does not change.

    `closed` holds the additional data of the containers left last, the latest first.
    """

    def __init__(self, selector: Selector) -> None:
        self.selector = selector
        self.closed: deque[bytes] = deque(maxlen=8)
        self._path: list[str | int] = []
        self._document = 1

    def leaf(self, scalar: Scalar, aad: bytes, *, selected: bool) -> Scalar | Comment:
        """Return the new leaf; in a sequence it may turn out to be a comment."""
        raise NotImplementedError

    def comment(self, comment: Comment, aad: bytes, *, selected: bool) -> Comment | Scalar:
        """Return the new comment; in a sequence it may be stored as an element."""
        raise NotImplementedError

    def documents(self, documents: list[Mapping]) -> list[Mapping]:
        """Walk the documents in order.

        Raises:
            TreeError: a key that is no string.
            LimitError: nested too deeply.
        """
        result = []
        for self._document, root in enumerate(documents, 1):
            self._path.clear()
            self.closed.clear()
            try:
                result.append(self._mapping(root, b"", hit=False))
            except RecursionError:
                raise LimitError("nested too deeply", location=self.location()) from None
        return result

    def location(self, *more: object) -> str:
        """Return `#document tree.path` of the place the walk is at."""
        path = ""
        for part in (*self._path, *more):
            path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else str(part)
        return f"#{self._document} {path}".rstrip()

    def _mapping(self, node: Mapping, prefix: bytes, *, hit: bool) -> Mapping:
        selector = self.selector
        by_comment, encrypting = selector.by_comment, selector.encrypting
        items: list[Entry | Comment] = []
        active = changed = False
        for item in node.items:
            if isinstance(item, Comment):
                active, selected = self._covered(item.text, hit=hit, active=active)
                new = self._placed(item, prefix or b":", "#", selected=selected)
                items.append(new if isinstance(new, Comment) else Comment(str(new.value), item.inline))
                changed |= new is not item
                continue
            key = item.key.value
            if type(key) is not str:
                key = self._odd_key(item.key)
            inside = hit or (active if by_comment else selector.matches(key))
            aad = prefix + key.encode("utf-8", "surrogateescape") + b":"
            value = self._child(item.value, aad, key, inside=inside, selected=inside == encrypting)
            active = False
            if value is item.value:
                items.append(item)
            else:
                items.append(Entry(item.key, value))
                changed = True
        return Mapping(items, node.span, node.flow) if changed else node

    def _sequence(self, node: Sequence, aad: bytes, *, hit: bool) -> Sequence:
        selector = self.selector
        items: list[Node | Comment] = []
        active = changed = False
        for index, item in enumerate(node.items):
            new: Node | Comment
            if isinstance(item, Comment):
                active, selected = self._covered(item.text, hit=hit, active=active)
                new = self._placed(item, aad, index, selected=selected)
            else:
                inside = hit or (active and selector.by_comment)
                if isinstance(item, Scalar):
                    new = self._placed(item, aad, index, selected=inside == selector.encrypting)
                else:
                    new = self._child(item, aad, index, inside=inside, selected=False)
                if not isinstance(
                    new, Comment
                ):  # an encrypted comment stored as an element covers, and is no item (#2281)
                    active = False
            items.append(new)
            changed |= new is not item
        return Sequence(items, node.span, node.flow) if changed else node

    def _child(self, node: Node, aad: bytes, step: str | int, *, inside: bool, selected: bool) -> Node:
        if isinstance(node, Scalar):
            new = self._placed(node, aad, step, selected=selected)
            return (
                Scalar(new.text) if isinstance(new, Comment) else new
            )  # a map value labelled comment; the MAC refuses it
        self._path.append(step)
        result: Node
        if isinstance(node, Mapping):
            result = self._mapping(node, aad, hit=inside)
        else:
            result = self._sequence(node, aad, hit=inside)
        self._path.pop()
        self.closed.appendleft(aad)
        return result

    def _placed(self, item: Scalar | Comment, aad: bytes, step: str | int, *, selected: bool) -> Scalar | Comment:
        try:
            return (
                self.comment(item, aad, selected=selected)
                if isinstance(item, Comment)
                else self.leaf(item, aad, selected=selected)
            )
        except SecretsyncError as error:
            raise error.at(self.location(step)) from None

    def _covered(self, text: str, *, hit: bool, active: bool) -> tuple[bool, bool]:
        """Return (whether an active comment now matches, whether this comment itself is selected).

        A comment that selects for encryption stays clear itself; one that selects for clear text stays clear too.
        """
        selector = self.selector
        if not selector.by_comment:
            return False, hit == selector.encrypting
        after = active or selector.matches(text)
        return after, (hit or active) if selector.encrypting else not (hit or after)

    def _odd_key(self, key: Scalar) -> str:
        if type(key.value) is bytes:  # a YAML key tagged !!binary
            return key.value.decode("utf-8", "surrogateescape")
        raise TreeError(
            f"the key {key.value!r} is not a string; only string keys are supported",
            location=self.location(),
            hint="quote the key",
        )
