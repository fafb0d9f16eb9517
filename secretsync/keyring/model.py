"""The key ring as data: principals with their public keys, groups, recipient policy, sealing pins, retired keys.

Everything is immutable and holds public material only. What the words mean: docs/reference/key-ring.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Final, Literal, NamedTuple, TypeAlias

from secretsync.errors import ConfigError
from secretsync.keyring.policy import Policy, PolicyRule
from secretsync.masterkeys.kinds import canonical, of_ring_type
from secretsync.sops.datakey import MasterKey

Status: TypeAlias = Literal["pre-active", "active", "suspended", "deactivated", "compromised", "destroyed"]
"""Key states of NIST SP 800-57 part 1 rev. 5; only `active` keys are encrypted to."""

PrincipalKind: TypeAlias = Literal["person", "cluster", "service"]
KeyType: TypeAlias = str
"""One of the `ring_types` of a kind of master key."""
Reason: TypeAlias = Literal["left", "lost", "compromised", "superseded"]

FOLDERS: Final[dict[PrincipalKind, str]] = {"person": "people", "cluster": "clusters", "service": "services"}


@dataclass(frozen=True, slots=True)
class PublicKey:
    """One public key. `id` is what people see in place of the recipient; dates are inclusive."""

    id: str
    type: KeyType
    recipient: str
    status: Status = "active"
    created: date | None = None
    not_before: date | None = None
    expires: date | None = None
    custody: str = ""
    reason: str = ""
    proof: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def master_key(self) -> MasterKey:
        """The key as sops files name it."""
        kind = of_ring_type(self.type)
        return MasterKey(kind.name, kind.stored(self.recipient))

    @property
    def armored_path(self) -> str:
        """Where below `keys/` its armored public key lies; empty for a kind whose name is all it takes."""
        kind = of_ring_type(self.type)
        return f"{kind.armored_folder}/{kind.stored(self.recipient)}.asc" if kind.armored_folder else ""

    def is_usable(self, today: date) -> bool:
        """Whether new data keys may be wrapped for it today."""
        started = self.not_before is None or self.not_before <= today
        return self.status == "active" and started and (self.expires is None or today <= self.expires)


@dataclass(frozen=True, slots=True)
class Principal:
    """A person, cluster or service. `name` is a stable id of `[a-z0-9-]`; groups and policy name it by that.

    `signing_keys` sign evidence and open nothing: SSH public keys, or fingerprints of PGP keys below `keys/pgp`.
    """

    name: str
    kind: PrincipalKind
    owner: str = ""
    keys: tuple[PublicKey, ...] = ()
    signing_keys: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """The principal's file below `keys/`."""
        return f"{FOLDERS[self.kind]}/{self.name}.yaml"


@dataclass(frozen=True, slots=True)
class Group:
    """Named members: principals, or `group:NAME`."""

    name: str
    members: tuple[str, ...]
    max_members: int | None = None
    approvers: int | None = None

    @property
    def place(self) -> str:
        """Where its members stand."""
        return f"keys/groups.yaml groups.{self.name}.members"


@dataclass(frozen=True, slots=True)
class Retired:
    """A key that must not come back. Never deleted: history stays explainable, and the deny list needs it."""

    principal: str
    key: PublicKey
    reason: Reason
    retired_at: date
    compromised_since: date | None = None
    replaced_by: str = ""


class Reader(NamedTuple):
    """One recipient of a file, with whose key it is."""

    recipient: MasterKey
    principal: str
    key_id: str


