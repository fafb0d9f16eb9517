"""Older versions of sops read what we write, and we read what they wrote, as far as each knows the types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import assume, given, settings

from tests.interop.crossing import Choice, decrypted, encrypted, expected, values
from tests.interop.texts import yaml_texts
from tests.peers.store_oracle import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.peers.sops import Sops
    from tests.peers.store_oracle import StoreOracle

VERSIONS: Final = ("sops-3.8.1", "sops-3.9.4", "sops-3.10.2")
PLAIN: Final = Choice(("unencrypted_suffix", "_unencrypted"), mac_only=False)


@pytest.fixture(scope="module", params=VERSIONS)
def old_sops(request: pytest.FixtureRequest, sops_at: Callable[[str], Sops]) -> Sops:
    """Return each of the old versions."""
    return sops_at(request.param)


@settings(max_examples=50)
@given(text=yaml_texts())
def test_yaml_crosses_between_old_versions_and_us(text: str, old_sops: Sops, oracle: StoreOracle) -> None:
    plain = oracle.read(text.encode())
    assume("'time'" not in str(plain))  # since 3.10.0; older versions refuse it
    theirs = old_sops.encrypt(text.encode(), "yaml")
    ours = values(shown(decrypted(theirs, "yaml", old_sops)))
    assert ours == expected(values(plain), values(oracle.read(theirs)))
    by_old = old_sops.decrypt(encrypted(text, "yaml", PLAIN, old_sops), "yaml")
    assert values(oracle.read(by_old)) == values(oracle.read(old_sops.decrypt(theirs, "yaml")))
