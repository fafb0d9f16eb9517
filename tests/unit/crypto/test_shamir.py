"""Shamir's secret sharing, as sops has it."""

from __future__ import annotations

from itertools import permutations

import pytest

from secretsync.crypto import shamir


def test_field_check_values_of_sops() -> None:
    assert shamir._multiply(3, 7) == 9
    assert shamir._multiply(6, shamir._inverse(3)) == 2


def test_every_element_has_its_inverse() -> None:
    assert all(shamir._multiply(each, shamir._inverse(each)) == 1 for each in range(1, 256))


@pytest.mark.parametrize("chosen", list(permutations(range(5), 3)), ids=lambda chosen: "".join(map(str, chosen)))
def test_any_three_of_five_shares_in_any_order_give_the_secret(chosen: tuple[int, ...]) -> None:
    secret = bytes(range(32))
    shares = shamir.split(secret, parts=5, threshold=3)
    assert shamir.combine([shares[index] for index in chosen]) == secret


def test_a_share_is_the_secret_and_one_byte_long_and_ends_in_its_number() -> None:
    shares = shamir.split(bytes(32), parts=3, threshold=2)
    assert [(len(share), share[-1]) for share in shares] == [(33, 1), (33, 2), (33, 3)]


def test_more_shares_than_needed_give_the_secret() -> None:
    shares = shamir.split(b"secret", parts=4, threshold=2)
    assert shamir.combine(shares) == b"secret"


def test_too_few_shares_give_another_secret() -> None:
    shares = shamir.split(b"a long enough secret", parts=3, threshold=3)
    assert shamir.combine(shares[:2]) != b"a long enough secret"


def test_a_lost_share_is_computed_from_the_others() -> None:
    shares = shamir.split(b"secret", parts=4, threshold=2)
    assert shamir.share_at(shares[:2], 4) == shares[3]


@pytest.mark.parametrize(("parts", "threshold"), [(2, 3), (256, 2), (3, 1), (1, 1), (0, 0)])
def test_impossible_thresholds_are_refused(parts: int, threshold: int) -> None:
    with pytest.raises(ValueError, match="threshold"):
        shamir.split(b"secret", parts=parts, threshold=threshold)


def test_an_empty_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        shamir.split(b"", parts=2, threshold=2)


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ([], "less than two"),
        ([b"ab\x01"], "less than two"),
        ([b"ab\x01", b"abc\x02"], "same length"),
        ([b"\x01", b"\x02"], "same length"),
        ([b"ab\x01", b"cd\x01"], "duplicate"),
    ],
)
def test_unusable_shares_are_refused(shares: list[bytes], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        shamir.combine(shares)
