"""What a runbook wants to know: each parameter has a kind, and its text is parsed once, where it comes in.

A plan records the texts; whatever works with a parameter asks for its value.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Final, Literal, NamedTuple, TypeAlias

from secretsync.errors import ParameterError, PolicyError, SecretsyncError, shortened
from secretsync.keyring import globs
from secretsync.keyring.key_intake import PUBLIC_HALF, Candidate, type_of
from secretsync.keyring.names import is_name
from secretsync.late import load
from secretsync.masterkeys.kinds import of_ring_type
from secretsync.privatekeys import kind_of

Kind: TypeAlias = Literal["text", "globs", "name", "names", "choice", "day", "days", "count", "recipient", "file"]
Value: TypeAlias = str | int | date | tuple[str, ...] | Candidate

MOST_DAYS: Final = 36_500
"""A hundred years: a day so far from today is still one that a calendar has."""
_MOST: Final = 10**9


class Parameter(NamedTuple):
    """One thing a scenario wants to know. Of a `file` (a public one) the text is its content; `choices` make a choice."""

    name: str
    help: str
    kind: Kind = "text"
    required: bool = False
    default: str = ""
    choices: tuple[str, ...] = ()

    @property
    def option(self) -> str:
        """How a command line names it."""
        return "SUBJECT" if self.name == "subject" else f"--{self.name}"

    def parse(self, text: str) -> Value:
        """Return the value that a text stands for.

        Raises:
            ParameterError: it stands for none.
            PolicyError: it is a private key, which is not repeated.
        """
        if kind_of(text):
            message = "this is a private key: keep it where it is, and hand in its public half"
            raise PolicyError(message, location=self.option, hint=PUBLIC_HALF)
        if self.kind == "choice":
            if text in self.choices:
                return text
            raise ParameterError(f"is one of {', '.join(self.choices)}, not {_shown(text)}", location=self.option)
        kind = _KINDS[self.kind]
        value = kind.parse(text)
        if value is None:
            given = "" if self.kind == "recipient" else f", not {_shown(text)}"  # it may be half a private key
            hint = f"for example: {kind.example if self.name == 'subject' else f'{self.option} {kind.example}'}"
            raise ParameterError(f"takes {kind.takes}{given}", location=self.option, hint=hint)
        return value


PATHS: Final = Parameter("paths", "only files that this glob matches; may be given several times", "globs")
"""What every runbook takes."""


class Parameters:
    """The parameters of one run, parsed. `texts` is what was given, defaults filled in; one that is not there is empty."""

    def __init__(self, texts: Mapping[str, str], values: Mapping[str, Value], today: date) -> None:
        self.texts = {**texts, "today": today.isoformat()}
        self.today = today
        self._values = values

    def text(self, name: str) -> str:
        """Return a text, name, choice or file's content; "" where it was not given."""
        value = self._values.get(name, "")
        assert isinstance(value, str)
        return value

    def names(self, name: str) -> tuple[str, ...]:
        """Return a list of names; an empty one where it was not given."""
        return self._texts(name)

    def globs(self, name: str) -> tuple[str, ...]:
        """Return globs; none where none were given."""
        return self._texts(name)

    def number(self, name: str) -> int | None:
        """Return a count or a number of days."""
        value = self._values.get(name)
        assert value is None or isinstance(value, int)
        return value

    def day(self, name: str) -> date | None:
        """Return a day."""
        value = self._values.get(name)
        assert value is None or isinstance(value, date)
        return value

    def recipient(self, name: str) -> Candidate | None:
        """Return a public key with its type."""
        value = self._values.get(name)
        assert value is None or isinstance(value, Candidate)
        return value

    def _texts(self, name: str) -> tuple[str, ...]:
        value = self._values.get(name, ())
        assert isinstance(value, tuple)
        assert not isinstance(value, Candidate)
        return value


def is_within(chosen: Collection[str], path: str) -> bool:
    """Whether one of some globs matches a path; everything is within none."""
    return not chosen or any(globs.matches(glob, path) for glob in chosen)


class _ParameterKind(NamedTuple):
    """How a kind is parsed (None for what is none), what it takes, and an example of it."""

    parse: Callable[[str], Value | None]
    takes: str
    example: str


def _recipient(text: str) -> Candidate | None:
    """Return the key that a text names, of a kind that data keys can be wrapped for here."""
    recipient = text.strip()
    ring_type = type_of(recipient)
    if ring_type is None or not of_ring_type(ring_type).service:
        return None
    try:
        if check := of_ring_type(ring_type).check:
            load(check)(recipient)
    except SecretsyncError:
        return None
    return Candidate(ring_type, recipient)


def _name(text: str) -> str | None:
    return text if is_name(text) else None


def _names(text: str) -> tuple[str, ...] | None:
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    return found if all(map(is_name, found)) else None


def _globs(text: str) -> tuple[str, ...] | None:
    """Return the globs of a text, one a line; a glob may hold commas."""
    found = tuple(line for line in text.split("\n") if line)
    try:
        for glob in found:
            globs.to_pattern(glob)
    except SecretsyncError:
        return None
    return found


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _number(text: str, least: int, most: int) -> int | None:
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(_MOST)):
        return None
    return int(text) if least <= int(text) <= most else None


def _shown(text: str) -> str:
    return repr(shortened(text))


_KINDS: Final[dict[Kind, _ParameterKind]] = {
    "text": _ParameterKind(lambda text: text, "a text", "TEXT"),
    "file": _ParameterKind(lambda text: text, "a file", "FILE"),
    "globs": _ParameterKind(_globs, "a glob", '"prod/**"'),
    "name": _ParameterKind(_name, "a name of a-z, 0-9 and hyphens", "alice"),
    "names": _ParameterKind(_names, "names of a-z, 0-9 and hyphens, with commas between them", "platform,on-call"),
    "day": _ParameterKind(_day, "a day, as in 2026-11-24", "2026-11-24"),
    "days": _ParameterKind(
        lambda text: _number(text, 0, MOST_DAYS), f"a whole number of days, up to {MOST_DAYS}", "14"
    ),
    "count": _ParameterKind(lambda text: _number(text, 1, _MOST), f"a whole number, from 1 to {_MOST}", "50"),
    "recipient": _ParameterKind(_recipient, "a public key (age1…, ssh-ed25519 …, or a PGP fingerprint)", "age1…"),
}
