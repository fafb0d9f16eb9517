"""Parameters of runbooks: each is parsed as what its kind says, once; what it is not is a wrong command line."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Final

import pytest

from secretsync.errors import ConfigError, ParameterError, PolicyError
from secretsync.rotation.parameters import Kind, Parameter
from secretsync.rotation.scenario import SCENARIOS, complete, due, scenario_named

IDENTITY: Final = Path(__file__).parents[2] / "architecture" / "start_up" / "identity.txt"
TODAY: Final = date(2026, 11, 24)
AGE: Final = "age13gyrdncghsvp3hmfq7wf6klx0edfav26nn4dl7jatpf3d3happnq6k3j8h"
SSH: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHsKLqeplhpW+uObz5dvMgjz1OxfM/XXUB+VHtZ6isGN alice@laptop"
PGP: Final = "0123456789ABCDEF0123456789ABCDEF01234567"

RIGHT: Final[dict[Kind, list[tuple[str, object]]]] = {
    "day": [("2026-11-24", date(2026, 11, 24)), ("20261124", date(2026, 11, 24))],
    "days": [("0", 0), ("14", 14), ("36500", 36_500), ("007", 7)],
    "count": [("1", 1), ("1000000000", 10**9)],
    "name": [("alice", "alice"), ("a", "a"), ("alice-2026", "alice-2026")],
    "names": [("ops", ("ops",)), ("ops, on-call,", ("ops", "on-call"))],
    "text": [("why not: 14 €", "why not: 14 €")],
    "choice": [("one", "one")],
}
WRONG: Final[dict[Kind, list[str]]] = {
    "day": ["abc", "2026-02-30", "24.11.2026", "2026-11-24T00:00:00Z", "-1", "10000-01-01"],
    "days": ["abc", "-1", "+1", "1.5", "1e3", "1_0", " 1", "٣", "36501", "9" * 5000, "14d"],
    "count": ["0", "abc", "-5", "1_000", "1000000001", "9" * 5000],
    "name": ["Bob", "a b", "-a", "a-", "../x", "a\nb", "ä", "a.b"],
    "names": ["ops,On Call", "ops;on-call", "a/b"],
    "choice": ["two", "One", "one "],
    "recipient": ["bob", "age1", AGE[:-1] + "x", "ssh-ed25519 AAAA", "ssh-dss AAAA", PGP[:-1], "arn:aws:kms:x"],
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "value"), [(kind, *each) for kind, cases in RIGHT.items() for each in cases])
def test_a_text_becomes_a_value_of_its_kind(kind: Kind, text: str, value: object) -> None:
    assert Parameter("some", "", kind, choices=("one",)).parse(text) == value


@pytest.mark.parametrize(
    ("text", "kind"), [(AGE, "age"), (f" {AGE}\n", "age"), (SSH, "age-ssh"), (PGP, "pgp"), (f"{PGP[:20]} {PGP[20:]}", "pgp")]
)  # fmt: skip
def test_a_public_key_is_told_by_its_form(text: str, kind: str) -> None:
    found = Parameter("recipient", "", "recipient").parse(text)
    assert found == (kind, text.strip(), b"", None)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in WRONG.items() for text in texts])
def test_what_is_not_of_its_kind_is_a_wrong_command_line(kind: Kind, text: str) -> None:
    with pytest.raises(ParameterError) as caught:
        Parameter("some", "", kind, choices=("one",)).parse(text)
    error = caught.value
    assert error.exit_code == 2
    assert str(error).startswith("--some: ")
    assert len(str(error)) < 200
    assert "\n" not in str(error)


@pytest.mark.parametrize("kind", [*RIGHT, "recipient"])
def test_a_private_key_is_never_repeated(kind: Kind) -> None:
    private = IDENTITY.read_text().splitlines()[-1]
    with pytest.raises(PolicyError) as caught:
        Parameter("some", "", kind, choices=("one",)).parse(private)
    assert "--some" in str(caught.value)
    assert private[-30:] not in str(caught.value)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_parameter_of_every_runbook_has_a_kind_that_refuses_what_it_is_not(name: str) -> None:
    scenario = scenario_named(name)
    rest = {"subject": "alice", "recipient": AGE, "certificate": "a certificate"}
    given = {one.name: rest[one.name] for one in scenario.parameters if one.required}
    assert complete(scenario, given, TODAY).today == TODAY
    for one in scenario.parameters:
        for text in WRONG.get(one.kind, []):
            with pytest.raises(ParameterError):
                complete(scenario, {**given, one.name: text}, TODAY)
    assert {one.name for one in scenario.parameters if one.kind in {"text", "file"}} <= {
        "owner", "ticket", "paths", "certificate", "plaintext-from",
    }  # fmt: skip


def test_what_a_runbook_does_not_know_or_misses_is_named() -> None:
    scenario = scenario_named("add")
    with pytest.raises(ConfigError, match="takes no 'colour'"):
        complete(scenario, {"subject": "dave", "recipient": AGE, "colour": "red"}, TODAY)
    with pytest.raises(ConfigError, match="needs 'recipient'"):
        complete(scenario, {"subject": "dave"}, TODAY)


def test_a_plan_that_is_made_again_has_the_day_it_was_made_on() -> None:
    scenario = scenario_named("remove")
    first = complete(scenario, {"subject": "bob", "due-days": "0"}, TODAY)
    again = complete(scenario, first.texts, date(2027, 1, 1))
    assert (again.today, again.texts) == (TODAY, first.texts)
    assert due(again, 7) == "2026-11-24"
    assert due(complete(scenario, {"subject": "bob"}, TODAY), 7) == "2026-12-01"
