"""The rules of a revision that was reviewed, beside those of the files at hand: a change takes no file out of them.

Whom files are encrypted for is judged by the rules at hand, so that a colleague can be added; that they changed is told.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Final

from secretsync import files
from secretsync.audit.ruleset import RULES_CHANGED
from secretsync.errors import SecretsyncError
from secretsync.findings import Finding
from secretsync.keyring.naming import FileRule, Naming
from secretsync.keyring.rule_files import FilesOfState
from secretsync.letters import argument

_MOST: Final = 1024 * 1024  # bytes that are compared


class ReviewedRules:
    """What the rules of a revision say of files; rules in it that do not read say nothing, and no change can write them."""

    def __init__(self, state: FilesOfState, today: date) -> None:
        self._state = state
        self._naming: Naming | None = None
        try:
            here = state.config_of(os.getcwd())
            self._naming = Naming(state.config(here) if here else None, today=today, where=state)
        except SecretsyncError:
            return

    def rules_for(self, path: str) -> list[FileRule]:
        """Return the rules that were for a file."""
        try:
            return self._naming.rules_for(path) if self._naming else []
        except SecretsyncError:
            return []

    def allows_private_keys(self, path: str) -> bool:
        """Whether the policy allowed a private key in a file."""
        try:
            return self._naming is not None and self._naming.allows_private_keys(path)
        except SecretsyncError:
            return False

    def differences(self, used: Iterable[Path]) -> list[Finding]:
        """Return a note for each file that decides who reads what, and is not what it was; `used` are those at hand."""
        then = self._state.contents
        changed = {path for path, data in then.items() if self._is_other(path, data)}
        added = {path for path in map(self._state.inside, used) if path and path not in then}
        return [self._told(path) for path in sorted(changed | added)]

    def _is_other(self, path: str, data: bytes) -> bool:
        try:
            return files.read_confined(self._state.root, path, _MOST) != data
        except SecretsyncError:
            return True

    def _told(self, path: str) -> Finding:
        shown = os.path.relpath(os.path.join(self._state.root, path))
        message = f"decides who reads what, and differs from {self._state.name}"
        hint = f"git diff {argument(self._state.name)} -- {argument(shown)}"
        return RULES_CHANGED.finding(shown, "", message, hint)
