"""One key follows another of the same owner, in stages with time between them: both open, then only the new one.

The key ring is the memory between the stages; they may be weeks apart.
"""

from __future__ import annotations

from typing import Final

from secretsync.errors import ConfigError
from secretsync.keyring import Changes, Principal, RingSource, load_from
from secretsync.keyring.editing import Retirement, add_key, regenerated, retire
from secretsync.keyring.writing import with_key_field
from secretsync.rotation.model import Task
from secretsync.rotation.parameters import Parameter, Parameters
from secretsync.rotation.scenario import Phase, ScenarioContext, SurveyedFile, due
from secretsync.rotation.scenarios.adding import key_of

DUAL, RETIRE, EXTEND = "dual", "retire", "extend"


def owner_of(source: RingSource, key_id: str) -> Principal:
    """Return whose key it is. Raises: ConfigError where the ring has no such key."""
    for owner, key in load_from(source).public_keys():
        if key.id == key_id:
            return owner
    raise ConfigError(f"the key ring has no key {key_id!r}", hint="secretsync keys list")


def edit(source: RingSource, parameters: Parameters) -> Changes:
    """Let the successor in, take the predecessor out, or give the key a later end.

    Raises:
        ConfigError: a parameter that the stage needs is missing.
    """
    subject, day = parameters.text("subject"), parameters.today
    owner = owner_of(source, subject)
    if parameters.text("stage") == DUAL:
        if not parameters.recipient("recipient"):
            raise ConfigError("stage dual needs the new key: --recipient", hint="secretsync keygen")
        return add_key(source, owner, key_of(parameters), today=day)
    if parameters.text("stage") == EXTEND:
        return _extended(source, owner, parameters)
    others = [key.id for key in owner.keys if key.id != subject and key.is_usable(day)]
    if not others:
        raise ConfigError(f"{owner.name} has no other key yet", hint="begin with --stage dual --recipient NEW")
    why = Retirement("superseded", day, replaced_by=others[-1])
    return retire(source, owner.name, why, key_ids={subject})


def _extended(source: RingSource, owner: Principal, parameters: Parameters) -> Changes:
    day = parameters.day("expires")
    if day is None:
        raise ConfigError("stage extend needs the new last day: --expires 2027-11-24")
    path = f"keys/{owner.path}"
    data = with_key_field(source.read(path) or b"", path, parameters.text("subject"), "expires", day.isoformat())
    return regenerated(source, {path: data}, today=parameters.today)


def gains_envelope(seen: SurveyedFile, parameters: Parameters) -> bool:
    """Whether the successor joins this file."""
    return parameters.text("stage") == DUAL and bool(seen.gained & seen.wanted)


def needs_data_key(seen: SurveyedFile, parameters: Parameters) -> bool:
    """Whether the predecessor leaves this file, or its envelope may be for a part of the key that ended."""
    if parameters.text("stage") == EXTEND:
        return bool(seen.subject & seen.recipients)
    return parameters.text("stage") == RETIRE and seen.loses


def tasks(context: ScenarioContext) -> list[Task]:
    """Return what people have to do between the stages."""
    parameters, owner = context.parameters, context.parameters.text("owner") or "you"
    subject = parameters.text("subject")
    if parameters.text("stage") == DUAL:
        return [
            Task("install the new key wherever the old one is read: cluster, CI, laptops", owner, due(parameters, 7)),
            Task(
                "prove that every file opens with the new key alone: runbook verify, where only that key is",
                owner,
                due(parameters, 7),
            ),
            Task(f"then: --stage retire for {subject}", owner, due(parameters, 30)),
        ]
    if parameters.text("stage") == RETIRE:
        return [
            Task(
                f"disable {subject}, do not delete it: history needs it; watch its use for a while",
                owner,
                due(parameters, 7),
            )
        ]
    return []


PARAMETERS: Final = (
    Parameter("subject", "id of the key that ends", "name", required=True),
    Parameter("recipient", "the public key that follows it", "recipient"),
    Parameter("key-id", "id of the new key; the name and the year unless given", "name"),
    Parameter("expires", "the new last day of a key that was extended", "day"),
    Parameter("owner", "who answers for what no tool can do"),
    Parameter("due-days", "days for what no tool can do", "days"),
)
PHASES: Final = (
    Phase("key-ring", "{stage} for {subject}", edit=edit),
    Phase(
        "recipients", "wrap data keys for the successor of {subject}", operation="updatekeys", selects=gains_envelope
    ),
    Phase("data-keys", "new data keys, {stage} for {subject}", operation="rotate", selects=needs_data_key),
)
