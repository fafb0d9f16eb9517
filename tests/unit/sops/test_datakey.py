"""The data key: which envelope opens it, what groups need, and what is said when none does."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from secretsync.errors import (
    FormatError,
    IncorrectIdentityError,
    IntegrityError,
    KeyServiceError,
    MissingDependencyError,
    NoIdentityMatchError,
    SecretsyncError,
)
from secretsync.secrecy import SecretBytes
from secretsync.sops import Metadata, datakey
from secretsync.sops.metadata import Envelope
from secretsync.sops.selectors import Selector
from tests.unit.sops.golden import DATA_KEY
from tests.unit.sops.trees import NOW


class Keys:
    """Opens the envelopes whose `enc` is in `parts`; the others fail with the error in `errors`, else as a stranger's."""

    def __init__(self, parts: dict[str, SecretBytes], errors: dict[str, SecretsyncError] | None = None) -> None:
        self.parts = parts
        self.errors = errors or {}
        self.tried: list[str] = []

    def unwrap(self, kind: str, fields: Mapping[str, object]) -> SecretBytes:
        enc = str(fields["enc"])
        self.tried.append(enc)
        if enc in self.parts:
            return self.parts[enc]
        raise self.errors.get(enc, IncorrectIdentityError("no identity matches"))

    def wrap(self, kind: str, recipient: str, data_key: SecretBytes) -> dict[str, object]:
        self.parts[recipient] = data_key
        return {"enc": recipient}

    def canonical(self, kind: str, name: str) -> str:
        return name

    def recipient(self, kind: str, fields: Mapping[str, object]) -> str:
        if fields["enc"] == "nameless":
            raise FormatError("no name")
        return str(fields["enc"])


def metadata(*groups: list[str], threshold: int = 0) -> Metadata:
    """Return metadata whose envelopes are given as `kind:enc`."""
    envelopes = [[Envelope(one.split(":")[0], {"enc": one.split(":")[1]}) for one in group] for group in groups]
    return Metadata("", "", "", Selector.default(), False, False, threshold, envelopes, None)  # type: ignore[arg-type]


def test_the_first_envelope_that_opens_is_enough() -> None:
    keys = Keys({"b": DATA_KEY, "c": DATA_KEY})
    assert datakey.recover(metadata(["age:a", "age:b", "age:c"]), keys) == DATA_KEY
    assert keys.tried == ["a", "b"]


@pytest.mark.parametrize(
    ("order", "tried"),
    [
        (("age", "pgp"), ["a1", "a2", "p", "k", "g"]),
        (("pgp",), ["p", "k", "g", "a1", "a2"]),
        ((), ["k", "g", "p", "a1", "a2"]),
        (("unheard-of", "gcp_kms"), ["g", "k", "p", "a1", "a2"]),
    ],
)
def test_kinds_are_tried_in_the_order_asked_for(order: tuple[str, ...], tried: list[str]) -> None:
    keys = Keys({})
    with pytest.raises(NoIdentityMatchError):
        datakey.recover(metadata(["kms:k", "gcp_kms:g", "pgp:p", "age:a1", "age:a2"]), keys, order)
    assert keys.tried == tried


def test_the_message_gives_a_reason_for_each_key() -> None:
    keys = Keys({}, {"b": IntegrityError("damaged"), "nameless": FormatError("no armor")})
    with pytest.raises(NoIdentityMatchError) as caught:
        datakey.recover(metadata(["age:a", "age:b", "pgp:nameless"]), keys)
    assert str(caught.value) == (
        "no identity here opens this file (age a: no identity matches; age b: damaged; pgp: no armor)"
    )
    assert caught.value.hint == "run: secretsync doctor"


def test_only_unreachable_services_are_a_key_service_error() -> None:
    errors: dict[str, SecretsyncError] = {"a": MissingDependencyError("not here", hint="pip install x")}
    with pytest.raises(MissingDependencyError) as caught:
        datakey.recover(metadata(["kms:a"]), Keys({}, errors))
    assert caught.value.hint == "pip install x"
    with pytest.raises(NoIdentityMatchError):
        datakey.recover(metadata(["kms:a", "age:b"]), Keys({}, errors))
    with pytest.raises(KeyServiceError):
        datakey.recover(metadata(["kms:a"]), Keys({}, {"a": KeyServiceError("timeout")}))


def test_a_data_key_of_another_size_is_refused() -> None:
    with pytest.raises(IntegrityError, match="no data key"):
        datakey.recover(metadata(["age:a"]), Keys({"a": SecretBytes(b"short")}))


@pytest.mark.parametrize("available", [["0", "1"], ["0", "2"], ["1", "2"], ["0", "1", "2"]])
def test_enough_groups_give_the_data_key(available: list[str]) -> None:
    shares = datakey.split(DATA_KEY, parts=3, threshold=2)
    keys = Keys({name: shares[int(name)] for name in available})
    assert datakey.recover(metadata(["age:0"], ["age:1"], ["age:2"], threshold=2), keys) == DATA_KEY


def test_too_few_groups_are_refused_with_their_number() -> None:
    shares = datakey.split(DATA_KEY, parts=3, threshold=2)
    with pytest.raises(NoIdentityMatchError, match="1 of 3 key groups open, 2 are needed"):
        datakey.recover(metadata(["age:0"], ["age:1"], ["age:2"], threshold=2), Keys({"1": shares[1]}))


def test_a_threshold_lowered_by_hand_does_not_help() -> None:
    shares = datakey.split(DATA_KEY, parts=2, threshold=2)
    with pytest.raises(NoIdentityMatchError, match="less than two parts"):
        datakey.recover(metadata(["age:0"], ["age:1"], threshold=1), Keys({"1": shares[1]}))


def test_a_threshold_on_one_group_means_nothing() -> None:
    assert datakey.recover(metadata(["age:a"], threshold=3), Keys({"a": DATA_KEY})) == DATA_KEY


def test_wrapped_groups_open_again() -> None:
    keys = Keys({})
    groups = [[datakey.MasterKey("age", "a"), datakey.MasterKey("pgp", "b")], [datakey.MasterKey("age", "c")]]
    envelopes, threshold = datakey.wrap(groups, DATA_KEY, keys, now=NOW)
    assert threshold == 2
    assert envelopes[0][1].fields == {"enc": "b", "created_at": "2026-01-02T03:04:05Z"}
    assert "created_at" not in envelopes[0][0].fields
    found = Metadata("", "", "", Selector.default(), False, False, threshold, envelopes, None)  # type: ignore[arg-type]
    assert datakey.recover(found, keys) == DATA_KEY


def test_a_new_data_key_is_32_random_bytes() -> None:
    assert len(datakey.new()) == 32
    assert datakey.new() != datakey.new()
