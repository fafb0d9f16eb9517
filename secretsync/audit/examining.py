"""One file after the other: what it is, what is wrong with it without a key, and what opening it shows.

One file's problem is a finding, never the end of the run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

import secretsync.audit.generators as generators
import secretsync.audit.reading as reading
import secretsync.audit.ruled as ruled
import secretsync.audit.secrets as secrets
import secretsync.audit.structure as structure
from secretsync import files
from secretsync.audit.files_to_examine import FileToExamine
from secretsync.audit.opening import FileOpener, KeyUse
from secretsync.audit.reading import FileRead, ReadDocument
from secretsync.audit.ruleset import BARE_CIPHERTEXT, LOST_BLOCK, NOT_EXAMINED
from secretsync.audit.strangers import Rules
from secretsync.audit.walking import KUSTOMIZATIONS
from secretsync.documents.stores import FALLBACK, store_for_path
from secretsync.documents.tree import Limits, Mapping
from secretsync.errors import (
    CiphertextFormatError,
    EscapeError,
    LimitError,
    ManifestError,
    MissingFileError,
    NoIdentityMatchError,
    SecretsyncError,
)
from secretsync.findings import Finding, Report, finding_of
from secretsync.keyring.naming import FileRule
from secretsync.keyring.ownfiles import is_own
from secretsync.letters import argument
from secretsync.manifests.objects import flatten
from secretsync.rendering import ciphertext
from secretsync.secrecy import CIPHERTEXT
from secretsync.sops import recognition
from secretsync.sops.config import FILE_NAME
from secretsync.sops.datakey import MasterKey

_CONFIGURATIONS: Final = (FILE_NAME, ".secretsync.yaml")
_LARGER: Final = 8
"""How many times the largest file that is read is still searched for the marks of files that are ours."""
_SECRET_MARKS: Final = (b"kind: Secret\n", b"kind: Secret\r\n", b'"kind": "Secret"', b'"kind":"Secret"')
_STDIN_NAME: Final = "stdin.yaml"
_CUT_OFF: Final = f"{CIPHERTEXT}data:"
"""How a value begins that is ciphertext, or what is left of it."""


class KeysAtHand(NamedTuple):
    """How keys are used: what opens files, None for nothing, and whom the identities of this machine are."""

    use: KeyUse
    opener: FileOpener | None
    own: Callable[[], set[MasterKey]]


class Examination:
    """Examines files, and puts what it finds into a report."""

    def __init__(self, report: Report, rules: Rules, keys: KeysAtHand, limits: Limits) -> None:
        self._report = report
        self._rules = rules
        self._keys = keys
        self._limits = limits
        self._named: list[generators.NamedFile] = []
        self._read: dict[str, FileToExamine] = {}
        self._namespaces: dict[str, str] = {}

    def examine(self, file: FileToExamine) -> None:
        """Examine one file; one that goes away meanwhile, and a link that leads nowhere, are nobody's."""
        try:
            data = self._bytes_of(file)
            if data is not None:
                self._report.findings += self._of_data(file, data)
        except SecretsyncError as error:
            self._report.findings.append(_finding_at(error, file.shown))

    def finish(self) -> None:
        """Look at what generators name, once every file was seen."""
        told = {finding.file for finding in self._report.findings if finding.level == "error"}
        self._report.findings += generators.findings(self._named, told, self._named_file, self._limits)

    def _bytes_of(self, file: FileToExamine) -> bytes | None:
        try:
            return file.read(self._limits.size)
        except (MissingFileError, EscapeError):
            if file.found:
                return None
            raise
        except LimitError as error:
            found = self._of_large(file, error)
            self._report.findings += [found] if found else []
            return None

    def _of_large(self, file: FileToExamine, error: LimitError) -> Finding | None:
        """Return the finding of a file that is too large to be read: a note where it cannot be told what it is."""
        try:
            data = file.read(_LARGER * self._limits.size)
        except LimitError:
            if store_for_path(file.name) == FALLBACK:
                return NOT_EXAMINED.finding(file.shown, "", error.message)
            return _finding_at(error, file.shown)
        is_ours = any(mark in data for mark in (*recognition.MARKS, *_SECRET_MARKS))
        return _finding_at(error, file.shown) if is_ours else None

    def _of_data(self, file: FileToExamine, data: bytes) -> Iterator[Finding]:
        yield from self._rules.private_keys(file.shown, data)
        if (file.found and os.path.basename(file.name) in _CONFIGURATIONS) or is_own(file.name, data):
            return
        from_stdin = file.name == files.STDIN
        rules = [] if from_stdin else self._rules.rules_for(file.shown)
        then = [] if from_stdin else self._rules.reviewed_for(file.shown)
        wanted = [rule for each in (rules, then) if (rule := ruled.wants_encrypted(file.shown, each))]
        by_comment = any(rule.selector is not None and rule.selector.by_comment for rule in wanted)
        name = _STDIN_NAME if from_stdin else file.name
        seen = reading.read(name, data, self._limits, ruled=bool(wanted), comments=by_comment)
        if seen is None:
            return
        self._report.files += 1
        self._report.encrypted += seen.encrypted
        yield from self._of_file(file, seen, rules, wanted)

    def _of_file(
        self, file: FileToExamine, seen: FileRead, rules: list[FileRule], wanted: list[FileRule]
    ) -> Iterator[Finding]:
        self._read[os.path.normpath(file.shown)] = file
        found = [finding_of(seen.problem, file.shown)] if seen.problem else []
        for document in seen.documents:
            found += self._of_document(file, seen, document)
        for rule in wanted:
            if not found and (rule in rules or not seen.encrypted):  # how a file is encrypted, the rules at hand say
                found += ruled.findings(file.shown, seen, rule)
        yield from found
        if seen.encrypted and rules:
            yield from self._rules.strangers(file.shown, rules, seen)
            yield from self._rules.missing(file.shown, rules, seen)
        if not any(each.level == "error" for each in found):
            yield from self._opened(file, seen, rules)

    def _opened(self, file: FileToExamine, seen: FileRead, rules: list[FileRule]) -> Iterator[Finding]:
        if self._keys.opener is None or not seen.whole or not seen.documents:
            return
        try:
            if seen.encrypted or any(_may_carry(document.root) for document in seen.documents):
                yield from self._keys.opener.findings(file.shown, seen)
        except NoIdentityMatchError:
            if self._keys.use == "required" and self._rules.is_for(rules, self._keys.own()):
                labels = [self._rules.label(one) for one in self._keys.opener.recipients_of(seen)]
                message = f"no key here opens it; it is encrypted for {', '.join(labels) or 'nobody who is named'}"
                yield finding_of(NoIdentityMatchError(message, hint="run: secretsync doctor"), file.shown)

    def _of_document(self, file: FileToExamine, seen: FileRead, document: ReadDocument) -> Iterator[Finding]:
        several = len(seen.documents) > 1 or not seen.whole
        where = f"#{document.number}" if several else ""
        told = []
        if document.encrypted:
            told = list(structure.findings(file.shown, where, document))
            yield from told
        else:
            yield from _bare(file.shown, where, document.root, in_encrypted=seen.encrypted)
        found = document.plain
        if not isinstance(found, dict):
            return
        self._named += generators.files_of(file.shown, found)
        yield from generators.literals(file.shown, where, found)
        places = {each.place.replace(" ", ".") for each in told}
        for inner, item in _objects(found):
            at = secrets.Place(
                file.shown, f"{where} {inner}".strip(), document.encrypted, lambda: self._namespace(file.shown)
            )
            for each in secrets.findings(at, item):
                if each.place.replace(" ", ".") not in places:
                    yield each

    def _named_file(self, path: str) -> bytes | None:
        try:
            known = self._read.get(path)
            if known is not None:
                return known.read(self._limits.size)
            return files.read_confined(".", path, self._limits.size)
        except SecretsyncError:
            return None

    def _namespace(self, path: str) -> str:
        """Return the namespace that the kustomization beside a file sets, or one of a folder above it in the tree."""
        folder = os.path.dirname(path)
        while folder not in self._namespaces:
            self._namespaces[folder] = _namespace_in(folder or ".", self._limits)
        return self._namespaces[folder]


