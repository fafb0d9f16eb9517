"""What proofs about the command line share with its tests."""

from __future__ import annotations

from tests.cli.conftest import encrypted, folder, invoke, recipient

__all__ = ["encrypted", "folder", "invoke", "recipient"]
