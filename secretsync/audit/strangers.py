"""Whom a file is encrypted for, held against the rules: strangers would get its next data key, and who is missing cannot read it.

No key is needed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from typing import Final

import secretsync.keyring.encrypted_files as encrypted_files
import secretsync.privatekeys as privatekeys
import secretsync.sops.strangers as strangers
from secretsync.audit.reading import FileRead
from secretsync.audit.reviewed import ReviewedRules
from secretsync.audit.ruleset import DEMO_KEY
from secretsync.errors import PrivateKeyGivenError, SecretsyncError
from secretsync.findings import Finding
from secretsync.keyring.naming import FileRule, Naming
from secretsync.keyring.rule_files import FilesOfState
from secretsync.keyring.ruleset import EXTRA_RECIPIENT, LEAKED, MISSING_RECIPIENT, PRIVATE_KEY
from secretsync.letters import argument
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.kinds import DEMO_RECIPIENTS
from secretsync.masterkeys.publichalf import half_of
from secretsync.sops.comparison import counterparts
from secretsync.sops.config import find_config, load_config
from secretsync.sops.datakey import MasterKey
from secretsync.sops.metadata import Metadata
from secretsync.sops.strangers import Named, Stranger

NEWLINE: Final = b"\n"
_MOST: Final = 50  # private keys of one file that are told


class Rules:
    """The rules in force, what they say of files, and what is wrong with themselves: that is told once."""

    def __init__(self, keys: MasterKeys, today: date, reviewed: FilesOfState | None = None) -> None:
        """Read the rules. What those of `reviewed` say that files hold counts too: a change takes nothing of it away."""
        self._problems: list[Finding] = []
        self._holders: set[str] = set()
        self._keys = keys
        self._naming: Naming | None = None
        try:
            here = find_config(".")
            self._naming = Naming(load_config(here) if here else None, today=today)
        except SecretsyncError as error:
            self._note(error)
        self._reviewed = ReviewedRules(reviewed, today) if reviewed else None

    def reviewed_for(self, path: str) -> list[FileRule]:
        """Return the rules that are for a file in the revision that was reviewed."""
        return self._reviewed.rules_for(path) if self._reviewed else []

    def rules_for(self, path: str) -> list[FileRule]:
        """Return the rules that are for a file; what is wrong with them is told by `problems`."""
        try:
            return self._naming.rules_for(path) if self._naming else []
        except SecretsyncError as error:
            self._note(error)
            return []

    def label(self, recipient: MasterKey) -> str:
        """Return a recipient for people, with the name that the key ring has for it."""
        name = self._naming.label(recipient) if self._naming else ""
        return f"{strangers.shown(recipient)}{f' ({name})' if name else ''}"

    def is_for(self, rules: list[FileRule], recipients: set[MasterKey]) -> bool:
        """Whether a file is for whoever has these keys: the policy names his principal, or says nothing of him or of it."""
        readers = frozenset().union(*(rule.readers for rule in rules))
        mine = self._naming.principals(recipients) if self._naming else frozenset()
        return not (readers and mine) or bool(readers & mine)

    def missing(self, file: str, rules: list[FileRule], seen: FileRead) -> Iterator[Finding]:
        """Yield a finding for each recipient that a rule names and the file is not encrypted for."""
        told = set()
        for found in _blocks(seen):
            present = [one for group in encrypted_files.recipients(found, self._keys) for one, _ in group]
            for rule in [each.named for each in rules if each.named]:
                wanted = [one for group in rule.groups for one in group]
                found_there = set(counterparts(present, wanted, self._keys).values())
                for one in wanted:
                    if one not in found_there and one not in told:
                        told.add(one)
                        message = f"is not encrypted for {self.label(one)}, whom {rule.place} names"
                        hint = f"secretsync updatekeys {argument(file)}"
                        yield MISSING_RECIPIENT.finding(file, "", message, hint, level="warning").about(one.name)

    def strangers(self, file: str, rules: list[FileRule], seen: FileRead) -> Iterator[Finding]:
        """Yield a finding for each recipient of a file that a rule for it does not name."""
        named = [rule.named for rule in rules if rule.named]
        told = set()
        for found in _blocks(seen) if named else ():
            envelopes = {one: each for group in encrypted_files.recipients(found, self._keys) for one, each in group}
            for rule, one in self._strangers(found, named):
                if one not in told:
                    told.add(one)
                    line = encrypted_files.line_of(
                        encrypted_files.RepositoryFile(file, b"", seen.source), envelopes[one.recipient]
                    )
                    message = f"is encrypted for {one}, and {rule.place} names no such key for it"
                    name = argument(file)
                    hint = f"see who added it: git log -p -- {name}; secretsync updatekeys {name} takes it out"
                    yield EXTRA_RECIPIENT.finding(file, line, message, hint).about(one.recipient.name)

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
                yield DEMO_KEY.finding(file, place, f"holds the private key of {half}, which is public").about(half)
            elif not self._allowed(file):
                self._holders.add(file)
                message = f"holds {found.kind}{f'; its public half is {half}' if half else ''}"
                yield PRIVATE_KEY.finding(file, place, message, LEAKED).about(half or found.kind)

    def _allowed(self, file: str) -> bool:
        if self._reviewed and not self._reviewed.allows_private_keys(file):
            return False
        try:
            return self._naming is not None and self._naming.allows_private_keys(file)
        except SecretsyncError as error:
            self._note(error)
            return False

    def problems(self) -> list[Finding]:
        """Return what is wrong with the rules themselves, but for the private keys in them that were found already."""
        given = PrivateKeyGivenError.rule
        told = [each for each in self._problems if each.rule != given or each.file not in self._holders]
        return told + (
            self._reviewed.differences(self._naming.used() if self._naming else ()) if self._reviewed else []
        )

    def _strangers(self, found: Metadata, named: list[Named]) -> Iterator[tuple[Named, Stranger]]:
        groups = [[one for one, _ in group] for group in encrypted_files.recipients(found, self._keys)]
        for rule in named:
            for one in strangers.strangers(groups, rule.groups, self._keys):
                yield rule, one

    def _note(self, error: SecretsyncError) -> None:
        file, _, place = (error.location or "").partition(" ")
        if file and not os.path.relpath(file).startswith(os.pardir):
            file = os.path.relpath(file)
        finding = Finding(file, place, error.rule, "error", error.message, error.hint)
        if finding not in self._problems:
            self._problems.append(finding)


def _blocks(seen: FileRead) -> list[Metadata]:
    """Return the metadata of every document that has some; what is wrong with it is told of the document."""
    return [document.metadata for document in seen.documents if document.metadata]
