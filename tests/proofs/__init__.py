"""Evidence in two tiers: each file here runs a seeded sample with all other tests, and all of it by `make proof-NAME`."""

from __future__ import annotations

import os
from typing import Final

FULL: Final = os.environ.get("SECRETSYNC_PROOF") == "full"


def size(sample: int, full: int) -> int:
    """Return how many cases to try: `sample` beside all other tests, `full` under `make proof-NAME`."""
    return full if FULL else sample
