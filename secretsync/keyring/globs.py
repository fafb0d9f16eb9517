"""Path globs of the policy: `*` and `?` stay within one folder, `**` crosses folders, `[abc]` and `{a,b}` choose.

A glob is compiled to an anchored RE2 pattern, which is what the generated `.sops.yaml` holds, so that sops and the key
ring answer alike.
"""

from __future__ import annotations

import re
from functools import lru_cache

from secretsync.errors import ConfigError


def matches(glob: str, path: str) -> bool:
    """Whether a path, relative to the repository's root and with `/`, is one that `glob` means. Raises: ConfigError."""
    return _compiled(glob).fullmatch(path) is not None


@lru_cache(maxsize=1024)
def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile(to_pattern(glob))


def to_pattern(glob: str) -> str:
    r"""Return the anchored RE2 pattern of a glob: `a/**/*.yaml` becomes `^a/(?:.*/)?[^/]*\.yaml$`.

    Raises:
        ConfigError: a bracket or brace is not closed, or the glob is absolute, empty or leads upwards.
    """
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
    pattern = f"^{''.join(parts)}$"
    try:
        re.compile(pattern)
    except re.error as error:
        raise ConfigError(f"glob {glob!r} cannot be understood: {error.msg}") from None
    return pattern


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
    return {"*": "[^/]*", "?": "[^/]"}.get(sign, re.escape(sign)), 1, 0


def _choice(glob: str, at: int) -> tuple[str, int, int]:
    end = glob.find("]", at + 2)
    if end < 0:
        raise ConfigError(f"glob {glob!r} has a bracket that is not closed")
    inner = glob[at + 1 : end]
    negated = inner[:1] in "!^"
    escaped = re.sub(r"([\\\[\]^&~|])", r"\\\1", inner[1:] if negated else inner)
    return f"[{'^/' if negated else ''}{escaped}]", end + 1 - at, 0
