"""PEM blocks among other text: where each begins and ends."""

from __future__ import annotations

import pytest

from secretsync.sealed.pem import blocks

A = b"-----BEGIN A-----\nQUJD\n-----END A-----"


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (A, [("A", b"ABC", False)]),
        (b"text\n" + A + b"\nmore\n" + A, [("A", b"ABC", False)] * 2),
        (A.replace(b"\n", b"\r\n"), [("A", b"ABC", False)]),
        (A.replace(b" A-----\n", b" A----- \t\n"), [("A", b"ABC", False)]),
        (A.replace(b"BEGIN A", b"BEGIN B"), []),
        (b"-----BEGIN B-----\n" + A, [("A", b"ABC", False)]),
        (b"-----END A-----\n" + A, [("A", b"ABC", False)]),
        (b"-----BEGIN A-----\n" + A, []),
        (b"-----BEGIN B-----\n" + A + b"\n-----END B-----\n" + A, [("A", b"ABC", False)]),
        (b" " + A, []),
        (A.replace(b"QUJD", b"DEK-Info: x"), [("A", b"", True)]),
        (A.replace(b"QUJD", b"QUJ"), []),
        (b"-----BEGIN A-----", []),
        (b"-----BEGIN A-----\n-----END A", []),
        (A.replace(b"A-----", b"a-----"), []),
    ],
)
def test_blocks_are_found_line_by_line(data: bytes, found: list[tuple[str, bytes, bool]]) -> None:
    assert [(block.label, block.der, block.has_headers) for block in blocks(data)] == found


def test_the_text_of_a_block_ends_with_its_own_end() -> None:
    assert blocks(b"x\n" + A + b" trailing\n")[0].text == A + b"\n"
