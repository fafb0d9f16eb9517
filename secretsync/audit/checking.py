"""The run of `check`: which files, which keys, and one report of what is wrong with them.

Everything that needs no key is judged without one. What no key here opens is counted for each recipient, and is no
finding unless keys are required.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import cache

from secretsync.audit.examining import Examination, KeysAtHand
from secretsync.audit.files_to_examine import FileToExamine, chosen
from secretsync.audit.opening import FileOpener, KeyUse, keys_for, own_recipients
from secretsync.audit.ruleset import DEMO_KEY
from secretsync.audit.strangers import Rules
from secretsync.documents.tree import Limits
from secretsync.findings import Report, Unopened
from secretsync.keyring.rule_files import FilesOfState
from secretsync.masterkeys.of_this_machine import KeysOfThisMachine


def check(  # noqa: PLR0913  # what a run is told
    paths: Iterable[str | FileToExamine],
    environ: Mapping[str, str],
    *,
    allow_demo_keys: bool = False,
    key_use: KeyUse = "auto",
    limits: Limits = Limits(),
    today: date | None = None,
    reviewed: FilesOfState | None = None,
) -> Report:
    """Examine every file of `paths`, folders with all that is in them, and return what was found.

    Demo keys always open what they can, and are a finding of their own unless allowed. `today` is the day by which
    keys of a ring are valid, the present one unless given. What rules of `reviewed` say is encrypted has to be, too.

    Raises:
        FileAccessError: a path is missing, or a folder that was named cannot be listed.
    """
    report = Report()
    asked = keys_for(key_use, environ)
    keys = asked or KeysOfThisMachine(environ)  # to compare recipients takes no private key
    opener = FileOpener(asked, limits) if asked else None
    rules = Rules(keys, today or datetime.now(UTC).date(), reviewed)
    examination = Examination(report, rules, KeysAtHand(key_use, opener, cache(lambda: own_recipients(keys))), limits)
    for file in chosen(paths):
        examination.examine(file)
    examination.finish()
    report.findings += rules.problems()
    counted = opener.unopened.items() if opener else ()
    report.unopened = sorted(Unopened(rules.label(one), count) for one, count in counted)
    if allow_demo_keys:
        report.findings = [finding for finding in report.findings if finding.rule != DEMO_KEY.id]
    return report
