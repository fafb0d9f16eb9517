"""`secretsync repair`: a new MAC for a file that somebody merged by hand, once a person has seen what it holds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from secretsync import files
from secretsync.cli._changes import write_change
from secretsync.cli._hand_merges import json_of, lines_of, warn_of
from secretsync.cli._options import AllowDemoKeys, Config, DryRun, InputType, Opening, grouped
from secretsync.cli._output import write_lines, write_result
from secretsync.cli._rules import rules_in_force
from secretsync.cli._terminal import confirm, say
from secretsync.cli.runbook.run import Form
from secretsync.cli.set_value import File
from secretsync.cli.updatekeys import Yes
from secretsync.errors import ConflictingOptionsError
from secretsync.git.file_versions import FileVersions
from secretsync.merging.repairing import hand_merge, is_sound

_NOT_DONE = 1


@grouped
def repair(
    path: File,
    formats: InputType,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="COMMIT", help="Compare with this commit, not with the merge's sides."),
    ] = None,
    config: Config = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    form: Form = "text",
    allow_demo_keys: AllowDemoKeys = False,
) -> int:
    """Give a file that was merged by hand a MAC that holds.

    Shows what the file holds that both sides of the merge do not, never a value: added, removed, changed, in the clear,
    or the ciphertext of an older commit. Every value must open, and recipients, key groups, threshold and selector must
    be those of the rule. Then it asks. Every ciphertext stays. With --since, the file is compared with that commit.
    """
    if yes and not since and not dry_run:
        raise ConflictingOptionsError("--yes needs --since", hint="name the commit that you looked at: --since COMMIT")
    data = files.read(path)
    target = formats.target_of(path, data)
    options = Opening(allow_demo_keys=allow_demo_keys).options(target)
    if target.placing(lambda: is_sound(data, options)):
        say(f"{path}: the MAC holds; there is nothing to repair")
        return 0
    versions = target.placing(lambda: FileVersions.of(path, data, since))
    merge = target.placing(lambda: hand_merge(data, versions.neighbours, options, versions.others()))
    changes = target.placing(lambda: merge.changes(versions.earlier()))
    warn_of(path, merge, versions)
    if form == "text":
        write_lines(lines_of(merge, changes))
    rules = rules_in_force(config).rules_for(path)
    done = False
    try:
        target.placing(lambda: merge.require_metadata(rules, one_value=target.store.ONE_VALUE))
        if not dry_run and (yes or confirm(_QUESTION, hint=_HINT)):
            write_change(target, target.placing(lambda: merge.repaired(now=datetime.now(UTC))), data)
            done = True
    finally:
        if form == "json":
            write_result(json_of(path, merge, changes, repaired=done), None)
    if not done and not dry_run:
        say("nothing was changed")
    return 0 if done or dry_run else _NOT_DONE


_QUESTION = "give the file a MAC that vouches for these values?"
_HINT = "run it on a terminal; or name the commit that you compared it with, and say yes: --since COMMIT --yes"
