"""Values that are about to be left in the clear, although field, neighbours or name say that they are secret.

Only what is new or changed counts, and only where a selector says what is encrypted: `unencrypted_…` names what is meant
to be read. What lies below `metadata` is for everybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache, reduce
from operator import or_
from typing import Final, NamedTuple, TypeAlias

import secretsync.audit.secrets as secrets
import secretsync.audit.values as values
from secretsync.audit.reading import plain
from secretsync.documents.tree import Comment, Mapping, Scalar
from secretsync.errors import PlaintextError
from secretsync.letters import DIGITS
from secretsync.manifests.objects import is_secret
from secretsync.sops.selectors import Selector
from secretsync.sops.values import is_ciphertext
from secretsync.sops.walk import Walk

SECRET_NAMES: Final = frozenset((
    "accesstoken", "apikey", "apisecret", "apitoken", "appsecret", "authtoken", "bearer", "clientsecret", "consumersecret",
    "cookiesecret", "credential", "credentials", "encryptionkey", "hmacsecret", "jwtsecret", "oauthsecret", "pass", "passphrase",
    "passwd", "password", "passwords", "privatekey", "pwd", "secretaccesskey", "secretkey", "sessionsecret", "sharedsecret",
    "signingkey", "signingsecret", "token", "webhooksecret",
))  # fmt: skip
"""What the last words of a name say when its value is secret. `existingSecret`, `imagePullSecret` and the like name an
object, and `key` is a word for anything; so they are not here."""

_METADATA: Final = "metadata"
_ITEMS: Final = "items"
_NAMED: Final = ("value", "name")
"""A field whose name stands beside it, as in the environment of a container."""
_ALIKE: Final = 0.85  # of SequenceMatcher; `strngData` and `stringData` have 0.95, `date` and `data` 0.75
_SHORTEST: Final = 6  # characters: of shorter names, one letter makes another word
_PLURAL: Final = f"s{DIGITS}"

_Steps: TypeAlias = tuple[str | int, ...]


class LeftClear(NamedTuple):
    """A value that would lie in the clear: its place in the file, and what says that it is secret."""

    place: str
    reason: str
    remedy: str = ""

    def error(self) -> PlaintextError:
        """Return the refusal."""
        remedy = self.remedy or "let the rule for the file cover it"
        return PlaintextError(
            f"would be left in the clear: {self.reason}",
            location=self.place,
            hint=f"{remedy}; where it is no secret: --allow-plaintext",
        )


class _SortedLeaves(Walk):
    """The walk that keeps which leaves a selector leaves in the clear, and which it picks, by document and path."""

    def __init__(self, selector: Selector) -> None:
        super().__init__(selector)
        self.clear: dict[tuple[int, _Steps], tuple[str, object]] = {}
        self.picked: dict[tuple[int, _Steps], set[str | int]] = {}
        """By document and path of a container, the steps in it that lead to what is picked."""

    def _placed(self, item: Scalar | Comment, aad: bytes, step: str | int, *, selected: bool) -> Scalar | Comment:  # noqa: ARG002  # the walk's parameter
        if isinstance(item, Scalar):
            steps = (*self._path, step)
            if selected or is_ciphertext(item.value):
                for depth, each in enumerate(steps):
                    self.picked.setdefault((self._document, steps[:depth]), set()).add(each)
            elif item.value not in {None, ""}:
                self.clear[self._document, steps] = self.location(step), item.value
        return item


def may_leave(selector: Selector) -> bool:
    """Whether what a selector leaves in the clear is judged: it names what is encrypted, and not what is to be read."""
    return selector.encrypting and not selector.invalid


def first(after: Sequence[Mapping], selector: Selector, before: Sequence[Mapping] = ()) -> LeftClear | None:
    """Return the first value that `after` leaves in the clear, that `before` did not, and that something calls secret.

    Both are documents without their `sops` block, encrypted or not yet.

    Raises:
        TreeError, LimitError: as the walk over them.
    """
    if not may_leave(selector):
        return None
    earlier, now = _SortedLeaves(selector), _SortedLeaves(selector)
    earlier.documents(list(before))
    now.documents(list(after))
    known = {(_names(steps), value) for (_, steps), (_, value) in earlier.clear.items()}
    roots = [plain(root) for root in after]
    for (document, steps), (place, value) in now.clear.items():
        if (_names(steps), value) in known or _METADATA in steps or not _may_be_secret(value):
            continue
        beside = now.clear.get((document, (*steps[:-1], _NAMED[1]))) if steps[-1] == _NAMED[0] else None
        found = (
            _of_secret(roots[document - 1], steps)
            or _of_neighbours(document, steps, now.picked)
            or _of_name(str(beside[1]) if beside else _names(steps)[-1])
        )
        if found:
            return LeftClear(place, *found)
    return None


def copies(after: Sequence[Mapping], selector: Selector) -> Iterator[str]:
    """Yield the place of each annotation of kubectl that a selector leaves in the clear with a Secret's values in it."""
    leaves = _SortedLeaves(selector)
    leaves.documents(list(after))
    for (_, steps), (place, value) in leaves.clear.items():
        if steps[-1] == secrets.LAST_APPLIED_ANNOTATION and isinstance(value, str) and secrets.shows_values(value, {}):
            yield place


