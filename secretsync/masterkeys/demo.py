"""The demo's recipients, whose private keys lie in this repository (examples/demo-keys): they protect nothing."""

from __future__ import annotations

from typing import Final

DEMO_RECIPIENTS: Final = frozenset(
    {
        "age1ldjrtxyfk8lnw6pteyhqlh692udwlgz5r86n9m8lq92k6vd7q5hslexcfk",
        "age1c8aqaewpxdztvgurgzcnt4mgputrd3k39elfttnhl2lrjyrpwavqnkzqrm",
    }
)
