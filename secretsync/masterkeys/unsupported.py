"""The kinds of master key that sops has and this installation cannot use: they are named, compared and refused.

Source: sops ToString methods of {kms,gcpkms,azkv,hcvault,hckms}/keysource.go at v3.13.3.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import secretsync.masterkeys.spelling as spelling
from secretsync.errors import MissingDependencyError
from secretsync.letters import DIGITS, consists_of
from secretsync.masterkeys.context import KeyContext, KeySource
from secretsync.secrecy import SecretBytes

_VAULT: Final = "vault:v"
_Fields: TypeAlias = Mapping[str, object]


class AbsentService:
    """Stands for one unsupported kind; every use of its keys is a MissingDependencyError that names the key."""

    remote = True

    def __init__(self, kind: str, surroundings: KeyContext) -> None:
        del surroundings
        self.kind = kind

    def recipient(self, fields: _Fields) -> str:
        """Return sops' identity string of the key."""
        name = _IDENTITIES.get(self.kind)
        return name(fields) if name else "unknown"

    def canonical(self, name: str) -> str:
        """Return the identity string without what sops takes off it."""
        return spelling.canonical(self.kind, name)

    def wrap(self, recipient: str, data_key: SecretBytes) -> dict[str, object]:
        """Refuse, naming the recipient."""
        del data_key
        raise self._refusal(recipient)

    def unwrap(self, fields: _Fields) -> SecretBytes:
        """Refuse, naming the key."""
        raise self._refusal(self.recipient(fields))

    def matches(self, fields: _Fields) -> bool | None:
        """Return whether what Vault returned is of its form, `vault:vN:`; of other services only their holder knows."""
        if self.kind != "hc_vault":
            return None
        enc = str(fields.get("enc", ""))
        version, colon, _ = enc.removeprefix(_VAULT).partition(":")
        return enc.startswith(_VAULT) and consists_of(version, DIGITS) and version[0] != "0" and colon == ":"

    def sources(self) -> list[KeySource]:
        """Return nothing: there is no place to look."""
        return []

    def _refusal(self, key: str) -> MissingDependencyError:
        return MissingDependencyError(f"{self.kind} key {key!r}: this installation has no support for {self.kind} keys")


def _text(fields: _Fields, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _kms(fields: _Fields) -> str:
    arn, role, profile = (_text(fields, name) for name in ("arn", "role", "aws_profile"))
    pairs = fields.get("context")
    context = ",".join(sorted(f"{key}:{value}" for key, value in pairs.items())) if isinstance(pairs, Mapping) else ""
    key = f"{arn}+{role}" if role else arn
    if profile:
        return f"{key}|{context}|{profile}"
    return f"{key}|{context}" if context else key


def _azure(fields: _Fields) -> str:
    return f"{_text(fields, 'vault_url')}/keys/{_text(fields, 'name')}/{_text(fields, 'version')}"


def _vault(fields: _Fields) -> str:
    address, engine, name = (_text(fields, part) for part in ("vault_address", "engine_path", "key_name"))
    return f"{address}/v1/{engine}/keys/{name}"


_IDENTITIES: Final[dict[str, Callable[[_Fields], str]]] = {
    "kms": _kms,
    "gcp_kms": lambda fields: _text(fields, "resource_id"),
    "hckms": lambda fields: _text(fields, "key_id"),
    "azure_kv": _azure,
    "hc_vault": _vault,
}
