"""Where comments belong, and what is refused, agrees with sops on texts that nobody should write."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from secretsync.documents.yaml import loading
from secretsync.errors import FormatError
from tests.interop.messy_yaml import MessyAuthor
from tests.peers.store_oracle import shown

if TYPE_CHECKING:
    from tests.peers.store_oracle import StoreOracle

# What sops takes and we refuse (docs/reference/differences.md); a part of our message.
STRICTER = (
    "merge key",  # sops looks at the first document only
    "already there",  # as above, and keys that become equal through aliases
    "cannot be a key",  # as above
    "is not a valid !!",  # as above
    "is not base64",  # as above
    "a tab where only spaces may indent",  # tabs before a comment, which libyaml refuses
    "did not find expected whitespace or line break",  # `!tag,`: libyaml knows the later rule for tags
    "found unexpected ':'",  # `[a:]`: the same for colons
    "a tag with a bracket or comma",
    "a question mark inside",
)


def _texts(seed: int, count: int) -> list[str]:
    random = Random(seed)
    return [MessyAuthor(random).stream() for _ in range(count)]


def _ours(text: str) -> dict[str, Any]:
    try:
        return shown(loading.load(text.encode()).documents)
    except FormatError as error:
        return {"error": error.message}


@pytest.mark.parametrize("seed", range(10))
def test_messy_texts_read_as_sops_reads_them(seed: int, oracle: StoreOracle) -> None:
    agreed = 0
    for text in _texts(seed, 150):
        ours, theirs = _ours(text), oracle.read(text.encode())
        if "error" in ours:
            assert "error" in theirs or any(reason in ours["error"] for reason in STRICTER), repr(text)
        else:
            assert ours == theirs, repr(text)
            agreed += 1
    assert agreed > 50, "the author must not write nonsense only"
