"""A toy runbook: new data keys for the files whose name holds a word."""

from __future__ import annotations

from typing import Final

from secretsync.rotation.parameters import Parameter, Parameters
from secretsync.rotation.scenario import Phase, Scenario, ScenarioEntry, SurveyedFile

NAME: Final = "rename-day"
ENTRY: Final = ScenarioEntry("tests.toys.runbook:SCENARIO", "Give files with a word in their name new data keys.")


def _is_named(seen: SurveyedFile, parameters: Parameters) -> bool:
    return parameters.text("word") in seen.path


SCENARIO: Final = Scenario(
    name=NAME,
    summary=ENTRY.summary,
    parameters=(Parameter("word", "what the names of the files hold", required=True),),
    phases=(Phase("data-keys", "new data keys for {word}", operation="rotate", selects=_is_named),),
)
