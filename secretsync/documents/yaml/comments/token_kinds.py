"""The kinds of YAML tokens, under go-yaml's names, and libyaml's tokens as these kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from secretsync.documents.yaml.libyaml import tokens as yaml_tokens

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

STREAM_START, STREAM_END, DIRECTIVE, DOCUMENT_START, DOCUMENT_END = range(5)
BLOCK_SEQUENCE_START, BLOCK_MAPPING_START, BLOCK_END, BLOCK_ENTRY = range(5, 9)
FLOW_SEQUENCE_START, FLOW_MAPPING_START, FLOW_SEQUENCE_END, FLOW_MAPPING_END, FLOW_ENTRY = range(9, 14)
KEY, VALUE, ALIAS, ANCHOR, TAG, SCALAR = range(14, 20)

_KINDS: Final = {
    yaml_tokens.StreamStartToken: STREAM_START,
    yaml_tokens.StreamEndToken: STREAM_END,
    yaml_tokens.DirectiveToken: DIRECTIVE,
    yaml_tokens.DocumentStartToken: DOCUMENT_START,
    yaml_tokens.DocumentEndToken: DOCUMENT_END,
    yaml_tokens.BlockEntryToken: BLOCK_ENTRY,
    yaml_tokens.FlowSequenceStartToken: FLOW_SEQUENCE_START,
    yaml_tokens.FlowMappingStartToken: FLOW_MAPPING_START,
    yaml_tokens.FlowSequenceEndToken: FLOW_SEQUENCE_END,
    yaml_tokens.FlowMappingEndToken: FLOW_MAPPING_END,
    yaml_tokens.FlowEntryToken: FLOW_ENTRY,
    yaml_tokens.KeyToken: KEY,
    yaml_tokens.ValueToken: VALUE,
    yaml_tokens.AliasToken: ALIAS,
    yaml_tokens.AnchorToken: ANCHOR,
    yaml_tokens.TagToken: TAG,
    yaml_tokens.ScalarToken: SCALAR,
}


class Written:
    """A token as it stands in the text; `style` is a scalar's, "p" for plain."""

    __slots__ = ("end", "kind", "start", "style")

    def __init__(self, kind: int, start: int, end: int, style: str) -> None:
        self.kind = kind
        self.start = start
        self.end = end
        self.style = style


def written_tokens(tokens: Iterable[Any]) -> Iterator[Written]:
    """Yield the tokens that stand in the text, without those that libyaml infers from indentation."""
    for token in tokens:
        kind = _KINDS.get(type(token))
        start, end = token.start_mark.index, token.end_mark.index
        if kind is None or (kind == KEY and start == end):
            continue
        yield Written(kind, start, end, (token.style or "p") if kind == SCALAR else "")
