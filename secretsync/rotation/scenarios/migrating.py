"""From one kind of key to another (PGP to age, age to post-quantum age): both, then only the new one.

Stage `dual` only adds; stage `retire` takes the old key out and gives every file a new data key.
"""

from __future__ import annotations

from secretsync.rotation.parameters import Parameter
from secretsync.rotation.scenario import Scenario
from secretsync.rotation.scenarios import rollover

SCENARIO = Scenario(
    name="migrate",
    summary="Move from one kind of key to another, in two stages.",
    parameters=(
        *(one for one in rollover.PARAMETERS if one.name != "expires"),
        Parameter(
            "stage",
            "dual: both keys open every file; retire: the old one goes",
            "choice",
            default=rollover.DUAL,
            choices=(rollover.DUAL, rollover.RETIRE),
        ),
    ),
    phases=rollover.PHASES,
    tasks=rollover.tasks,
)
