"""Recipients that a file has and no rule names: its own list is not authenticated, so that anybody can write one in.

Who asks for a new data key names whom he adds; everybody else it is wrapped for is named by a rule outside of the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from secretsync.errors import PolicyError, shortened
from secretsync.sops.comparison import counterparts, without
from secretsync.sops.datakey import Keys, MasterKey

Groups: TypeAlias = Sequence[Sequence[MasterKey]]

_HINT: Final = "secretsync updatekeys gives a file the recipients of its rule; --keep-recipients keeps what it has"


class Named(NamedTuple):
    """Whom a rule outside of the file names for it. `place` says which rule that is, for people."""

    place: str
    groups: Groups
    threshold: int = 0


class Stranger(NamedTuple):
    """A recipient that no rule names, and its key group: counted from 1 where there are several, else 0."""

    recipient: MasterKey
    group: int

    def __str__(self) -> str:
        return f"{shown(self.recipient)}{f' (group {self.group})' if self.group else ''}"


class RotationRequest(NamedTuple):
    """What somebody asks for beside the new data key: whom to add and to remove, or to keep who is there."""

    add: Sequence[MasterKey] = ()
    remove: Sequence[MasterKey] = ()
    keep: bool = False


NOTHING_MORE: Final = RotationRequest()


def strangers(groups: Groups, rule: Groups, keys: Keys) -> list[Stranger]:
    """Return the recipients that a rule does not name, or names for another key group than the file does.

    Where file and rule have another number of groups, whoever the rule names for one is named for all.
    """
    everybody = [one for group in rule for one in group]
    aligned = len(groups) == len(rule)
    found = []
    for index, group in enumerate(groups):
        unnamed = without(group, rule[index] if aligned else everybody, keys)
        number = index + 1 if len(groups) > 1 else 0
        found += [Stranger(one, number) for one in dict.fromkeys(unnamed)]
    return found


def require_named(groups: Groups, threshold: int, rules: Sequence[Named], request: RotationRequest, keys: Keys) -> None:
    """Refuse a new data key to a file of these groups where a rule does not name who would get it.

    Raises:
        PolicyError: a recipient that stays is named neither by every rule nor by the request, or fewer groups would
            open the file than a rule asks for.
    """
    if request.keep:
        return
    first, *rest = [without(group, request.remove, keys) for group in groups]
    for rule in rules:
        found = strangers([without(first, request.add, keys), *rest], rule.groups, keys)
        if found:
            names, verb = ", ".join(map(str, found)), "is a recipient" if len(found) == 1 else "are recipients"
            raise PolicyError(f"{names} {verb} of the file, and {rule.place} names no such key for it", hint=_HINT)
        needed, wanted = quorum(groups, threshold), quorum(rule.groups, rule.threshold)
        if needed < wanted:
            message = f"opens with {needed} of its key groups, and {rule.place} asks for {wanted}"
            raise PolicyError(message, hint=_HINT)


def warnings(groups: Groups, rule: Named, request: RotationRequest, keys: Keys) -> list[str]:
    """Return a warning for each recipient that only the file or only the rule has, and for each that is added."""
    added = without(request.add, [one for group in rule.groups for one in group], keys)
    found = [f"adds {shown(one)}, whom {rule.place} does not name" for one in added]
    return found + differences([without(group, added, keys) for group in groups], rule.groups, keys)


def differences(groups: Groups, rule: Groups, keys: Keys) -> list[str]:
    """Return a sentence for each recipient that only the file or only the rule has."""
    here = list(dict.fromkeys(one for group in groups for one in group))
    there = list(dict.fromkeys(one for group in rule for one in group))
    same = counterparts(here, there, keys)
    found = set(same.values())
    extra = [f"{shown(one)} is a recipient of the file and not of the matching rule" for one in here if one not in same]
    missing = [
        f"{shown(one)} is a recipient of the matching rule and not of the file" for one in there if one not in found
    ]
    return sorted(extra) + sorted(missing)


def shown(one: MasterKey) -> str:
    """Return a recipient for a message."""
    return f"{one.kind} {shortened(one.name)}"


def quorum(groups: Groups, threshold: int) -> int:
    """Return how many of its key groups open a file."""
    return 1 if len(groups) < 2 else threshold or len(groups)
