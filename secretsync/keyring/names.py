"""What principals, groups and keys may be called."""

from __future__ import annotations

from typing import Final

import secretsync.letters as letters
from secretsync.configuration import Fields
from secretsync.errors import ConfigError
from secretsync.masterkeys.publichalf import require_public

_NAME: Final = letters.LOWER + letters.DIGITS + "-"


def required(fields: Fields, field: str) -> str:
    """Return the name that stands in a field. Raises: ConfigError: there is none."""
    return require(fields.required(field), fields.place(field))


def is_name(text: str) -> bool:
    """Whether a text can name a principal, a group or a key."""
    return letters.consists_of(text, _NAME) and not text.startswith("-") and not text.endswith("-")


def require(name: str, where: str) -> str:
    """Return a name that is one. Raises: ConfigError."""
    require_public(name, where)
    if not is_name(name):
        raise ConfigError(f"{name!r} is not a valid name: use a-z, 0-9 and hyphens", location=where)
    return name