@dataclass(frozen=True)  # without slots, which leave no place for what is worked out once
class KeyRing:
    """All of `keys/`."""

    principals: tuple[Principal, ...] = ()
    groups: tuple[Group, ...] = ()
    policy: Policy = field(default_factory=Policy)
    retired: tuple[Retired, ...] = ()

    def principal(self, name: str, place: str = "") -> Principal:
        """Return a principal by name, which stands at `place` of the ring or was given. Raises: ConfigError."""
        found = next((each for each in self.principals if each.name == name), None)
        if found is None:
            hint = f"secretsync keys add {name} KEY, or take the name out" if place else "secretsync keys list"
            raise ConfigError(f"the key ring knows no principal {name!r}", location=place or None, hint=hint)
        return found

    def public_keys(self) -> Iterator[tuple[Principal, PublicKey]]:
        """Yield every key that is not retired, with its principal."""
        return ((principal, key) for principal in self.principals for key in principal.keys)

    def rule_for(self, path: str) -> PolicyRule | None:
        """Return the first rule that matches a path relative to the repository's root, or None."""
        return next((rule for rule in self.policy.rules if rule.matches(path)), None)

    def members(self, names: Iterable[str], place: str = "") -> list[Principal]:
        """Return the principals that `names` (principals and `group:NAME`) stand for, each once, in order.

        Raises:
            ConfigError: a name is unknown, or groups contain each other; at `place`, or in a group.
        """
        return list(dict.fromkeys(self._expanded(names, (), place)))

    def members_of(self, group: Group) -> list[Principal]:
        """Return the principals of a group. Raises: as `members`."""
        return self.members(group.members, group.place)

    def readers(self, rule: PolicyRule, *, today: date) -> list[list[Reader]]:
        """Return the recipients of each group of `rule`: keys that may be encrypted to today, and are not retired.

        Raises:
            ConfigError: a name is unknown, or a group has nobody left.
        """
        place, required = f"keys/policy.yaml {rule.place}.readers", [] if len(rule.readers) > 1 else self.required()
        groups = [self._usable([*self.members(names, place), *required], today) for names in rule.readers]
        if not groups or not all(groups):
            raise ConfigError(f"{rule.place} leaves nobody who could read its files", location="keys/policy.yaml")
        return groups

    def required(self) -> list[Principal]:
        """Return who reads every file that is not for groups. Raises: as `members`."""
        return self.members(self.policy.require, "keys/policy.yaml defaults.require")

    def find(self, recipient: MasterKey) -> tuple[Principal, PublicKey] | None:
        """Return whose key a recipient is, or None where the key ring does not know it."""
        return self._keys_by_recipient.get(normalised(recipient))

    def find_retired(self, recipient: MasterKey) -> Retired | None:
        """Return the entry of a retired recipient, or None."""
        return self._retired_by_recipient.get(normalised(recipient))

    def label(self, recipient: MasterKey) -> str:
        """Return what to call a recipient: the key's id where the ring knows it, else the start of its name."""
        found = self.find(recipient)
        if found:
            return found[1].id
        gone = self.find_retired(recipient)
        return f"{gone.key.id} (retired)" if gone else f"unknown {recipient.name[:16]}…"

    @cached_property
    def _keys_by_recipient(self) -> dict[MasterKey, tuple[Principal, PublicKey]]:
        return {normalised(found[1].master_key): found for found in reversed([*self.public_keys()])}

    @cached_property
    def _retired_by_recipient(self) -> dict[MasterKey, Retired]:
        return {normalised(each.key.master_key): each for each in reversed(self.retired)}

    def _usable(self, principals: Iterable[Principal], today: date) -> list[Reader]:
        found = [
            Reader(key.master_key, principal.name, key.id)
            for principal in principals
            for key in principal.keys
            if key.is_usable(today) and not self.find_retired(key.master_key)
        ]
        return sorted({reader.recipient: reader for reader in found}.values(), key=lambda each: each.recipient)

    def _expanded(self, names: Iterable[str], above: tuple[str, ...], place: str) -> Iterator[Principal]:
        groups = {group.name: group for group in self.groups}
        for name in names:
            kind, _, rest = name.rpartition(":")
            if kind != "group":
                principal = self.principal(rest, place)
                if kind not in {"", principal.kind}:
                    raise ConfigError(f"{rest!r} is a {principal.kind} and no {kind}", location=place or None)
                yield principal
            elif rest not in groups:
                raise ConfigError(f"no group {rest!r} in keys/groups.yaml", location=place or None)
            elif rest in above:
                raise ConfigError(f"group {rest!r} contains itself", location=place or None)
            else:
                yield from self._expanded(groups[rest].members, (*above, rest), groups[rest].place)


def normalised(recipient: MasterKey) -> MasterKey:
    """Return a recipient in the form in which two spellings of one key are equal."""
    return MasterKey(recipient.kind, canonical(*recipient))
