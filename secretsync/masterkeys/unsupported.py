"""The kinds of master key that sops has and this installation cannot use: they are named, compared and refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from secretsync.errors import MissingDependencyError
from secretsync.masterkeys.context import KeyContext, KeySource, Unwrapped, one_by_one
from secretsync.masterkeys.kinds import KINDS, canonical
from secretsync.secrecy import SecretBytes

_Fields: TypeAlias = Mapping[str, object]


class UnsupportedService:
    """Stands for one unsupported kind; every use of its keys is a MissingDependencyError that names the key."""

    def __init__(self, kind: str, context: KeyContext) -> None:
        del context
        self.kind = kind

    def canonical(self, name: str) -> str:
        """Return the name without what sops takes off it."""
        return canonical(self.kind, name)

    def wrap(self, recipient: str, data_key: SecretBytes) -> dict[str, object]:
        """Refuse, naming the recipient."""
        del data_key
        raise self._refusal(recipient)

    def unwrap(self, fields: _Fields) -> SecretBytes:
        """Refuse, naming the key."""
        raise self._refusal(KINDS[self.kind].name_of(fields) if self.kind in KINDS else "unknown")

    def unwrap_many(self, envelopes: Sequence[_Fields]) -> list[Unwrapped]:
        """Unwrap one after the other."""
        return one_by_one(self.unwrap, envelopes)

    def matches(self, fields: _Fields) -> bool | None:
        """Return whether the envelope has the form that its service gives it; of most, only their holder knows."""
        form = KINDS[self.kind].envelope_form if self.kind in KINDS else None
        return form(str(fields.get("enc", ""))) if form else None

    def alone(self) -> dict[str, KeyContext]:
        """Return nothing: no identity of it can be here."""
        return {}

    def sources(self) -> list[KeySource]:
        """Return nothing: there is no place to look."""
        return []

    def _refusal(self, key: str) -> MissingDependencyError:
        return MissingDependencyError(f"{self.kind} key {key!r}: this installation has no support for {self.kind} keys")