def _finding_at(error: SecretsyncError, shown: str) -> Finding:
    """Return the finding that an error is; where it only repeats the file, in another spelling, it has no place in it."""
    if error.location and os.path.normpath(error.location) == os.path.normpath(shown):
        error.location = None
    return finding_of(error, shown)


def _namespace_in(folder: str, limits: Limits) -> str:
    for name in KUSTOMIZATIONS:
        try:
            data = files.read_confined(folder, name, limits.size)
            seen = reading.read("kustomization.yaml", data, limits, ruled=True)
        except SecretsyncError:
            continue
        for document in seen.documents if seen else ():
            namespace = reading.plain(document.root.get("namespace") or Mapping())
            if isinstance(namespace, str) and namespace:
                return namespace
    return ""


def _objects(document: dict[str, object]) -> list[tuple[str, dict[str, object]]]:
    try:
        return list(flatten(document))
    except ManifestError:
        return []


def _bare(file: str, where: str, document: Mapping, *, in_encrypted: bool) -> Iterator[Finding]:
    """Yield the first value of a plain document that is ciphertext, as it stands or in base64."""
    hint = f"restore it from Git: git log -p -- {argument(file)}"
    try:
        ciphertext.refuse(document, where)
    except CiphertextFormatError as error:
        if document.get("kind") is not None:
            yield BARE_CIPHERTEXT.finding(file, error.location or "", error.message, hint)
        else:
            message = "was encrypted, and the sops block is lost"
            yield LOST_BLOCK.finding(file, error.location or "", message, hint)
        return
    if in_encrypted or not reading.has_leaf(document, _CUT_OFF):
        return
    cut = next((path for path, leaf in reading.leaves(document) if str(leaf.value).startswith(_CUT_OFF)), None)
    if cut is not None:
        message = "was encrypted, and is cut off: the sops block is lost"
        yield LOST_BLOCK.finding(file, f"{where} {cut}".strip(), message, hint)


def _may_carry(document: Mapping) -> bool:
    """Whether it is a Secret that may carry a SOPS file in its `data`."""
    return document.get("data") is not None and document.get("kind") is not None
