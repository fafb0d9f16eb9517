"""Blobs that are asked for ahead: in any order, as often as wanted, and with their own errors."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from secretsync.errors import RepositoryError
from secretsync.git import AheadReader, Repository, blob_id
from secretsync.git.objects import AHEAD, ObjectReader
from tests.unit.git.repositories import Made

COUNT = 3 * AHEAD
CONTENTS = [b"%d\n" % number * number * 300 for number in range(COUNT)]
ABSENT = "1" * 40


@pytest.fixture
def blobs(made: Made) -> list[str]:
    """Return the ids of blobs that a repository holds; all of them are more than a pipe holds."""
    for number, data in enumerate(CONTENTS):
        made.write(f"{number}", data)
    made.git("add", "-A")
    return [blob_id(data, ABSENT) for data in CONTENTS]


@pytest.fixture
def reader(made: Made, blobs: list[str]) -> Iterator[AheadReader]:  # what it reads
    """Return a reader that is closed afterwards."""
    found = AheadReader(Repository.containing(made.root).reader())
    yield found
    found.close()


def test_what_is_expected_is_asked_for_together(
    reader: AheadReader, blobs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    ask = ObjectReader.ask

    def counted(reader: ObjectReader, names: list[str]) -> None:
        asked.append(len(names))
        ask(reader, names)

    monkeypatch.setattr(ObjectReader, "ask", counted)
    reader.expect(blobs)
    assert [reader.read(blob) for blob in blobs] == CONTENTS
    assert len(asked) <= 2 * COUNT // AHEAD
    assert max(asked) <= AHEAD


def test_any_other_order_gives_the_same(reader: AheadReader, blobs: list[str]) -> None:
    reader.expect(blobs)
    assert [reader.read(blob) for blob in blobs[::-1]] == CONTENTS[::-1]


def test_what_was_not_expected_or_is_read_twice_comes_as_well(reader: AheadReader, blobs: list[str]) -> None:
    reader.expect([*blobs[:9], "", *blobs[:9]])
    assert reader.read(blobs[100]) == CONTENTS[100]
    for _ in range(4):
        assert [reader.read(blob) for blob in blobs[:9]] == CONTENTS[:9]
    reader.expect(blobs[50:])
    assert reader.read(blobs[2]) == CONTENTS[2]


def test_a_blob_that_is_absent_is_told_to_who_reads_it(reader: AheadReader, blobs: list[str]) -> None:
    reader.expect([blobs[1], ABSENT, blobs[2]])
    assert reader.read(blobs[2]) == CONTENTS[2]
    assert reader.read(blobs[1]) == CONTENTS[1]
    with pytest.raises(RepositoryError, match=f"no object {ABSENT}"):
        reader.read(ABSENT)
