"""From what was found to what counts: files left out, rules of another level, findings that somebody has accepted.

Everything that takes a finding away can come from a revision instead of the files at hand, so that whoever asks for a
change cannot switch off what judges it. Private keys and strangers are never accepted by the file that holds them.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from secretsync import files
from secretsync.audit import baseline, inline, settings
from secretsync.audit.files_to_examine import FileToExamine, Reading
from secretsync.audit.inline import Comments, Grant
from secretsync.audit.origins import ConfigurationOrigin, Revision
from secretsync.audit.outline import OutlinedDocument, outline, place_of
from secretsync.audit.ruleset import IGNORE_COMMENT
from secretsync.audit.settings import CheckSettings
from secretsync.documents.tree import Limits
from secretsync.errors import ConfigError, MissingFileError, SecretsyncError
from secretsync.findings import Finding, FindingIdentity, LocatedFinding, Report, Suppressed
from secretsync.keyring.rule_files import FilesOfState, is_rule_file

_MOST: Final = Limits().size


def root_of(path: str) -> str:
    """Return the root of the repository that a path lies in; without one, the folder of its configuration, or the path's."""
    start = os.path.abspath(path)
    start = start if os.path.isdir(start) else os.path.dirname(start)
    above = [start]
    while (parent := os.path.dirname(above[-1])) != above[-1]:
        above.append(parent)
    for mark in (".git", settings.FILE_NAME):
        found = next((folder for folder in above if os.path.lexists(os.path.join(folder, mark))), None)
        if found:
            return found
    return start


