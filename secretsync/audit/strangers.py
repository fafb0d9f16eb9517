"""Files that are encrypted for somebody whom no rule names: their next data key would be his as well. No key is needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from typing import Final

import secretsync.keyring.encrypted_files as encrypted_files
import secretsync.privatekeys as privatekeys
import secretsync.sops.strangers as strangers
from secretsync.audit.ruleset import DEMO_KEY
from secretsync.documents.tree import Source
from secretsync.errors import PrivateKeyGivenError, SecretsyncError
from secretsync.findings import Finding
from secretsync.keyring.naming import Naming
from secretsync.keyring.ruleset import EXTRA_RECIPIENT, LEAKED, PRIVATE_KEY
from secretsync.letters import argument
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.kinds import DEMO_RECIPIENTS
from secretsync.masterkeys.publichalf import half_of
from secretsync.sops import is_encrypted, metadata
from secretsync.sops.config import find_config, load_config
from secretsync.sops.metadata import Metadata
from secretsync.sops.strangers import Named, Stranger

NEWLINE: Final = b"\n"
_MOST: Final = 50  # private keys of one file that are told


class Rules:
    """The rules in force, what they say of files, and what is wrong with themselves: that is told once."""

    def __init__(self, keys: MasterKeys, today: date) -> None:
        self._problems: list[Finding] = []
        self._holders: set[str] = set()
        self._keys = keys
        self._naming: Naming | None = None
        try:
            here = find_config(".")
            self._naming = Naming(load_config(here) if here else None, today=today)
        except SecretsyncError as error:
            self._note(error)

    def strangers(self, file: str, path: str, source: Source) -> Iterator[Finding]:
        """Yield a finding for each recipient of `path`, shown as `file`, that a rule for it does not name."""
        named = self._named(path)
        told = set()
        for found in _blocks(source) if named else ():
            envelopes = {one: each for group in encrypted_files.recipients(found, self._keys) for one, each in group}
            for rule, one in self._strangers(found, named):
                if one not in told:
                    told.add(one)
                    line = encrypted_files.line_of(
                        encrypted_files.RepositoryFile(file, b"", source), envelopes[one.recipient]
                    )
                    message = f"is encrypted for {one}, and {rule.place} names no such key for it"
                    name = argument(file)
                    hint = f"see who added it: git log -p -- {name}; secretsync updatekeys {name} takes it out"
                    yield EXTRA_RECIPIENT.finding(file, line, message, hint)

    def private_keys(self, file: str, data: bytes) -> Iterator[Finding]:
        """Yield a finding for each kind of private key that a file holds, with the public half and never the key."""
        told = set()
        for found in privatekeys.find(data)[:_MOST]:
            half = half_of(found)
            if (found.kind, half) in told:
                continue
            told.add((found.kind, half))
            place = f"line {data.count(NEWLINE, 0, found.start) + 1}"
            if half in DEMO_RECIPIENTS:
                yield DEMO_KEY.finding(file, place, f"holds the private key of {half}, which is public")
            elif not self._allowed(file):
                self._holders.add(file)
                message = f"holds {found.kind}{f'; its public half is {half}' if half else ''}"
                yield PRIVATE_KEY.finding(file, place, message, LEAKED)

    def _allowed(self, file: str) -> bool:
        try:
            return self._naming is not None and self._naming.allows_private_keys(file)
        except SecretsyncError as error:
            self._note(error)
            return False

    def problems(self) -> list[Finding]:
        """Return what is wrong with the rules themselves, but for the private keys in them that were found already."""
        given = PrivateKeyGivenError.rule
        return [each for each in self._problems if each.rule != given or each.file not in self._holders]

    def _strangers(self, found: Metadata, named: list[Named]) -> Iterator[tuple[Named, Stranger]]:
        groups = [[one for one, _ in group] for group in encrypted_files.recipients(found, self._keys)]
        for rule in named:
            for one in strangers.strangers(groups, rule.groups, self._keys):
                yield rule, one

    def _named(self, path: str) -> list[Named]:
        try:
            return self._naming.of(path) if self._naming else []
        except SecretsyncError as error:
            self._note(error)
            return []

    def _note(self, error: SecretsyncError) -> None:
        file, _, place = (error.location or "").partition(" ")
        if file and not os.path.relpath(file).startswith(os.pardir):
            file = os.path.relpath(file)
        finding = Finding(file, place, error.rule, "error", error.message, error.hint)
        if finding not in self._problems:
            self._problems.append(finding)


def _blocks(source: Source) -> Iterator[Metadata]:
    """Yield the metadata of every document that has some; what is wrong with it, opening it says."""
    for document in source.documents:
        try:
            if is_encrypted(document):
                yield metadata.split([document])[1]
        except SecretsyncError:
            continue
