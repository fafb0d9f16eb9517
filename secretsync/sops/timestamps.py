"""Points in time in the two spellings that sops needs: whole seconds for `lastmodified`, full fraction for values.

Nothing here computes with time: a time zone stays as it was written, and only offset 0 becomes `Z`.
Source: Go's time.Parse, Time.UnmarshalText and Time.Format(RFC3339, RFC3339Nano), as sops v3.13.3 calls them.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from secretsync.late import LateModule

if TYPE_CHECKING:
    import datetime as dt
else:
    dt = LateModule("datetime")  # most points in time are told without the calendar


def whole_seconds(text: str) -> str | None:
    """Return `text` as Go parses and formats it (RFC 3339, no fraction), or None if it is no point in time.

    Go's lenient parser takes a one-digit hour and a fraction behind `.` or `,`.
    """
    if len(text) == 20 and text[19] == "Z" and text[10] == "T" and (_is_ordinary(text) or _is_time(text[:19])):
        return text
    match = _rfc3339().fullmatch(text)
    if match is None:
        return None
    date, hour, rest, _, _, sign, zone_hour, zone_minute = match.groups()
    seconds = f"{date}T{hour:0>2}{rest}"
    if not _is_time(seconds) or int(zone_hour or 0) > 24 or int(zone_minute or 0) > 60:
        return None
    return seconds + _zone(sign, zone_hour, zone_minute)


def full_precision(text: str) -> str | None:
    """Return `text` with the fraction's trailing zeros cut and offset 0 as `Z`, or None if it is no RFC 3339 time."""
    match = _rfc3339().fullmatch(text)
    if match is None:
        return None
    date, hour, rest, point, fraction, sign, zone_hour, zone_minute = match.groups()
    if len(hour) != 2 or point == "," or not _is_time(f"{date}T{hour}{rest}"):
        return None
    if int(zone_hour or 0) > 23 or int(zone_minute or 0) > 59:
        return None
    fraction = (fraction or "")[:9].rstrip("0")
    return f"{date}T{hour}{rest}{'.' if fraction else ''}{fraction}{_zone(sign, zone_hour, zone_minute)}"


def timestamp(now: dt.datetime) -> str:
    """Return an aware `now` as sops writes `lastmodified`: UTC, whole seconds, `Z`."""
    return now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@cache
def _rfc3339() -> re.Pattern[str]:
    return re.compile(r"(\d{4}-\d\d-\d\d)T(\d{1,2})(:\d\d:\d\d)(?:([.,])(\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII)


def _is_ordinary(text: str) -> bool:
    """Whether `YYYY-MM-DDTHH:MM:SSZ` plainly exists, told without loading the calendar: no day beyond the 28th."""
    numbers = text[:4], text[5:7], text[8:10], text[11:13], text[14:16], text[17:19]
    if text[4] + text[7] + text[13] + text[16] != "--::" or not ("".join(numbers).isdigit() and text.isascii()):
        return False
    year, month, day, hour, minute, second = numbers
    return year > "0000" and "01" <= month <= "12" and "01" <= day <= "28" and hour < "24" and minute < "60" > second


def _is_time(text: str) -> bool:
    """Whether `YYYY-MM-DDTHH:MM:SS` names a day and a time that exist; a leap second does not, as in Go."""
    try:
        dt.datetime.fromisoformat(text)
    except ValueError:
        return text.startswith("0000-") and _is_time("2000-" + text[5:])  # Python has no year 0
    return text[4] == "-" == text[7] and text[13] == ":" == text[16]


def _zone(sign: str | None, hour: str | None, minute: str | None) -> str:
    offset = int(hour or 0) * 60 + int(minute or 0)
    return f"{sign}{offset // 60:02}:{offset % 60:02}" if offset else "Z"
