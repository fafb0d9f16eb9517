"""Data keys asked for ahead: which envelopes a service far away is asked about, and in how many rounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from secretsync.documents.tree import Mapping as Tree
from secretsync.errors import IncorrectIdentityError
from secretsync.masterkeys.context import Unwrapped
from secretsync.masterkeys.kinds import KINDS
from secretsync.secrecy import SecretBytes
from secretsync.sops.gathering import unwrap_ahead
from secretsync.sops.metadata import Envelope, Metadata
from secretsync.sops.selectors import Selector

DATA_KEY = SecretBytes(bytes(32))


class _Recorded:
    """Keys that open the envelopes of these names, and remember what they were asked."""

    def __init__(self, *opens: str) -> None:
        self._opens = opens
        self.rounds: list[list[str]] = []

    def unwrap(self, kind: str, fields: Mapping[str, object]) -> SecretBytes:
        """Open one. Raises: IncorrectIdentityError."""
        if fields["name"] in self._opens:
            return DATA_KEY
        raise IncorrectIdentityError("not this one")

    def unwrap_many(self, kind: str, envelopes: Sequence[Mapping[str, object]]) -> list[Unwrapped]:
        """Open many in one round."""
        names = [str(each["name"]) for each in envelopes]
        self.rounds.append(names)
        return [DATA_KEY if name in self._opens else IncorrectIdentityError("not this one") for name in names]


@pytest.fixture(autouse=True)
def _far(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, "kms", KINDS["kms"]._replace(together=True, unattended=False))


def _file(*group: str) -> Metadata:
    """Return a file with one group: of names as `kms:a`."""
    envelopes = [Envelope(kind, {"name": name}) for kind, _, name in (each.partition(":") for each in group)]
    return Metadata("", "", "", Selector.default(), False, False, 0, [envelopes], Tree())


def test_the_first_of_each_file_goes_in_one_round_and_only_what_failed_in_the_next() -> None:
    keys = _Recorded("a", "d")
    unwrap_ahead([_file("kms:a", "kms:b"), _file("kms:c", "kms:d"), _file("kms:e")], keys)
    assert keys.rounds == [["a", "c", "e"], ["d"]]


@pytest.mark.parametrize(
    ("group", "opens", "rounds"),
    [
        (("age:near", "kms:far"), ["near"], []),  # a key of this machine opens it
        (("age:near", "kms:far"), [], [["far"]]),
        (("age:near",), [], []),  # nothing is left to ask
        (("pgp:asks", "kms:far"), ["far"], []),  # its turn is first, and it may ask a person
        (("unheard-of:x", "kms:far"), ["far"], [["far"]]),
    ],
)
def test_who_is_asked_follows_the_order_of_a_file(
    group: tuple[str, ...], opens: list[str], rounds: list[list[str]]
) -> None:
    keys = _Recorded(*opens)
    unwrap_ahead([_file(*group)], keys, order=("age", "pgp", "kms"))
    assert keys.rounds == rounds
