"""Merges that nobody has finished: a file whose merge stopped is ours and valid, so that nothing else shows it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from secretsync.audit.ruleset import UNRESOLVED_MERGE
from secretsync.files import is_below
from secretsync.findings import Finding
from secretsync.git.unresolved import UnresolvedMerge, UnresolvedMerges, noted_in
from secretsync.letters import argument


def findings(root: str, paths: Sequence[str], *, staged: bool) -> Iterator[Finding]:
    """Yield a finding for each file at or below `paths` whose merge is not finished; without paths, for every such file.

    Unless what is `staged` is meant, git is started only where something is noted in the repository at `root`.

    Raises:
        RepositoryError: the notes cannot be read.
    """
    if not staged and not noted_in(root):
        return
    merges = UnresolvedMerges.of(root)
    asked = [os.path.realpath(path) for path in paths]
    for each in merges.unresolved():
        where = os.path.realpath(os.path.join(merges.root, each.path))
        if not paths or any(where == path or is_below(where, path) for path in asked):
            yield finding(merges.root, each)


def finding(root: str, merge: UnresolvedMerge) -> Finding:
    """Return the finding that an unfinished merge is."""
    shown = os.path.relpath(os.path.join(root, merge.path))
    message = f"its merge is not finished: {merge.reason}"
    return UNRESOLVED_MERGE.finding(shown, "", message, f"secretsync resolve {argument(shown)}")
