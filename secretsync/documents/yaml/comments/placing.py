"""Comments as items of the tree, where sops has them: the container's path is part of what authenticates a comment.

go-yaml hangs comments on nodes, sops' YAML store then makes them items of mappings and sequences. Sources: decode.go
(parser) of go.yaml.in/yaml/v3 at v3.0.4, stores/yaml/store.go of sops at v3.13.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence, Span
from secretsync.documents.yaml import breaks
from secretsync.documents.yaml.comments.cursor import CLOSE, DOCUMENT_BEGIN, DOCUMENT_FINISH, LEAF, CommentedEvent
from secretsync.documents.yaml.comments.parser import CommentParser
from secretsync.documents.yaml.comments.scanner import TokenQueue
from secretsync.documents.yaml.comments.token_kinds import written_tokens
from secretsync.documents.yaml.libyaml import CParser

if TYPE_CHECKING:
    from secretsync.documents.yaml.comments.lines import Lines


class _Marked:
    """A node with the comments that go-yaml hangs on it."""

    __slots__ = ("foot", "head", "line", "node")

    def __init__(self, node: Node | None, noted: CommentedEvent) -> None:
        self.node = node
        self.head = noted.head
        self.line = noted.line
        self.foot = noted.foot

    def has_comments(self) -> bool:
        return bool(self.head or self.line or self.foot)


_NOTHING: Final = CommentedEvent(CLOSE, [], [], [])
_PLAIN: Final = _Marked(None, _NOTHING)


class _Open:
    """A collection whose children are being read."""

    __slots__ = ("children", "items", "marked", "position")

    def __init__(self, marked: _Marked, items: list[Entry | Comment] | list[Node | Comment]) -> None:
        self.marked = marked
        self.items = items
        self.position = 0
        self.children: list[_Marked] = []


class CommentPlacer:
    """Puts the comments of a stream into the items of its trees, which must be as `events` built them.

    `aliases` maps the id of each copy made for an alias to the node it copies.
    """

    def __init__(self, text: str, roots: list[Node], aliases: dict[int, Node]) -> None:
        self._text = text
        self._roots = roots
        self._aliases = aliases
        self._marks: dict[int, tuple[_Marked, list[Entry | Comment] | list[Node | Comment]]] = {}
        self._stack: list[_Open] = []
        self._begin = _NOTHING
        self._root: _Marked | None = None  # of the document that is open
        self._homeless: list[list[Comment]] = []

    def place(self) -> list[list[Comment]]:
        """Add the comments, and return those of each null document, which has no mapping to hold them.

        Raises:
            LookupError: go-yaml would see other nodes than libyaml.
        """
        parser = CParser(self._text)
        queue = TokenQueue(self._text, written_tokens(iter(parser.get_token, None)), breaks.line_starts(self._text))
        for noted in CommentParser(queue).run(to_the_end=bool(self._aliases)):
            if noted.kind == DOCUMENT_BEGIN:
                self._begin, self._root = noted, _Marked(None, _NOTHING)
            elif noted.kind == DOCUMENT_FINISH:
                self._finish(noted)
            elif noted.kind == CLOSE:
                self._close(noted)
            else:
                self._add(noted)
        self._leave_the_rest()
        return self._homeless

    def _leave_the_rest(self) -> None:
        """Finish what is still open when no more comments follow."""
        while self._stack:
            self._close(_NOTHING)
        if self._root is not None:
            self._finish(_NOTHING)
        self._homeless += [[] for _ in self._roots[len(self._homeless) :]]

    # --- go-yaml: comments on nodes ---------------------------------------------------------------------------------

    def _add(self, noted: CommentedEvent) -> None:
        node = self._child(self._stack[-1]) if self._stack else self._roots[len(self._homeless)]
        marked = _Marked(node, noted)
        if not self._stack:
            self._root = marked
        is_leaf = isinstance(node, Scalar) or node.alias is not None
        if is_leaf != (noted.kind == LEAF):
            raise LookupError("another kind of node")
        if isinstance(node, Scalar) or is_leaf:
            self._adopt(marked)
        else:
            self._stack.append(_Open(marked, node.items))

    @staticmethod
    def _child(parent: _Open) -> Node:
        """Return the next child in the order of events: a key, its value, the next key."""
        position = parent.position
        parent.position += 1
        item = parent.items[position if isinstance(parent.marked.node, Sequence) else position // 2]
        if isinstance(item, Entry):
            return item.value if position % 2 else item.key
        assert not isinstance(item, Comment)  # none has been added yet
        return item

    def _adopt(self, child: _Marked) -> None:
        """Hand a finished node to its parent, where feet of keys and values move up."""
        if not self._stack:
            return
        parent = self._stack[-1]
        siblings = parent.children
        siblings.append(child)
        if not isinstance(parent.marked.node, Mapping):
            return
        if len(siblings) % 2:
            if child.foot and not parent.marked.node.flow and len(siblings) > 1:
                siblings[-3].foot, child.foot = child.foot, []
        elif child.foot and not siblings[-2].foot:
            siblings[-2].foot, child.foot = child.foot, []

    def _close(self, noted: CommentedEvent) -> None:
        opened = self._stack.pop()
        marked = opened.marked
        node = marked.node
        marked.line, marked.foot = noted.line, noted.foot
        if isinstance(node, Mapping):
            if marked.foot and opened.children and not node.flow:
                opened.children[-2].foot, marked.foot = marked.foot, []
            node.items = self._mapping_items(node, opened.children)
        elif isinstance(node, Sequence):
            node.items = self._sequence_items(node, opened.children)
        if isinstance(node, Mapping | Sequence):
            self._marks[id(node)] = (marked, node.items)
        self._adopt(marked)

    # --- sops: comments as items ------------------------------------------------------------------------------------

    def _mapping_items(self, node: Mapping, children: list[_Marked]) -> list[Entry | Comment]:
        items: list[Entry | Comment] = []
        for entry, key, value in zip(node.entries(), children[::2], [*children[1::2], _PLAIN], strict=False):
            if not (key.has_comments() or value.has_comments()):
                self._fill(entry.value)
                items.append(entry)
                continue
            items += self._comments(key.head)
            items += self._comments(key.line)
            in_parent = isinstance(entry.value, Scalar) or entry.value.alias is not None
            if in_parent:
                items += self._comments(value.head)
                items += self._comments(value.line, inline=True)
            self._fill(entry.value, handled=in_parent)
            items.append(entry)
            if in_parent:
                items += self._comments(value.foot)
            items += self._comments(key.foot)
        return [*items, *node.items[(len(children) + 1) // 2 :]]

    def _sequence_items(self, node: Sequence, children: list[_Marked]) -> list[Node | Comment]:
        items: list[Node | Comment] = []
        for child in children:
            items += self._comments(child.head)
            items += self._comments(child.line, inline=True)
            assert child.node is not None  # only a document has none
            self._fill(child.node, handled=True)
            items.append(child.node)
            items += self._comments(child.foot)
        return [*items, *node.items[len(children) :]]

    def _fill(self, node: Node, *, handled: bool = False) -> None:
        """Set a collection's items: with its own comments around, unless they are `handled` in its parent.

        A copy for an alias always has those of the node that it copies.
        """
        if isinstance(node, Scalar):
            return
        if node.alias is not None:
            node.items = self._surrounded(self._aliases[id(node)])
        elif not handled:
            node.items = self._surrounded(node)

    def _surrounded(self, node: Node) -> list:  # type: ignore[type-arg]  # of either kind of items
        assert not isinstance(node, Scalar)
        marked, items = self._marks.get(id(node), (_PLAIN, node.items))
        if not marked.has_comments():
            return items
        return [*self._comments(marked.head), *self._comments(marked.line), *items, *self._comments(marked.foot)]

    def _finish(self, noted: CommentedEvent) -> None:
        """Put the comments around a document into its root, or keep them apart if that is null."""
        root, marked = self._roots[len(self._homeless)], self._root or _PLAIN
        before = [*self._comments(self._begin.head), *self._comments(self._begin.line)]
        after = self._comments(noted.foot)
        around = [*self._comments(marked.head), *self._comments(marked.line)]
        self._homeless.append([*before, *around, *after] if isinstance(root, Scalar) else [])
        self._root = None
        if isinstance(root, Scalar):
            return
        if root.alias is None:
            root.items = [*before, *self._surrounded(root), *after]
        else:
            inside = self._surrounded(self._aliases[id(root)])
            root.items = [*before, *around, *inside, *self._comments(marked.foot), *after]

    def _comments(self, lines: Lines, *, inline: bool = False) -> list[Comment]:
        text = self._text
        return [Comment(text[line[0] + 1 : line[1]], inline, Span(*line)) for line in lines if line is not None]
