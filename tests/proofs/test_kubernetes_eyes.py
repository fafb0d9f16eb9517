"""The objects that Kubernetes' own readers see are those that were judged, over streams that nobody should write.

Each stream is made by a seeded grammar. It is rendered under rules that let everything out: what any reader of kubectl,
Flux or Argo CD sees of what leaves must be among what was judged, and all of it must be seen by those that read on to
the end; or rendering refuses.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import pytest

from secretsync.documents.tree import Limits, Mapping, Scalar
from secretsync.documents.yaml.loading import load
from secretsync.errors import SecretsyncError
from secretsync.rendering import Input, Options, render
from secretsync.rendering.objects import holds_nothing, kind_of, metadata_text, objects_in
from secretsync.rendering.options import Outputs
from tests.peers.kubernetes_readers import NAMES, KubernetesReaders
from tests.proofs import size
from tests.proofs.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

EVERYTHING = Outputs(kinds=frozenset({"", *Streams.KINDS, *(kind.removesuffix("List") for kind in Streams.KINDS)}))
SEED = 20261127
PASS_OVER = ("flux", "documents")
"""Readers that do not see all: Flux takes one level of lists apart and needs names; the other drops a document before a last separator without a line end."""


@pytest.fixture(scope="module")
def readers(peer: Callable[[str], Path]) -> Iterator[KubernetesReaders]:
    with KubernetesReaders([peer(name) for name in NAMES]) as running:
        yield running


class Judged(NamedTuple):
    """What names objects: kind, namespace and name.

    `own` are those that every reader must see; `lists` stand around items, or are Kubernetes' own without any.
    """

    objects: Counter[tuple[str, str, str]]
    own: Counter[tuple[str, str, str]]
    lists: Counter[tuple[str, str, str]]


def judged(data: bytes) -> Judged:
    """Return the objects of a text as YAML has them; lists are judged by the rules too."""
    nothing = holds_nothing(data)
    documents = [] if nothing else load(data, limits=Limits.unbounded(), comments=False).documents
    seen = [each for document in documents for each in objects_in(document)]
    names = [(each.kind, *_name(each.node)[1:]) for each in seen]
    pairs = list(zip(seen, names, strict=True))
    return Judged(
        Counter(name for each, name in pairs if not each.is_list),
        Counter(
            name for each, name in pairs if not each.is_list and kind_of(each.node) and not _is_null_list(each.node)
        ),
        Counter(name for each, name in pairs if each.is_list),
    )


def _name(node: Mapping) -> tuple[str, str, str]:
    return kind_of(node), metadata_text(node, "namespace"), metadata_text(node, "name")


def _is_null_list(node: Mapping) -> bool:
    """Whether kubectl takes the object for a list without items, and others do not."""
    items = node.get("items")
    return type(items) is Scalar and items.value is None


def test_every_reader_sees_what_was_judged(readers: KubernetesReaders) -> None:
    outcomes: Counter[str] = Counter()
    for number in range(size(2_000, 20_000)):
        text = Streams(random.Random(SEED + number)).stream()  # a seed, so that a failure can be repeated
        options = Options(outputs=EVERYTHING, is_hook=True, allow_empty=True)
        try:
            data = render([Input("a.yaml", "a.yaml", content=text)], options).stream()
        except SecretsyncError:
            outcomes["refused"] += 1
            continue
        ours = judged(data)
        outcomes["rendered"] += 1
        outcomes["objects"] += ours.objects.total()
        for view in readers.views(data):
            # Nobody can apply an object without a kind.
            seen = Counter(each[1:] for each in view.objects if each[1])
            assert not seen - ours.objects - ours.lists, (SEED + number, view, ours, data)
            if not view.error and not view.reader.endswith(PASS_OVER):
                assert not ours.own - seen, (SEED + number, view, ours, data)
    assert outcomes["rendered"] > outcomes["refused"] / 20
    assert outcomes["objects"] > outcomes["rendered"] / 2
