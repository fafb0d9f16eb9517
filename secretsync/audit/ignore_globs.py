"""Globs as in `.gitignore`, for files that are not examined.

Source: gitignore(5), PATTERN FORMAT, and wildmatch.c of git. The last glob that matches decides; what lies in an ignored
folder stays ignored. Stricter than git: a glob that could match nothing (no end to its bracket, a comment) is an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final, NamedTuple

from secretsync.errors import ConfigError
from secretsync.sops import patterns

_SPECIAL: Final = frozenset("\\.+*?()|[]{}^$")
_CLASSES: Final = {  # in ASCII, as git has them, and without the slash
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "blank": " \\t", "cntrl": "\\x00-\\x1f\\x7f", "digit": "0-9",
    "graph": "!-.0-~", "lower": "a-z", "print": " -.0-~", "punct": "!-.:-@\\[-`{-~", "space": "\\s\\v", "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}  # fmt: skip


class _Glob(NamedTuple):
    pattern: patterns.Pattern
    takes_back: bool
    folders_only: bool


class IgnoreGlobs:
    """The globs of a list, in its order."""

    def __init__(self, globs: Iterable[str] = ()) -> None:
        """Raises: ConfigError: a glob cannot be understood."""
        self._globs = [_understood(glob) for glob in globs]
        self._ignores_folder = cache(self._folder)

    def __bool__(self) -> bool:
        return bool(self._globs)

    def ignores(self, path: str) -> bool:
        """Whether a file is left out; its path is relative to the repository's root, with `/`."""
        if not self._globs or path.startswith("../"):
            return False
        path = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        folder = path.rpartition("/")[0]
        return (bool(folder) and self._ignores_folder(folder)) or self._last(path, is_folder=False)

    def _folder(self, path: str) -> bool:
        above = ""
        for step in path.split("/"):
            above = f"{above}/{step}" if above else step
            if self._last(above, is_folder=True):
                return True
        return False

    def _last(self, path: str, *, is_folder: bool) -> bool:
        for glob in reversed(self._globs):
            if (is_folder or not glob.folders_only) and glob.pattern.matches_all(path):
                return not glob.takes_back
        return False


def _understood(glob: str) -> _Glob:
    rest = _without_trailing_blanks(glob)
    if rest.startswith("#"):
        raise ConfigError(f"glob {glob!r} would be a comment in .gitignore", hint="begin it with \\#")
    takes_back = rest.startswith("!")
    rest = rest.removeprefix("!")
    folders_only = rest.endswith("/")
    rest = rest.removesuffix("/")
    if not rest.strip("/") or "\0" in rest or "//" in rest:
        raise ConfigError(f"glob {glob!r} can match nothing")
    anchored = "/" in rest
    try:
        pattern = patterns.compiled(("" if anchored else "(?:.*/)?") + _spelled(glob, rest.removeprefix("/")))
    except patterns.InvalidPatternError as error:
        raise ConfigError(f"glob {glob!r} cannot be understood: {error}") from None
    return _Glob(pattern, takes_back, folders_only)


def _without_trailing_blanks(glob: str) -> str:
    kept = glob.rstrip(" ")
    escapes = len(kept) - len(kept.rstrip("\\"))
    return f"{kept} " if escapes % 2 and kept != glob else kept


def _spelled(glob: str, rest: str) -> str:
    """Return the pattern for a whole path."""
    parts: list[str] = []
    at = 0
    while at < len(rest):
        text, size = _token(glob, rest, at)
        parts.append(text)
        at += size
    return f"(?s:{''.join(parts)})"


def _token(glob: str, rest: str, at: int) -> tuple[str, int]:
    """Return the pattern of what stands at `at`, and its length in the glob."""
    sign = rest[at]
    if sign == "*":
        return _stars(rest, at)
    if sign == "?":
        return "[^/]", 1
    if sign == "[":
        return _bracket(glob, rest, at)
    if sign == "\\":
        if at + 1 == len(rest):
            raise ConfigError(f"glob {glob!r} ends in the midst of an escape")
        return _literal(rest[at + 1]), 2
    return _literal(sign), 1


def _stars(rest: str, at: int) -> tuple[str, int]:
    end = at
    while rest.startswith("*", end):
        end += 1
    begins = at == 0 or rest[at - 1] == "/"
    if end - at == 2 and begins and rest.startswith("/", end):
        return "(?:.*/)?", 3
    if end - at == 2 and begins and end == len(rest):
        return ".*" if at == 0 else ".+", 2
    return "[^/]*", end - at


def _literal(sign: str) -> str:
    return f"\\{sign}" if sign in _SPECIAL else sign


def _bracket(glob: str, rest: str, at: int) -> tuple[str, int]:
    start = at + 1
    negated = rest[start : start + 1] in {"!", "^"}
    start += negated
    parts: list[str] = []
    here = start
    while here == start or not rest.startswith("]", here):
        if here >= len(rest):
            raise ConfigError(f"glob {glob!r} has a bracket that is not closed")
        text, size = _of_set(glob, rest, here)
        parts.append(text)
        here += size
    inside = "".join(parts)
    if not inside and not negated:
        raise ConfigError(f"glob {glob!r} can match nothing: a bracket never stands for a slash")
    return f"[{'^/' if negated else ''}{inside}]", here + 1 - at


def _of_set(glob: str, rest: str, at: int) -> tuple[str, int]:
    """Return one sign, range or class of a bracket, never a slash, and its length in the glob."""
    if rest.startswith("[:", at):
        name, closed, _ = rest[at + 2 :].partition(":]")
        if closed and name in _CLASSES:
            return _CLASSES[name], len(name) + 4
        raise ConfigError(f"glob {glob!r} names an unknown class in a bracket")
    low, size = _member(rest, at)
    if not rest.startswith("-", at + size) or rest[at + size + 1 : at + size + 2] in {"", "]"}:
        return ("" if low == "/" else _in_set(low)), size
    high, more = _member(rest, at + size + 1)
    if high < low:
        raise ConfigError(f"glob {glob!r} has a range that ends before it begins")
    halves = ((low, min(high, ".")), (max(low, "0"), high))
    return "".join(f"{_in_set(one)}-{_in_set(other)}" for one, other in halves if one <= other), size + 1 + more


def _member(rest: str, at: int) -> tuple[str, int]:
    return (rest[at + 1], 2) if rest[at] == "\\" and at + 1 < len(rest) else (rest[at], 1)


def _in_set(sign: str) -> str:
    return f"\\{sign}" if sign in "\\[]^-" else sign
