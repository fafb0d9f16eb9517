"""Before many files are rendered: the data keys that far services hold are asked for together.

What cannot be read or parsed here is passed over; rendering it says what is wrong with it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

import secretsync.sops.metadata as metadata
from secretsync.errors import SecretsyncError
from secretsync.masterkeys.kinds import KINDS
from secretsync.rendering.discover import Input
from secretsync.rendering.options import RenderContext
from secretsync.rendering.pipeline import load_input
from secretsync.sops.gathering import unwrap_ahead


def unwrap(inputs: Sequence[Input], context: RenderContext) -> None:
    """Unwrap the data keys of `inputs`, as far as services answer many questions at once."""
    unwrap_ahead(_metadata(inputs, context), context.keys)


def _metadata(inputs: Iterable[Input], context: RenderContext) -> Iterator[metadata.Metadata]:
    marks = [kind.name.encode() for kind in KINDS.values() if kind.together]
    for item in inputs:
        if item.content is None and not os.path.isfile(os.path.join(item.root or "", item.path)):
            continue  # what is no file of a disk can be read once
        try:
            data = item.read(context.options.limits)
            if any(mark in data for mark in marks):
                documents = load_input(item, data, context)[1].documents
                yield from (metadata.split([one])[1] for one in documents if metadata.is_encrypted(one))
        except SecretsyncError:
            continue
