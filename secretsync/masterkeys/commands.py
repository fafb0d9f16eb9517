"""Programs that print a key: `SOPS_AGE_KEY_CMD` and its SSH sister, split as a shell splits words, run without one.

They get the environment as it is, since they are the helpers that may need a token; only keys for us are taken out.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from typing import Final

from secretsync.errors import ConfigError, KeyServiceError

_OURS: Final = ("SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE")
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
        raise ConfigError(f"{name} is no command: {error}") from None
    if not words:
        raise ConfigError(f"{name} is empty")
    child_environ = {key: value for key, value in environ.items() if key not in _OURS}
    child_environ["SOPS_AGE_RECIPIENT"] = recipient
    try:
        outcome = subprocess.run(
            words,
            env=child_environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            check=False,
            timeout=timeout_seconds,
        )
    except subprocess.TimeoutExpired:
        raise KeyServiceError(f"{words[0]!r} does not end within {timeout_seconds:g} seconds") from None
    except OSError as error:
        raise KeyServiceError(f"{words[0]!r} cannot be started: {error.strerror}") from None
    if outcome.returncode != 0:
        raise KeyServiceError(f"{words[0]!r} fails with exit code {outcome.returncode}")
    return outcome.stdout