class Gate:
    """What is accepted in one repository, and what of that was met."""

    def __init__(self, root: str, origin: ConfigurationOrigin, *, reviewed: Revision | None = None) -> None:
        """Read the configuration from `reviewed` where it is given, else from `origin`. Raises: ConfigError."""
        self.root = root
        self._reviewed = reviewed
        self._origin: ConfigurationOrigin = reviewed or origin
        self._settings = self._read_settings()
        self._known: Mapping[FindingIdentity, int] = {}
        self._files: dict[str, FileToExamine] = {}
        self._comments: dict[str, Comments] = {}
        self._stdin = b""
        self._ignored = 0

    def _read_settings(self) -> CheckSettings:
        if self._origin.read(settings.MISTAKEN_NAME) is not None:
            hint = f"git mv {settings.MISTAKEN_NAME} {settings.FILE_NAME}"
            raise ConfigError("is not read", location=self._origin.shown(settings.MISTAKEN_NAME), hint=hint)
        data = self._origin.read(settings.FILE_NAME)
        return CheckSettings() if data is None else settings.parse(data, self._origin.shown(settings.FILE_NAME))

    def reviewed_rules(self) -> FilesOfState | None:
        """Return `.sops.yaml` and key rings of the reviewed revision, None without one. Raises: RepositoryError."""
        if self._reviewed is None:
            return None
        return FilesOfState(self.root, self._reviewed.read_all(is_rule_file), self._reviewed.name)

    def read_baseline(self, path: str | None, *, written_anew: bool = False) -> None:
        """Read the baseline at `path`, or the one that the configuration names.

        A path of the command line that lies in the repository is read where the configuration is.

        Raises:
            ConfigError: it is malformed, or missing (but for one that is `written_anew`).
        """
        inside = self._inside(path) if path else self._settings.baseline
        if not inside:
            return
        named = bool(path) and (inside.startswith("../") or self._reviewed is None)
        shown = path if named and path else self._origin.shown(inside)
        try:
            data = files.read(path) if named and path else self._origin.read(inside)
        except MissingFileError:
            data = None
        if data is None and not written_anew:
            raise ConfigError(
                "there is no such baseline", location=shown, hint="secretsync check --write-baseline FILE ."
            )
        self._known = baseline.parse(data, shown) if data is not None else {}

    def admitted(self, found: Iterable[FileToExamine]) -> Iterator[FileToExamine]:
        """Yield the files that are not ignored; what their comments accept is noted while they are read."""
        for file in found:
            if self._ignores(file.shown):
                self._ignored += 1
            else:
                self._files[file.shown] = file
                yield file._replace(read=self._noting(file))

    def _noting(self, file: FileToExamine) -> Reading:
        def read(most: int) -> bytes:
            data = file.read(most)
            if file.name == files.STDIN:
                self._stdin = data
            if inline.MARK in data:
                self._comments[file.shown] = inline.read(file.name, file.shown, data)
            return data

        return read

    def _ignores(self, shown: str) -> bool:
        globs = self._settings.ignore
        return shown != files.STDIN and bool(globs) and globs.ignores(self._inside(shown))

    def _inside(self, shown: str) -> str:
        """Return a path relative to the root, with `/`, in letters that any file can hold."""
        relative = os.path.relpath(os.path.abspath(shown), self.root).replace(os.sep, "/")
        return os.fsencode(relative).decode("utf-8", "backslashreplace")

    def judge(self, report: Report, *, locate: bool, write_baseline: str | None = None) -> None:
        """Take out of a report what does not count; where `locate`, say of every finding what it is known by.

        `write_baseline` is a file that is to know everything that is left.

        Raises:
            FileAccessError: the baseline cannot be written.
        """
        report.ignored = self._ignored
        report.findings += [mistake for each in self._comments.values() for mistake in each.mistakes]
        report.findings = [
            each for each in map(self._levelled, report.findings) if each and not self._ignores(each.file)
        ]
        self._accept_inline(report)
        if locate or self._known or write_baseline:
            report.located = dict(self._located([*report.findings, *(each.finding for each in report.suppressed)]))
        if write_baseline:
            kept = [report.located[each].identity for each in report.findings if _can_be_known(each)]
            files.write_atomic(write_baseline, baseline.dump(kept))
            self._known = Counter(kept)
        self._accept_known(report)

    def _levelled(self, finding: Finding) -> Finding | None:
        setting = self._settings.rules.get(finding.rule)
        if setting == "off":
            return None
        return replace(finding, level=setting) if setting else finding

    def _accept_inline(self, report: Report) -> None:
        grants = {shown: self._grants(shown) for shown in self._comments}
        left = []
        for finding in report.findings:
            place = place_of(finding.place)
            granted = next((one for one in grants.get(finding.file, ()) if one.covers(finding.rule, place)), None)
            if granted:
                report.suppressed.append(Suppressed(finding, "inline", granted.reason))
            else:
                left.append(finding)
        report.findings = left

    def _grants(self, shown: str) -> list[Grant]:
        """Return the comments of a file that count: with a reviewed revision, those that stand there as well."""
        grants = self._comments[shown].grants
        if self._reviewed is None or not grants:
            return grants
        path = self._inside(shown)
        data = None if path.startswith("../") else self._reviewed.read(path)
        before = inline.read(shown, shown, data).grants if data else []
        reviewed = {one.identity for one in before}
        return [one for one in grants if one.identity in reviewed]

    def _accept_known(self, report: Report) -> None:
        if not self._known:
            return
        times = Counter(report.located[each].identity for each in report.findings if _can_be_known(each))
        left = []
        for finding in report.findings:
            identity = report.located[finding].identity
            if _can_be_known(finding) and times[identity] <= self._known.get(identity, 0):
                report.suppressed.append(Suppressed(finding, "baseline", "known by the baseline"))
            else:
                left.append(finding)
        report.findings = left

    def _located(self, findings: Iterable[Finding]) -> Iterator[tuple[Finding, LocatedFinding]]:
        outlines: dict[str, list[OutlinedDocument]] = {}
        for finding in findings:
            if finding.file not in outlines:
                outlines[finding.file] = self._outline(finding.file)
            yield finding, _located(finding, self._inside(finding.file), outlines[finding.file])

    def _outline(self, shown: str) -> list[OutlinedDocument]:
        file = self._files.get(shown)
        if file is None:
            return []
        try:
            data = self._stdin if file.name == files.STDIN else file.read(_MOST)
        except SecretsyncError:
            return []
        return outline(file.name, data)


def _can_be_known(finding: Finding) -> bool:
    return finding.level != "note" and finding.rule != IGNORE_COMMENT.id


def _located(finding: Finding, file: str, parts: list[OutlinedDocument]) -> LocatedFinding:
    place = place_of(finding.place)
    number = place.document or (1 if len(parts) == 1 else 0)
    part = next((each for each in parts if each.number == number), None)
    if part is None:
        path = f"#{place.document} {place.path}".strip() if place.document else place.path
        return LocatedFinding(FindingIdentity(finding.rule, file, "", path, finding.subject), place.line)
    owner, path = part.owner(place.path, several=len(parts) > 1)
    line = place.line or (part.line_at(place.path) if place.path or place.document else 0)
    return LocatedFinding(FindingIdentity(finding.rule, file, owner, path, finding.subject), line)
