"""What `encrypt` warns of is what the real sops changes: the numbers that come back with another text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from secretsync.audit import numbers
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Limits
from secretsync.sops.selectors import Selector

if TYPE_CHECKING:
    from tests.peers.sops import Sops

CHANGED: Final = ("01234", "0400", "4.20", "4.0", "1e3", "0x1F", "1_000", "+5", "!mine text", "!mine 'text'")
KEPT: Final = (
    "7",
    "-7",
    "4.2",
    "'01234'",
    '"4.20"',
    "054238437089x",
    "1.2.3",
    "!!str 7",
    "text",
    "9223372036854775807",
)


def _warned(text: str) -> bool:
    source = store_named("yaml").load(text.encode(), limits=Limits())
    return bool(list(numbers.warnings(source, Selector.default())))


@pytest.mark.parametrize("written", [*CHANGED, *KEPT])
def test_we_warn_of_what_sops_changes(sops_peer: Sops, written: str) -> None:
    theirs = sops_peer.decrypt(sops_peer.encrypt(f"v: {written}\n".encode(), "yaml"), "yaml").decode().strip()
    bare = written.removeprefix("!!str ").strip("'\"")
    changed = theirs.removeprefix("v: ").strip("'\"") != bare
    assert changed == (written in CHANGED)
    assert _warned(f"v: {written}\n") == changed
