"""Files that are encrypted for somebody whom no rule names: their next data key would be his as well. No key is needed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import secretsync.keyring.census as census
import secretsync.sops.strangers as strangers
from secretsync.documents.tree import Source
from secretsync.errors import SecretsyncError
from secretsync.findings import Finding, rule_of
from secretsync.keyring.naming import Naming
from secretsync.keyring.ruleset import EXTRA_RECIPIENT
from secretsync.masterkeys import MasterKeys
from secretsync.sops import is_encrypted, metadata
from secretsync.sops.config import find_config, load_config
from secretsync.sops.metadata import Metadata
from secretsync.sops.strangers import Named, Stranger


class Rules:
    """The rules in force, and the findings that they are themselves: one that cannot be read is told once."""

    def __init__(self, keys: MasterKeys, today: date) -> None:
        self.findings: list[Finding] = []
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
            envelopes = {one: each for group in census.recipients(found, self._keys) for one, each in group}
            for rule, one in self._strangers(found, named):
                if one not in told:
                    told.add(one)
                    line = census.line_of(census.Seen(file, b"", source), envelopes[one.recipient])
                    message = f"is encrypted for {one}, and {rule.place} names no such key for it"
                    hint = f"see who added it: git log -p -- {file}; secretsync updatekeys {file} takes it out"
                    yield Finding(file, line, EXTRA_RECIPIENT, "error", message, hint)

    def _strangers(self, found: Metadata, named: list[Named]) -> Iterator[tuple[Named, Stranger]]:
        groups = [[one for one, _ in group] for group in census.recipients(found, self._keys)]
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
        finding = Finding(file, place, rule_of(error), "error", error.message, error.hint)
        if finding not in self.findings:
            self.findings.append(finding)


def _blocks(source: Source) -> Iterator[Metadata]:
    """Yield the metadata of every document that has some; what is wrong with it, opening it says."""
    for document in source.documents:
        try:
            if is_encrypted(document):
                yield metadata.split([document])[1]
        except SecretsyncError:
            continue
