"""Points in time as Go reads and writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from secretsync.sops.timestamps import full_precision, timestamp, whole_seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05-00:00", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05.999Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05,5Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T3:04:05Z", "2026-01-02T03:04:05Z"),
        ("2026-01-02T03:04:05+01:30", "2026-01-02T03:04:05+01:30"),
        ("2026-01-02T03:04:05+12:60", "2026-01-02T03:04:05+13:00"),
        ("0000-01-02T03:04:05Z", "0000-01-02T03:04:05Z"),
        ("0000-02-30T03:04:05Z", None),
        ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
        ("2026-02-29T00:00:00Z", None),
        ("2026-01-02T24:00:00Z", None),
        ("2026-01-02T03:04:60Z", None),
        ("2026-01-02T03:04:05+25:00", None),
        ("2026-01-02t03:04:05Z", None),
        ("2026-01-02T03:04:05z", None),
        ("2026-01-02 03:04:05Z", None),
        ("2026-01-02T03:04:05", None),
        ("20260102T030405.000Z", None),
        ("2026-W01-2T03:04:05Z", None),
        ("", None),
    ],
)
def test_whole_seconds(text: str, expected: str | None) -> None:
    assert whole_seconds(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2001-12-15T02:59:43.10Z", "2001-12-15T02:59:43.1Z"),
        ("2001-12-15T02:59:43.000Z", "2001-12-15T02:59:43Z"),
        ("2001-12-15T02:59:43.1234567891Z", "2001-12-15T02:59:43.123456789Z"),
        ("2001-12-14T21:59:43.1-05:00", "2001-12-14T21:59:43.1-05:00"),
        ("2001-12-14T21:59:43+00:00", "2001-12-14T21:59:43Z"),
        ("2001-12-14T9:59:43Z", None),
        ("2001-12-14T09:59:43,5Z", None),
        ("2001-12-14T09:59:43+24:00", None),
        ("2001-12-14T09:59:43+01:60", None),
        ("2001-13-14T09:59:43Z", None),
        ("tomorrow", None),
    ],
)
def test_full_precision(text: str, expected: str | None) -> None:
    assert full_precision(text) == expected


def test_now_is_written_in_utc_and_whole_seconds() -> None:
    now = datetime(2026, 1, 2, 4, 4, 5, 999, tzinfo=timezone(timedelta(hours=1)))
    assert timestamp(now) == "2026-01-02T03:04:05Z"
    assert timestamp(datetime(2026, 1, 2, tzinfo=UTC)) == "2026-01-02T00:00:00Z"
