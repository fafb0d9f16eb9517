"""The repository as rotation needs it: commits and their files, history, worktrees; the only importer of GitPython."""

from __future__ import annotations

from secretsync.git.objects import ObjectReader
from secretsync.git.repository import LogEntry, Repository
from secretsync.git.worktrees import Worktree

__all__ = ["LogEntry", "ObjectReader", "Repository", "Worktree"]
