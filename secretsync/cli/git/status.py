"""`git status`: which merges of encrypted files nobody has finished; exits with 1 where there are any."""

from __future__ import annotations

import os

from secretsync.audit import unresolved
from secretsync.audit.ruleset import UNRESOLVED_MERGE
from secretsync.cli._findings import FINDINGS
from secretsync.cli._output import write_lines


def status() -> int:
    """Say which merges of encrypted files are not finished.

    Exits with 1 where there are any, so that a hook of your own can ask. git status does not know: such a file is
    whole and valid, and holds what ours says where both sides changed a value.
    """
    found = list(unresolved.findings(os.getcwd(), [], staged=True))
    lines = [f"{each.file}: {each.message}; {each.hint}" for each in found]
    write_lines(lines or [f"no unfinished merge of an encrypted file ({UNRESOLVED_MERGE.id})"])
    return FINDINGS if found else 0
