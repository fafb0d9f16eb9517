"""One commit as its object says it. Source: git-commit-tree(1); Documentation/technical of git, commit objects.

Commits come from strangers: dates that no calendar has and encodings that nobody knows are replaced, never raised.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Final, NamedTuple

_EPOCH: Final = datetime.fromtimestamp(0, UTC)
_DAY: Final = timedelta(days=1)
_COSTLY: Final = frozenset({"idna", "punycode"})  # encodings of Python that take more than linear time


class LogEntry(NamedTuple):
    """One commit: id, author (`Name <address>`), committer date (ISO 8601, self-declared), its message."""

    commit: str
    author: str
    date: str
    message: str

    @property
    def address(self) -> str:
        """The author's address alone."""
        return self.author.rpartition("<")[2].rstrip(">")

    @property
    def subject(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]

    def trailer(self, name: str) -> str:
        """Return the value of a trailer line of the message, or nothing."""
        prefix = f"{name}: "
        return next((line[len(prefix) :] for line in self.message.split("\n") if line.startswith(prefix)), "")


def parse(commit: str, data: bytes) -> LogEntry:
    """Return a commit from the content of its object."""
    head, _, message = data.partition(b"\n\n")
    fields: dict[bytes, bytes] = {}
    for line in head.split(b"\n"):
        name, _, value = line.partition(b" ")
        fields.setdefault(name, value)
    encoding = fields.get(b"encoding", b"utf-8")
    who, closed, _ = fields.get(b"author", b"").rpartition(b">")
    date = _date(fields.get(b"committer", b"").rpartition(b">")[2].decode("ascii", "replace"))
    return LogEntry(commit, _text(who + closed, encoding), date, _text(message, encoding).strip("\n"))


def _text(data: bytes, encoding: bytes) -> str:
    name = encoding.decode("ascii", "replace").lower()
    try:
        return data.decode("utf-8" if name in _COSTLY else name, "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace")


def _date(text: str) -> str:
    """Return seconds and zone, as in `1764000000 +0100`, in ISO 8601."""
    seconds, _, zone = text.strip().partition(" ")
    try:
        offset = timedelta(hours=int(zone[:3]), minutes=int(zone[:1] + zone[3:]))
        where = timezone(offset) if abs(offset) < _DAY else UTC
        return datetime.fromtimestamp(int(seconds), where).isoformat()
    except (ValueError, OverflowError, OSError):
        return _EPOCH.isoformat()
