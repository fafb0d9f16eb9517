"""Somebody joins: their key enters the ring, then every file that the policy now gives them gets one envelope more.

The data key stays, so older versions of a file under the same data key open too. Where history must stay closed,
`history: closed` gives each file a new data key instead.
"""

from __future__ import annotations

from secretsync.keyring import Changes, Principal, PublicKey, RingSource
from secretsync.keyring.editing import add_key
from secretsync.keyring.model import PrincipalKind
from secretsync.rotation.model import Task
from secretsync.rotation.parameters import Parameter, Parameters
from secretsync.rotation.scenario import Phase, Scenario, ScenarioContext, SurveyedFile, due

_KINDS: dict[str, PrincipalKind] = {"person": "person", "cluster": "cluster", "service": "service"}


def key_of(parameters: Parameters) -> PublicKey:
    """Return the new key that the parameters describe."""
    candidate = parameters.recipient("recipient")
    assert candidate is not None
    return PublicKey(
        id=parameters.text("key-id") or f"{parameters.text('subject')}-{parameters.today.year}",
        type=candidate.type,
        recipient=candidate.recipient,
        created=parameters.today,
        reason=parameters.text("ticket"),
    )


def _join(source: RingSource, parameters: Parameters) -> Changes:
    principal = Principal(parameters.text("subject"), _KINDS[parameters.text("kind")], parameters.text("owner"))
    groups = parameters.names("groups")
    return add_key(source, principal, key_of(parameters), today=parameters.today, groups=groups)


def _gains(seen: SurveyedFile, _: Parameters) -> bool:
    return bool(seen.gained & seen.wanted)


def _gains_envelope(seen: SurveyedFile, parameters: Parameters) -> bool:
    return _gains(seen, parameters) and parameters.text("history") == "open"


def _gains_new_key(seen: SurveyedFile, parameters: Parameters) -> bool:
    return _gains(seen, parameters) and parameters.text("history") == "closed"


def _tasks(context: ScenarioContext) -> list[Task]:
    parameters = context.parameters
    subject, owner = parameters.text("subject"), parameters.text("owner") or parameters.text("subject")
    found = [Task(f"prove that {subject} holds the private key: secretsync keys prove", owner, due(parameters, 1))]
    if parameters.text("kind") == "cluster":
        found.insert(
            0, Task(f"install the identity in {subject} before its files are merged", owner, due(parameters, 1))
        )
    return found


SCENARIO = Scenario(
    name="add",
    summary="Give a person, cluster or service access to what the policy says.",
    parameters=(
        Parameter("subject", "name of the person, cluster or service", "name", required=True),
        Parameter(
            "recipient", "the public key: age1…, ssh-ed25519 …, or a PGP fingerprint", "recipient", required=True
        ),
        Parameter("kind", "what the subject is", "choice", default="person", choices=tuple(_KINDS)),
        Parameter("groups", "groups to join, comma-separated", "names"),
        Parameter("owner", "who answers for the key"),
        Parameter("key-id", "id of the key; the name and the year unless given", "name"),
        Parameter("ticket", "why, as the ring records it"),
        Parameter(
            "history",
            "open: older versions may open too; closed: new data keys",
            "choice",
            default="open",
            choices=("open", "closed"),
        ),
        Parameter("due-days", "days for what no tool can do", "days"),
    ),
    phases=(
        Phase("key-ring", "let {subject} in", edit=_join),
        Phase("recipients", "wrap data keys for {subject}", operation="updatekeys", selects=_gains_envelope),
        Phase("data-keys", "new data keys, also for {subject}", operation="rotate", selects=_gains_new_key),
    ),
    tasks=_tasks,
)
