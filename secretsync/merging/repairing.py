"""A file that somebody merged by hand: each value opens, and the MAC is wrong, since nobody made one for all of them.

Nothing then vouches for the file as a whole. What it holds is compared, value by value, with versions whose own MAC
holds, and with all that it ever was: an old ciphertext opens as well as a new one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple, TypeAlias

from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar
from secretsync.errors import IntegrityError, MacMismatchError, PolicyError, SecretsyncError
from secretsync.git.file_versions import EarlierVersion, NamedVersion
from secretsync.keyring.naming import FileRule
from secretsync.merging.by_rule import departures, departures_from, names_recipients
from secretsync.sops import paths
from secretsync.sops.mac import MacPolicy
from secretsync.sops.open_file import OpenFile, OpenOptions, open_file
from secretsync.sops.operations import OperationResult, with_new_mac

Place: TypeAlias = "tuple[int, tuple[str | int, ...]]"
"""A document, from 1, and the steps to a value in it."""


class PlacedValue(NamedTuple):
    """What stands at the end of a path: its value, to be compared and never shown, and its ciphertext, if it has one."""

    content: Hashable
    ciphertext: str | None

    def __repr__(self) -> str:
        return "PlacedValue(…)"


class ValueChange(NamedTuple):
    """A value that not all versions have as the file has it.

    `change` is added, removed or changed; `as_in` names the versions that have it so. `replayed` is the commit, with its
    date, whose ciphertext it has, where no version compared with has that ciphertext.
    """

    document: int
    path: str
    change: str
    encrypted: bool
    as_in: tuple[str, ...] = ()
    replayed: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class HandMerge:
    """The file, opened without its MAC, and the versions that it is compared with, each opened with its own."""

    opened: OpenFile
    sides: dict[str, OpenFile]
    unverified: list[str] = field(default_factory=list)
    raw: tuple[bytes, ...] = ()

    def changes(self, earlier: Sequence[EarlierVersion]) -> list[ValueChange]:
        """Return every value that is not in all versions as it is here, in the order of the file; the removed ones last."""
        here = leaves(self.opened)
        sides = {name: leaves(side) for name, side in self.sides.items()}
        places = dict.fromkeys((*here, *(place for side in sides.values() for place in side)))
        found = []
        for place in places:
            same = tuple(name for name, side in sides.items() if _content(side, place) == _content(here, place))
            if len(same) < len(sides):
                found.append(self._change(place, here, sides, same, earlier))
        return found

    def _change(
        self,
        place: Place,
        here: dict[Place, PlacedValue],
        sides: dict[str, dict[Place, PlacedValue]],
        same: tuple[str, ...],
        earlier: Sequence[EarlierVersion],
    ) -> ValueChange:
        known = [side[place] for side in sides.values() if place in side]
        leaf = here.get(place)
        change = "removed" if leaf is None else "changed" if known else "added"
        ciphertext = (leaf or known[0]).ciphertext
        replayed = self._replayed(leaf.ciphertext, earlier) if leaf and leaf.ciphertext else None
        return ValueChange(place[0], paths.shown(place[1]), change, ciphertext is not None, same, replayed)

    def _replayed(self, ciphertext: str, earlier: Sequence[EarlierVersion]) -> tuple[str, str] | None:
        text = ciphertext.encode()
        if any(text in data for data in self.raw):
            return None
        return next(((one.commit, one.date) for one in earlier if text in one.data), None)

    def require_metadata(self, rules: Sequence[FileRule], *, one_value: bool) -> None:
        """Refuse metadata that are not those of the rules, or, where none is for the file, of every version.

        Raises:
            PolicyError: a recipient, the key groups, the threshold or the selector is another one.
        """
        found, keys = self.opened.plain.metadata, self.opened.options.keys
        wrong = departures(found, rules, keys, one_value=one_value)
        others = {name: side.plain.metadata for name, side in self.sides.items()}
        if not names_recipients(rules):
            wrong += [text for name, other in others.items() for text in departures_from(found, other, name, keys)]
        if wrong:
            raise PolicyError("; ".join(dict.fromkeys(wrong)), hint=_HINT)

    def repaired(self, *, now: datetime) -> OperationResult:
        """Return the file with a MAC over the values that it holds, each with the ciphertext that it has."""
        return with_new_mac(self.opened, now=now)


_HINT = "take the sops block of one side; secretsync updatekeys gives a file the recipients of its rule"


def is_sound(data: bytes, options: OpenOptions) -> bool:
    """Whether the MAC of a file holds. Raises: as `open_file`, but for the MAC."""
    try:
        open_file(data, options)
    except MacMismatchError:
        return False
    return True


def hand_merge(
    data: bytes, versions: Sequence[NamedVersion], options: OpenOptions, others: Sequence[bytes] = ()
) -> HandMerge:
    """Open a file without its MAC, and the versions to compare it with; one whose MAC does not hold is none.

    `others` are texts whose ciphertext is not old either, although nothing is compared with them.

    Raises:
        As `open_file`, for a value of the file that does not open.
        IntegrityError: none of the versions opens with a MAC that holds.
    """
    opened = open_file(data, replace(options, mac_policy=MacPolicy.IGNORE_UNSAFE))
    sides, unverified = {}, []
    for version in versions:
        try:
            sides[version.label] = open_file(version.data, options)
        except SecretsyncError as error:
            unverified.append(f"{version.label}: {error.message}")
    if not sides:
        raise IntegrityError(
            f"there is nothing to compare it with: {'; '.join(unverified)}",
            hint="name a commit whose version opens: --since COMMIT",
        )
    return HandMerge(opened, sides, unverified, (*others, *(one.data for one in versions if one.label in sides)))


def leaves(opened: OpenFile) -> dict[Place, PlacedValue]:
    """Return all values of a file by their places; an empty mapping or list is one, too."""
    found: dict[Place, PlacedValue] = {}
    for number, document in enumerate(opened.plain.documents, 1):
        for path, node in _leaves(document, ()):
            origin = opened.plain.origins.get(id(node))
            ciphertext = str(origin.node.value) if origin and isinstance(origin.node, Scalar) else None
            found[number, path] = PlacedValue(_value(node), ciphertext)
    return found


def _leaves(node: Node, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], Node]]:
    if isinstance(node, Scalar):
        yield path, node
        return
    items = [item for item in node.items if not isinstance(item, Comment)]
    if not items and path:
        yield path, node
    for at, item in enumerate(items):
        if isinstance(item, Entry):
            yield from _leaves(item.value, (*path, str(item.key.value)))
        else:
            yield from _leaves(item, (*path, at))


def _value(node: Node) -> Hashable:
    return (type(node.value), repr(node.value)) if isinstance(node, Scalar) else isinstance(node, Mapping)


def _content(side: dict[Place, PlacedValue], place: Place) -> Hashable:
    leaf = side.get(place)
    return None if leaf is None else (leaf.content, leaf.ciphertext is None)
