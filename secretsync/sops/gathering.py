"""Data keys of many files asked for at once, of services that answer many questions in the time of one.

Nothing is decided here: what was unwrapped lies in the cache of the master keys, and each file is opened afterwards as
it would be alone, in sops' order of keys. What failed is asked again by the file that needs it, which names it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from secretsync.errors import SecretsyncError
from secretsync.masterkeys.context import Unwrapped
from secretsync.masterkeys.kinds import KINDS
from secretsync.secrecy import SecretBytes
from secretsync.sops.datakey import DEFAULT_ORDER, in_order
from secretsync.sops.metadata import Envelope, Metadata


class ManyKeys(Protocol):
    """What is needed of `masterkeys.MasterKeys`."""

    def unwrap(self, kind: str, fields: Mapping[str, object]) -> SecretBytes:
        """Unwrap one envelope. Raises: see `MasterKeyService.unwrap`."""

    def unwrap_many(self, kind: str, envelopes: Sequence[Mapping[str, object]]) -> list[Unwrapped]:
        """Unwrap many; see `MasterKeyService.unwrap_many`."""


def unwrap_ahead(files: Iterable[Metadata], keys: ManyKeys, order: Sequence[str] = DEFAULT_ORDER) -> None:
    """Unwrap what opening these files will ask for: of each key group the first envelope that opens.

    A group is left to its file where it is the turn of a key that may ask a person.
    """
    groups = [in_order(group, order) for metadata in files for group in metadata.groups]
    while groups:
        asked: defaultdict[str, list[list[Envelope]]] = defaultdict(list)
        for group in groups:
            left = _beyond_local(group, keys)
            if left and _is_together(left[0]):
                asked[left[0].kind].append(left)
        groups = []
        for kind, waiting in asked.items():
            answers = keys.unwrap_many(kind, [group[0].fields for group in waiting])
            failed = (group for group, one in zip(waiting, answers, strict=True) if isinstance(one, SecretsyncError))
            groups += [group[1:] for group in failed if len(group) > 1]


def _beyond_local(group: list[Envelope], keys: ManyKeys) -> list[Envelope]:
    """Return what is left of a group behind the keys of this machine, nothing where one of them opens it."""
    for at, envelope in enumerate(group):
        if envelope.kind not in KINDS or not KINDS[envelope.kind].unattended:
            return group[at:]
        try:
            keys.unwrap(envelope.kind, envelope.fields)
        except SecretsyncError:
            continue
        return []
    return []


def _is_together(envelope: Envelope) -> bool:
    return envelope.kind in KINDS and KINDS[envelope.kind].together
