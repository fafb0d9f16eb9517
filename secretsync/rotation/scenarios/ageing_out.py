"""Data keys grow old: the oldest files get new ones, a bounded number at a time, so that a review stays possible.

This bounds the use of a leaked data key. It does nothing for leaked values, and nothing for history.
"""

from __future__ import annotations

from secretsync.rotation.parameters import Parameter, Parameters
from secretsync.rotation.scenario import Phase, Scenario, SurveyedFile


def _is_due(seen: SurveyedFile, _: Parameters) -> bool:
    return seen.due


SCENARIO = Scenario(
    name="age-out",
    summary="Give the files with the oldest data keys new ones.",
    parameters=(
        Parameter("budget", "how many files at most", "count", default="50"),
        Parameter("max-age", "days; that of the policy unless given", "days"),
    ),
    phases=(Phase("data-keys", "new data keys for the oldest files", operation="rotate", selects=_is_due),),
    ages=True,
)
