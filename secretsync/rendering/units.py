"""Which documents of a stream were encrypted together, and opening each such unit with its MAC verified.

The whole input is tried as one unit first, as sops has it. Otherwise documents with equal `lastmodified` and `mac`
form a unit, verified in stream order, and documents without a `sops` block are plain.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from secretsync import sops
from secretsync.documents.tree import Mapping
from secretsync.errors import FormatError, IntegrityError, SecretsyncError
from secretsync.masterkeys import MasterKeys
from secretsync.secrecy import SecretBytes
from secretsync.sops import metadata

REMEDY: Final = "documents that were encrypted separately must each be a file of its own: one file per document"


class OpenedObject:
    """One object as it came and as it is after decryption; `after is before` where nothing was encrypted.

    `data_key` is the key of its unit, None for a plain object. `carried` holds the data keys of SOPS files found in
    the `data` of a Secret, by key.
    """

    __slots__ = ("after", "before", "carried", "data_key", "location")

    def __init__(self, location: str, before: Mapping, after: Mapping, data_key: SecretBytes | None = None) -> None:
        self.location = location
        self.before = before
        self.after = after
        self.data_key = data_key
        self.carried: dict[str, SecretBytes] = {}


def open_units(
    documents: list[Mapping], keys: MasterKeys, locate: Callable[[int], str], warnings: list[str]
) -> list[OpenedObject]:
    """Decrypt every unit among `documents` and return all documents in order; `locate` names the place of each.

    Raises:
        MacMismatchError: the documents of a unit were changed, left out, added or reordered.
        NoIdentityMatchError: no key opens a unit's data key.
        SecretsyncError: as `sops.decrypt_unit` says.
    """
    opened = [OpenedObject(locate(index), document, document) for index, document in enumerate(documents)]
    encrypted = [index for index, document in enumerate(documents) if metadata.is_encrypted(document)]
    if not encrypted:
        return opened
    everything = list(range(len(documents)))
    units = _units(opened, encrypted) if len(documents) > 1 else [everything]
    if units == [everything]:
        _open(opened, everything, keys, warnings)
    elif encrypted[0] != 0 or not _opens_whole(opened, everything, keys, warnings):
        for unit in units:
            _open(opened, unit, keys, warnings)
    return opened


def _units(opened: list[OpenedObject], encrypted: list[int]) -> list[list[int]]:
    """Group the encrypted documents by `lastmodified` and `mac`, each group in stream order."""
    units: dict[tuple[str, str], list[int]] = {}
    for index in encrypted:
        try:
            block = metadata.split([opened[index].before])[1]
        except SecretsyncError as error:
            raise _placed(error, opened, [index]) from None
        units.setdefault((block.last_modified, block.mac), []).append(index)
    return list(units.values())


def _opens_whole(opened: list[OpenedObject], everything: list[int], keys: MasterKeys, warnings: list[str]) -> bool:
    try:
        _open(opened, everything, keys, warnings)
    except (IntegrityError, FormatError):
        return False
    return True


def _open(opened: list[OpenedObject], unit: list[int], keys: MasterKeys, warnings: list[str]) -> None:
    try:
        decrypted = sops.decrypt_unit([opened[index].before for index in unit], keys)
    except SecretsyncError as error:
        raise _placed(error, opened, unit) from None
    warnings.extend(f"{opened[unit[0]].location} {warning}".strip() for warning in decrypted.warnings)
    for index, document in zip(unit, decrypted.documents, strict=True):
        opened[index].after = document
        opened[index].data_key = decrypted.data_key


def _placed(error: SecretsyncError, opened: list[OpenedObject], unit: list[int]) -> SecretsyncError:
    """Put the document of the stream in front of a place that counts the unit's documents."""
    location = error.location or ""
    number, _, rest = location.partition(" ")
    position = unit[0]
    if number.startswith("#") and number[1:].isdigit() and int(number[1:]) <= len(unit):
        position, location = unit[int(number[1:]) - 1], rest
    error.location = location or None
    if isinstance(error, IntegrityError) and len(opened) > 1:
        error.hint = REMEDY if error.hint is None else f"{REMEDY}; otherwise {error.hint}"
    return error.at(opened[position].location) if opened[position].location else error
