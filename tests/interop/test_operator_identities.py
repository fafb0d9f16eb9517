"""The identities that an operator names for hooks, with nothing else in the environment: the home of the real gpg, SSH."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from secretsync.errors import IncorrectIdentityError
from secretsync.hooks.context import keys
from secretsync.hooks.hook_configuration import HookConfiguration
from secretsync.masterkeys import MasterKeys
from secretsync.secrecy import SecretBytes
from tests.peers.gnupg import gnupg_home

KEYS = Path(__file__).parents[1] / "vectors" / "sops" / "keys"
RSA = "59D98FCA49659D6CEA8EAC9FC03D1673CBF36A73"
DATA_KEY = SecretBytes(bytes(range(32)))


def test_the_home_of_gpg_is_the_one_the_operator_names(peer: Callable[[str], Path]) -> None:
    with gnupg_home(peer("gpg"), [KEYS / "pgp-rsa3072.asc"]) as home:
        fields = MasterKeys(home.environ).wrap("pgp", RSA, DATA_KEY)
        assert (
            keys(HookConfiguration("hook.yaml", identities={"gnupg_home": (str(home.folder),)}), {}).unwrap(
                "pgp", fields
            )
            == DATA_KEY
        )
        for governed in (
            HookConfiguration("hook.yaml"),
            HookConfiguration("hook.yaml", identities={"age": (str(KEYS / "age-1.txt"),)}),
        ):
            with pytest.raises(IncorrectIdentityError):
                keys(governed, home.environ).unwrap("pgp", fields)


@pytest.mark.parametrize("name", ["ssh-ed25519", "ssh-rsa"])
def test_an_ssh_key_is_the_one_the_operator_names(name: str) -> None:
    recipient = " ".join((KEYS / f"{name}.pub").read_text().split()[:2])
    fields = MasterKeys({}).wrap("age", recipient, DATA_KEY)
    assert (
        keys(HookConfiguration("hook.yaml", identities={"ssh": (str(KEYS / name),)}), {}).unwrap("age", fields)
        == DATA_KEY
    )
    with pytest.raises(IncorrectIdentityError):
        keys(HookConfiguration("hook.yaml"), {"SOPS_AGE_SSH_PRIVATE_KEY_FILE": str(KEYS / name)}).unwrap("age", fields)
