"""What age may use of the process around it: somebody to ask for a passphrase, and plugins with their environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from secretsync.errors import KeyServiceError

_NO_ENVIRONMENT: Final[Mapping[str, str]] = MappingProxyType({})


class Interaction(NamedTuple):
    """Without `prompt`, whatever would ask a person fails; without `plugins`, no plugin is started."""

    prompt: Callable[[str], str] | None = None
    plugins: bool = False
    environ: Mapping[str, str] = _NO_ENVIRONMENT
    plugin_timeout_seconds: float = 120.0
    """How long a plugin may stay silent; a person may have to find a hardware key."""

    def ask(self, question: str) -> str:
        """Return what a person answers.

        Raises:
            KeyServiceError: there is nobody to ask.
        """
        if self.prompt is None:
            raise KeyServiceError(f"cannot ask {question!r}: no terminal")
        return self.prompt(question)


NOBODY: Final = Interaction()
"""No person and no plugins."""
