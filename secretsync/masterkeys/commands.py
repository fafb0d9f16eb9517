"""Programs that print a key: `SOPS_AGE_KEY_CMD` and its SSH sister, split as a shell splits words, run without one.

They are the helpers that may need a token, so they see the environment as it is, without the keys for us.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import Final

from secretsync import programs
from secretsync.errors import ConfigError, KeyServiceError

TIMEOUT_SECONDS: Final = 120.0


def output_of(
    command: str, environ: Mapping[str, str], *, name: str, recipient: str, timeout_seconds: float = TIMEOUT_SECONDS
) -> bytes:
    """Return what the command prints; it is told the recipient in `SOPS_AGE_RECIPIENT`.

    Raises:
        ConfigError: the command is empty or its quotes do not match.
        KeyServiceError: it cannot be started, fails, or does not end in time.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise ConfigError(f"{name} is not a command: {error}") from None
    if not words:
        raise ConfigError(f"{name} is empty")
    try:
        outcome = programs.run(
            programs.KEY_COMMAND,
            words,
            environ,
            {"SOPS_AGE_RECIPIENT": recipient},
            stdin=programs.DEVNULL,
            stdout=programs.PIPE,
            timeout=timeout_seconds,
        )
    except programs.TimeoutExpired:
        raise KeyServiceError(f"{words[0]!r} does not end within {timeout_seconds:g} seconds") from None
    except OSError as error:
        raise KeyServiceError(f"{words[0]!r} cannot be started: {error.strerror}") from None
    if outcome.returncode != 0:
        raise KeyServiceError(f"{words[0]!r} fails with exit code {outcome.returncode}")
    return outcome.stdout
