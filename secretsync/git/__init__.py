"""The repository as rotation needs it: commits and their files, history, branches; the only starter of git."""

from __future__ import annotations

from secretsync.git import branches, checked_out
from secretsync.git.ahead import AheadReader
from secretsync.git.commits import LogEntry
from secretsync.git.objects import ObjectReader, blob_id
from secretsync.git.repository import Repository
from secretsync.git.worktrees import Worktree

__all__ = ["AheadReader", "LogEntry", "ObjectReader", "Repository", "Worktree", "blob_id", "branches", "checked_out"]
