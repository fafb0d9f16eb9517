"""Questions about files and keys whose answers are findings: results to read or to feed to a machine, not exceptions."""

from __future__ import annotations

from secretsync.audit.checking import check
from secretsync.findings import Finding, Level, Report

__all__ = ["Finding", "Level", "Report", "check"]
