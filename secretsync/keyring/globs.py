"""Path globs of the policy: `*` and `?` stay within one folder, `**` crosses folders, `[abc]` and `{a,b}` choose.

A glob is compiled to an anchored RE2 pattern, which is what the generated `.sops.yaml` holds, so that sops and the key
ring answer alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from secretsync.errors import ConfigError
from secretsync.sops import patterns

_SPECIAL: Final = {sign: f"\\{sign}" for sign in "\t\n\v\f\r #$&()*+-.?[\\]^{|}~"}
_IN_BRACKETS: Final = str.maketrans({sign: f"\\{sign}" for sign in "\\[]^&~|"})


def matches(glob: str, path: str) -> bool:
    """Whether a path, relative to the repository's root and with `/`, is one that `glob` means. Raises: ConfigError."""
    return _compiled(glob).matches_all(path)


@lru_cache(maxsize=1024)
def _compiled(glob: str) -> patterns.Pattern:
    return _understood(glob, _spelled(glob))


def to_pattern(glob: str) -> str:
    r"""Return the anchored RE2 pattern of a glob: `a/**/*.yaml` becomes `^a/(?:.*/)?[^/]*\.yaml$`.

    Raises:
        ConfigError: a bracket or brace is not closed, or the glob is absolute, empty, too long or leads upwards.
    """
    pattern = _spelled(glob)
    _understood(glob, pattern)
    return pattern


def _understood(glob: str, pattern: str) -> patterns.Pattern:
    try:
        return patterns.compiled(pattern)
    except patterns.InvalidPatternError as error:
        raise ConfigError(f"glob {glob!r} cannot be understood: {error}") from None


def _spelled(glob: str) -> str:
    if not glob or glob.startswith("/") or ".." in glob.split("/"):
        raise ConfigError(f"a path of the policy is relative to the repository and stays in it, and {glob!r} is not")
    parts: list[str] = []
    depth = position = 0
    while position < len(glob):
        text, size, change = _token(glob, position, depth)
        parts.append(text)
        position += size
        depth += change
    if depth:
        raise ConfigError(f"glob {glob!r} has a brace that is not closed")
    return f"^{''.join(parts)}$"


def _token(glob: str, at: int, depth: int) -> tuple[str, int, int]:
    """Return the pattern of what stands at `at`, its length in the glob, and by how much braces get deeper."""
    if glob.startswith("**/", at) and (at == 0 or glob[at - 1] == "/"):
        return "(?:.*/)?", 3, 0
    if glob.startswith("**", at):
        return ".*", 2, 0
    sign = glob[at]
    if sign == "[":
        return _choice(glob, at)
    if sign == "{":
        return "(?:", 1, 1
    if depth and sign in ",}":
        return ("|", 1, 0) if sign == "," else (")", 1, -1)
    if sign in "*?":
        return "[^/]*" if sign == "*" else "[^/]", 1, 0
    return _SPECIAL.get(sign, sign), 1, 0


def _choice(glob: str, at: int) -> tuple[str, int, int]:
    end = glob.find("]", at + 2)
    if end < 0:
        raise ConfigError(f"glob {glob!r} has a bracket that is not closed")
    inner = glob[at + 1 : end]
    negated = inner[:1] in "!^"
    escaped = (inner[1:] if negated else inner).translate(_IN_BRACKETS)
    return f"[{'^/' if negated else ''}{escaped}]", end + 1 - at, 0


@dataclass(frozen=True, slots=True)
class IgnoredPaths:
    """Files that are not the ring's to keep, such as examples and fixtures: globs, and the reason that reports show."""

    paths: tuple[str, ...]
    reason: str

    def matches(self, path: str) -> bool:
        """Whether a path relative to the repository's root is among them."""
        return any(matches(glob, path) for glob in self.paths)

    def __str__(self) -> str:
        return f"{', '.join(self.paths)} ({self.reason})"
