"""Every file gets exactly the recipients of the policy: what was added by hand goes, what is missing comes.

A file that somebody loses gets a new data key, the others an envelope more. This is the remedy for a retired recipient
that a merge brought back and, with `unknown: drop`, for an envelope that nobody can account for.
"""

from __future__ import annotations

from secretsync.rotation.parameters import Parameter, Parameters
from secretsync.rotation.scenario import Phase, Scenario, SurveyedFile


def _differs(seen: SurveyedFile, _: Parameters) -> bool:
    return seen.recipients != seen.wanted


SCENARIO = Scenario(
    name="align",
    summary="Give every file exactly the recipients of the policy.",
    parameters=(
        Parameter(
            "unknown", "what to do with recipients nobody knows", "choice", default="refuse", choices=("refuse", "drop")
        ),
    ),
    phases=(Phase("files", "recipients as the policy has them", operation="updatekeys", selects=_differs),),
    mends=True,
)
