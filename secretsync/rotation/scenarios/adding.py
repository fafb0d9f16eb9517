"""Somebody joins: their key enters the ring, then every file that the policy now gives them gets one envelope more.

The data key stays, so older versions of a file under the same data key open too. Where history must stay closed,
`history: closed` gives each file a new data key instead.
"""

from __future__ import annotations

from secretsync.keyring import Changes, Principal, PublicKey, Source
from secretsync.keyring.editing import add_key
from secretsync.keyring.model import KeyType, PrincipalKind
from secretsync.rotation.model import Task
from secretsync.rotation.scenario import Context, Parameter, Parameters, Phase, Scenario, Seen, due, today

_KINDS: dict[str, PrincipalKind] = {"person": "person", "cluster": "cluster", "service": "service"}


def key_of(parameters: Parameters) -> PublicKey:
    """Return the new key that the parameters describe."""
    day = today(parameters)
    return PublicKey(
        id=parameters.get("key-id") or f"{parameters['subject']}-{day.year}",
        type=type_of(parameters["recipient"]),
        recipient=parameters["recipient"],
        created=day,
        reason=parameters.get("ticket", ""),
    )


def type_of(recipient: str) -> KeyType:
    """Return the type of a key by the form of its recipient; what is no age recipient is a PGP fingerprint."""
    if recipient.startswith("age1pq1"):
        return "age-pq"
    if recipient.startswith("ssh-"):
        return "age-ssh"
    if recipient.startswith("age1"):
        return "age" if recipient.count("1") and len(recipient) == 62 else "age-plugin"
    return "pgp"


def _join(source: Source, parameters: Parameters) -> Changes:
    principal = Principal(parameters["subject"], _KINDS[parameters["kind"]], parameters.get("owner", ""))
    groups = [name for name in parameters.get("groups", "").split(",") if name]
    return add_key(source, principal, key_of(parameters), today=today(parameters), groups=groups)


def _gains(seen: Seen, _: Parameters) -> bool:
    return bool(seen.gained & seen.wanted)


def _gains_envelope(seen: Seen, parameters: Parameters) -> bool:
    return _gains(seen, parameters) and parameters["history"] == "open"


def _gains_new_key(seen: Seen, parameters: Parameters) -> bool:
    return _gains(seen, parameters) and parameters["history"] == "closed"


def _tasks(context: Context) -> list[Task]:
    parameters = context.parameters
    subject, owner = parameters["subject"], parameters.get("owner") or parameters["subject"]
    found = [Task(f"prove that {subject} holds the private key: secretsync keys prove", owner, due(parameters, 1))]
    if parameters["kind"] == "cluster":
        found.insert(
            0, Task(f"install the identity in {subject} before its files are merged", owner, due(parameters, 1))
        )
    return found


SCENARIO = Scenario(
    name="add",
    summary="Give a person, cluster or service access to what the policy says.",
    parameters=(
        Parameter("subject", "name of the person, cluster or service", required=True),
        Parameter("recipient", "the public key: age1…, ssh-ed25519 …, or a PGP fingerprint", required=True),
        Parameter("kind", "what the subject is", default="person", choices=tuple(_KINDS)),
        Parameter("groups", "groups to join, comma-separated"),
        Parameter("owner", "who answers for the key"),
        Parameter("key-id", "id of the key; the name and the year unless given"),
        Parameter("ticket", "why, as the ring records it"),
        Parameter(
            "history",
            "open: older versions may open too; closed: new data keys",
            default="open",
            choices=("open", "closed"),
        ),
        Parameter("due-days", "days for what no tool can do"),
    ),
    phases=(
        Phase("key-ring", "let {subject} in", edit=_join),
        Phase("recipients", "wrap data keys for {subject}", operation="updatekeys", selects=_gains_envelope),
        Phase("data-keys", "new data keys, also for {subject}", operation="rotate", selects=_gains_new_key),
    ),
    tasks=_tasks,
)
