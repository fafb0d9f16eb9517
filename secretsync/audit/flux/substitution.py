"""postBuild: how the controller puts variables into text, strict as it is by default.

Source: fluxcd/pkg/envsubst at 1.7.1. It works on the text of a whole object; here each of its texts is taken by
itself, which differs only where a brace is never closed, and there either way fails or is a mistake.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple, cast

from secretsync.manifests.objects import Object

_DEFAULTS: Final = frozenset({"-", "+", "=", "?", ":-", ":+", ":=", ":?"})
_DISABLED: Final = "kustomize.toolkit.fluxcd.io/substitute"


class UnsetError(Exception):
    """A variable is not set, and its use says no default. The text is its name."""


class MalformedError(Exception):
    """An expression cannot be read. The text says why, without what stands in it."""


class Variables(NamedTuple):
    """The variables that are known. Not `complete`: some come from the cluster, and may be any."""

    known: dict[str, str]
    complete: bool = True

    def value(self, name: str) -> str:
        """Return the value of a variable. Raises: UnsetError."""
        if name not in self.known:
            raise UnsetError(name)
        return self.known[name]


class Expression(NamedTuple):
    """One `${…}`: the variable, the operator with it, and its arguments as texts that may hold expressions."""

    name: str
    operator: str
    arguments: list[str]


def is_disabled(labels: Object, annotations: Object) -> bool:
    """Whether an object opts out of substitution."""
    return "disabled" in {labels.get(_DISABLED), annotations.get(_DISABLED)}


def substituted(value: str, variables: Variables) -> str:
    """Return a text with its variables put in, and `$$` as `$`.

    Raises:
        UnsetError: a variable is not known.
        MalformedError: an expression is not closed, or none.
    """
    if "$" not in value:
        return value
    parts: list[str] = []
    position = 0
    while position < len(value):
        if value.startswith("${", position):
            expression, position = _expression(value, position + 2)
            parts.append(_evaluated(expression, variables))
        elif value.startswith("$$", position):
            # Of two signs the first is dropped, and the second is text, whatever follows it.
            parts.append("$")
            position += 2
        else:
            parts.append(value[position])
            position += 1
    return "".join(parts)


def doubles_lost(value: str) -> bool:
    """Whether `$$` that escapes no expression becomes `$`."""
    position = value.find("$$")
    while position >= 0:
        if not value.startswith("{", position + 2):
            return True
        position = value.find("$$", position + 2)
    return False


def _evaluated(expression: Expression, variables: Variables) -> str:
    arguments = [substituted(each, variables) for each in expression.arguments]
    operator = expression.operator
    if operator in _DEFAULTS:
        return variables.known.get(expression.name, "") or "".join(arguments)
    return _TRANSFORMS.get(operator, _unchanged)(variables.value(expression.name), arguments)


def _expression(value: str, position: int) -> tuple[Expression, int]:
    """Return the expression whose name begins at `position`, and where the text goes on behind it."""
    if value.startswith("#", position):
        name, end = _name(value, position + 1)
        if not name or value[end : end + 1] != "}":
            raise MalformedError("bad substitution")
        return Expression(name, "length", []), end + 1
    name, end = _name(value, position)
    if not name:
        raise MalformedError("no name of a variable" if end < len(value) else "missing closing brace")
    sign = value[end : end + 1]
    if sign == "}":
        return Expression(name, "", []), end + 1
    operator = _operator(value, end)
    if not operator:
        raise MalformedError("missing closing brace")
    if operator[0] in ",^":
        if value[end + len(operator) : end + len(operator) + 1] != "}":
            raise MalformedError("bad substitution")
        return Expression(name, operator, []), end + len(operator) + 1
    inner, close = _until_closed(value, end + len(operator))
    return Expression(name, operator, _arguments(operator, inner)), close


def _name(value: str, position: int) -> tuple[str, int]:
    end = position
    while end < len(value) and (value[end].isalpha() or value[end].isdecimal() or value[end] == "_"):
        end += 1
    return value[position:end], end


def _operator(value: str, position: int) -> str:
    for operator in (*_LONG, *_SHORT):
        if value.startswith(operator, position):
            return operator
    return ""


def _until_closed(value: str, position: int) -> tuple[str, int]:
    """Return what stands before the brace that closes an expression, and where the text goes on behind it."""
    depth, end = 0, position
    while end < len(value):
        if value.startswith("${", end):
            depth += 1
            end += 1
        elif value[end] == "}":
            if depth == 0:
                return value[position:end], end + 1
            depth -= 1
        end += 1
    raise MalformedError("missing closing brace")


def _arguments(operator: str, inner: str) -> list[str]:
    if operator == ":":
        return inner.split(":", 1)
    if operator[0] == "/":
        first, found, second = inner.partition("/")
        if not found:
            raise MalformedError("bad substitution")
        return [first, second]
    return [inner]


def _substring(value: str, arguments: list[str]) -> str:
    try:
        start, *length = (int(each) for each in arguments)
    except ValueError:
        return value
    start = max(0, len(value) + start) if start < 0 else start
    end = len(value) if not length else start + length[0] if length[0] >= 0 else len(value) + length[0]
    return value[start : max(start, end)]


def _unchanged(value: str, _: list[str]) -> str:
    return value


_LONG: Final = (":-", ":+", ":=", ":?", ",,", "^^", "##", "%%", "//", "/#", "/%")
_SHORT: Final = ("=", ":", ",", "^", "#", "%", "/")
_TRANSFORMS: Final[dict[str, Callable[[str, list[str]], str]]] = {
    "length": lambda value, _: str(len(value.encode())),
    ",": lambda value, _: value[:1].lower() + value[1:],
    ",,": lambda value, _: value.lower(),
    "^": lambda value, _: value[:1].upper() + value[1:],
    "^^": lambda value, _: value.upper(),
    ":": _substring,
    "/": lambda value, given: value.replace(given[0], given[1], 1),
    "//": lambda value, given: value.replace(given[0], given[1]),
    "/#": lambda value, given: given[1] + value[len(given[0]) :] if value.startswith(given[0]) else value,
    "/%": lambda value, given: value[: len(value) - len(given[0])] + given[1] if value.endswith(given[0]) else value,
}  # fmt: skip
"""What the operators make of a value; `#` and `%`, which cut patterns off, are left out: nothing here depends on them."""


class Trouble(NamedTuple):
    """A text that makes the build fail: its place in the object, and why. Where it `is_unset`, the reason names a variable."""

    place: str
    problem: str
    is_unset: bool


def leaves(value: object, place: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text of an object with its place; keys count as well."""
    if isinstance(value, dict):
        for key, item in value.items():
            here = f"{place}.{key}".removeprefix(".")
            if isinstance(key, str) and "$" in key:
                yield here, key
            yield from leaves(item, here)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from leaves(item, f"{place}[{index}]")
    elif isinstance(value, str):
        yield place, value


def troubles(obj: Object, variables: Variables) -> Iterator[Trouble]:
    """Yield each text of an object that makes the build fail. What an unknown variable does is not told unless all are known."""
    for place, value in leaves(obj):
        if "$" not in value:
            continue
        try:
            substituted(value, variables)
        except UnsetError as error:
            if variables.complete:
                yield Trouble(place, f"variable {str(error)!r} is not set", is_unset=True)
        except MalformedError as error:
            yield Trouble(place, str(error), is_unset=False)


def replaced(value: object, variables: Variables) -> object:
    """Return an object with its variables put in; a text that cannot be done stays as it is."""
    if isinstance(value, dict):
        return {cast("str", replaced(key, variables)): replaced(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [replaced(item, variables) for item in value]
    if isinstance(value, str):
        try:
            return substituted(value, variables)
        except (UnsetError, MalformedError):
            return value
    return value
