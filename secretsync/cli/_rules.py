"""The rules that a command goes by: the key ring's and those of `.sops.yaml`, or of the one file that was named."""

from __future__ import annotations

from secretsync.cli._creation import rules_at
from secretsync.cli.keys.ring import today
from secretsync.keyring.naming import Naming


def rules_in_force(config: str | None) -> Naming:
    """Return the rules, of `config` alone where it is given; their warnings are shown. Raises: as `Naming`."""
    return Naming(rules_at(config), today=today(), alone=config is not None)
