"""A key ends soon: a new one follows it in two stages, or its owner extended it.

An extended PGP key may have a new encryption subkey under the old fingerprint, which no comparison of recipients sees;
so every file of an extended key gets new envelopes, with a new data key. An expired key still decrypts: nothing is lost.
"""

from __future__ import annotations

from secretsync.rotation.parameters import Parameter
from secretsync.rotation.scenario import Scenario
from secretsync.rotation.scenarios import rollover

SCENARIO = Scenario(
    name="expiring",
    summary="A key ends soon: a new one follows it, or its owner extended it.",
    parameters=(
        *rollover.PARAMETERS,
        Parameter(
            "stage",
            "dual: both keys open every file; retire: the old one goes; extend: the same key lives on",
            "choice",
            default=rollover.DUAL,
            choices=(rollover.DUAL, rollover.RETIRE, rollover.EXTEND),
        ),
    ),
    phases=rollover.PHASES,
    tasks=rollover.tasks,
)
