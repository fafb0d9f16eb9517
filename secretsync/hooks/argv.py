"""Reading a hook's command line from a table: `--name VALUE`, `--name=VALUE`, `-n VALUE`, `-nVALUE`, `--`, operands.

No library: an option parser would cost more start-up time than the whole rendering of a file.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from secretsync.rendering.formats import Format
    from secretsync.rendering.options import Mode


class UsageError(Exception):
    """The command line is wrong; the message says how, in one line."""


class Option(NamedTuple):
    """One row of a command's table: where its value goes, whether it takes one, and which values are allowed."""

    name: str
    takes_value: bool = True
    choices: Collection[str] = ()
    hidden: bool = False


class Parsed(NamedTuple):
    """What a command line says: values by name (True for a flag), and the operands in order."""

    values: dict[str, str | bool]
    operands: list[str]

    def text(self, name: str) -> str | None:
        """Return the value of an option that takes one, None if it was not given."""
        value = self.values.get(name)
        return value if isinstance(value, str) else None

    def flag(self, name: str) -> bool:
        """Whether a flag was given."""
        return self.values.get(name) is True


class Request(NamedTuple):
    """What a command line or a function config asks for; None and False ask for nothing."""

    mode: Mode | None = None
    cert_file: str | None = None
    seal_key_file: str | None = None
    allow_expired: bool = False
    namespace: str | None = None
    output: Format | None = None
    allow_empty: bool = False
    size: int | None = None
    documents: int | None = None
    allow_ciphertext: bool = False


HELP: Final = Option("help", takes_value=False)


def parse(arguments: Sequence[str], table: Mapping[str, Option]) -> Parsed:
    """Read `arguments` by `table`, which maps `--long` and `-s` to an option; the last of equal options counts.

    Raises:
        UsageError: an unknown option, a missing, needless or unknown value.
    """
    values: dict[str, str | bool] = {}
    operands: list[str] = []
    waiting = list(reversed(arguments))
    while waiting:
        argument = waiting.pop()
        if argument == "--":
            operands += reversed(waiting)
            break
        if argument == "-" or not argument.startswith("-"):
            operands.append(argument)
            continue
        spelling, value = _split(argument)
        option = table.get(spelling)
        if option is None:
            raise UsageError(f"no such option: {spelling}")
        values[option.name] = _value(option, spelling, value, waiting)
    return Parsed(values, operands)


def _split(argument: str) -> tuple[str, str | None]:
    """Return the option's spelling and the value that is attached to it."""
    if argument.startswith("--"):
        spelling, equals, value = argument.partition("=")
        return spelling, value if equals else None
    return argument[:2], argument[2:].removeprefix("=") if len(argument) > 2 else None


def _value(option: Option, spelling: str, value: str | None, waiting: list[str]) -> str | bool:
    if not option.takes_value:
        if value is not None:
            raise UsageError(f"option {spelling} does not take a value")
        return True
    if value is None:
        if not waiting:
            raise UsageError(f"option {spelling} needs a value")
        value = waiting.pop()
    if option.choices and value not in option.choices:
        raise UsageError(f"invalid value {value!r} for {spelling}: use one of {', '.join(option.choices)}")
    return value
