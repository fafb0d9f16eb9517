"""What master keys may use of the process around them: its environment, a person to ask, plugins, the demo's keys."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeAlias

from secretsync.age.protocol import Identity
from secretsync.errors import SecretsyncError
from secretsync.secrecy import SecretBytes

Unwrapped: TypeAlias = SecretBytes | SecretsyncError
"""The answer to one of many questions: a data key, or the error that says why there is none."""

Prompt: TypeAlias = Callable[[str], str]
"""Asks a person for a secret and returns it without the line end; raises KeyServiceError where nobody answers."""


class KeyContext(NamedTuple):
    """Given once to every kind of master key. Without `prompt`, whatever would ask a person fails instead."""

    environ: Mapping[str, str]
    prompt: Prompt | None = None
    plugins: bool = True
    extra_age_identities: tuple[Identity, ...] = ()
    allow_demo_keys: bool = False

    @classmethod
    def holding(cls, identity: Identity) -> KeyContext:
        """Return a context with one age identity, in which nothing else is found."""
        return cls({"HOME": os.devnull}, plugins=False, extra_age_identities=(identity,), allow_demo_keys=True)


class KeySource(NamedTuple):
    """One place that may hold keys, as `doctor` shows it: what is there, or why nothing is."""

    name: str
    status: str
    recipients: tuple[str, ...] = ()


def one_by_one(
    unwrap: Callable[[Mapping[str, object]], SecretBytes], envelopes: Iterable[Mapping[str, object]]
) -> list[Unwrapped]:
    """Unwrap one envelope after the other: what `unwrap_many` of a service is that cannot do better."""
    answers: list[Unwrapped] = []
    for fields in envelopes:
        try:
            answers.append(unwrap(fields))
        except SecretsyncError as error:
            answers.append(error)
    return answers
