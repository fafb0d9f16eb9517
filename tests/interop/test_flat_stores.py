"""dotenv, INI and binary files cross between the real sops and us in both directions, byte for byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from secretsync.documents.stores import store_named
from tests.interop.crossing import Choice, decrypted, encrypted

if TYPE_CHECKING:
    from tests.peers.sops import Sops

PLAIN: Final = Choice(("unencrypted_suffix", "_unencrypted"), mac_only=False)
SUFFIXES: Final = {"dotenv": "env", "ini": "ini", "binary": "bin"}
_VALUES: Final = st.text(st.sampled_from("ab 0é=#\"'\\n;:$"), max_size=12)
_COMMENTS: Final = st.text(st.sampled_from("ab é"), max_size=6).map(lambda text: f"# x{text}")


@st.composite
def dotenv_texts(draw: st.DrawFn) -> str:
    """Draw variables, comments and blank lines."""
    names = draw(st.lists(st.sampled_from(("A", "B_2", "open_unencrypted", "lower", "X.Y")), min_size=1, unique=True))
    lines: list[str] = []
    for name in names:
        lines += draw(st.lists(_COMMENTS | st.just(""), max_size=1))
        lines.append(f"{name}={draw(_VALUES)}")
    return "".join(f"{line}\n" for line in lines)


@st.composite
def ini_texts(draw: st.DrawFn) -> str:
    """Draw sections of keys with comments, and perhaps keys before the first section."""
    lines: list[str] = []
    for section in draw(st.lists(st.sampled_from(("", "[one]", "[two words]")), min_size=1, unique=True).map(sorted)):
        lines += [section] if section else []
        for name in draw(st.lists(st.sampled_from(("a", "b.c", "d_unencrypted")), min_size=1, unique=True)):
            lines += draw(st.lists(_COMMENTS, max_size=1))
            lines.append(f"{name} = {draw(st.text(st.sampled_from('ab0é:.'), min_size=1, max_size=9))}")
    return "".join(f"{line}\n" for line in lines)


@settings(max_examples=100)
@given(text=dotenv_texts())
def test_dotenv_crosses_in_both_directions(text: str, sops_peer: Sops) -> None:
    _cross(text.encode(), "dotenv", sops_peer)


@settings(max_examples=100)
@given(text=ini_texts())
def test_ini_crosses_in_both_directions(text: str, sops_peer: Sops) -> None:
    _cross(text.encode(), "ini", sops_peer)


@settings(max_examples=50)
@given(content=st.binary(min_size=1, max_size=300))
def test_binary_crosses_in_both_directions(content: bytes, sops_peer: Sops) -> None:
    _cross(content, "binary", sops_peer)


def _cross(plain: bytes, store: str, peer: Sops) -> None:
    theirs = peer.encrypt(plain, SUFFIXES[store])
    by_sops = peer.decrypt(theirs, SUFFIXES[store])
    assert store_named(store).dump(decrypted(theirs, store, peer)) == by_sops
    assert peer.decrypt(encrypted(plain, store, PLAIN, peer), SUFFIXES[store]) == by_sops