def _names(steps: _Steps) -> tuple[str, ...]:
    """Return a path without the positions in lists, which move."""
    return tuple(step for step in steps if isinstance(step, str))


def _may_be_secret(value: object) -> bool:
    return not isinstance(value, bool) and values.is_secret(value, vault_keys=True)


def _of_secret(root: object, steps: _Steps) -> tuple[str, str] | None:
    """Say what a Secret does not know: Kubernetes drops such a field, and whoever wrote it meant one that is encrypted."""
    depth = 0
    while (
        isinstance(root, dict) and steps[depth] == _ITEMS and len(steps) > depth + 2 and isinstance(root[_ITEMS], list)
    ):
        root, depth = root[_ITEMS][int(steps[depth + 1])], depth + 2
    field = str(steps[depth])
    if not (isinstance(root, dict) and is_secret(root) and secrets.is_unknown_field(field)):
        return None
    meant = secrets.meant_field(field)
    return f"a Secret has no field {field[:40]!r}", f"call it {meant}" if meant else "put it below stringData"


def _of_neighbours(
    document: int, steps: _Steps, picked: dict[tuple[int, _Steps], set[str | int]]
) -> tuple[str, str] | None:
    """Say where a name is nearly that of a neighbour which is encrypted."""
    for depth, step in enumerate(steps):
        near = picked.get((document, steps[:depth]), set())
        if not isinstance(step, str) or len(step) < _SHORTEST or step in near:
            continue
        name = min((name for name in map(str, near) if _is_misspelt(step, name)), default="")
        if name:
            return f"{step[:40]!r} is nearly {name[:40]!r}, which is encrypted", f"call it {name[:40]}"
    return None


def _is_misspelt(step: str, name: str) -> bool:
    """Whether two names differ by a slip; numbers and plurals are other names."""
    one, other = step.lower(), name.lower()
    # A letter that only one of them has is matched by none: cheap, and true of nearly all names of a large file.
    if (_letters(one) ^ _letters(other)).bit_count() > (1 - _ALIKE) * (len(one) + len(other)):
        return False
    if step.rstrip(_PLURAL) == name.rstrip(_PLURAL) or len(name) < _SHORTEST:
        return False
    return SequenceMatcher(None, one, other).ratio() >= _ALIKE


@lru_cache(maxsize=1 << 14)
def _letters(name: str) -> int:
    """Return the letters of a name, a bit each; some letters share one."""
    return reduce(or_, (1 << (ord(letter) & 63) for letter in name), 0)


def _of_name(name: str) -> tuple[str, str] | None:
    words = values.words_of(name)
    said = next((joined for size in (1, 2, 3) if (joined := "".join(words[-size:])) in SECRET_NAMES), "")
    return (f"its name says that it is secret ({name[:40]!r})", "") if said else None
