"""`keys lint`: is the ring sound, do its generated files follow from it, and does every encrypted file obey it.

No key is needed, and nothing is decrypted. What each finding means: docs/reference/key-ring.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Final

import secretsync.keyring.encrypted_files as encrypted_files
import secretsync.keyring.ruleset as ruleset
import secretsync.privatekeys as privatekeys
from secretsync.documents.stores import store_named
from secretsync.errors import EscapeError, SecretsyncError
from secretsync.findings import Finding, Report, finding_of
from secretsync.keyring.drift import drift
from secretsync.keyring.editing import SOPS_YAML
from secretsync.keyring.encrypted_files import RepositoryFile
from secretsync.keyring.globs import IgnoredPaths, matches
from secretsync.keyring.key_checks import pgp_findings, ring_findings
from secretsync.keyring.model import KeyRing, normalised
from secretsync.keyring.policy import Policy, PolicyRule
from secretsync.keyring.reading import POLICY, load_from
from secretsync.keyring.sealing import pin_findings
from secretsync.keyring.sources import FOLDER, Checkout
from secretsync.letters import argument, noun_for
from secretsync.masterkeys import MasterKeys
from secretsync.sops.datakey import MasterKey
from secretsync.sops.metadata import Envelope
from secretsync.sops.selectors import Selector


def lint(root: str | Path, names: Iterable[str], *, today: date) -> Report:
    """Examine the key ring of the repository at `root` and its files `names`, relative to it with `/`.

    Raises:
        FileAccessError: `keys/` cannot be listed.
    """
    report = Report()
    source = Checkout(root)
    ring: KeyRing | None = None
    try:
        ring = load_from(source)
        report.findings += ring_findings(ring, today)
        report.findings += drift(ring, source, today)
        report.findings += pin_findings(ring, source, today)
        report.findings += pgp_findings(ring, source, today)
    except SecretsyncError as error:
        report.findings.append(finding_of(error, (error.location or POLICY).partition(" ")[0]))
    own = source.names(FOLDER)
    wanted = _Wanted(ring, today) if ring else None
    aside: Counter[IgnoredPaths] = Counter()
    for seen in encrypted_files.look(Path(root), sorted({*names, *own})):
        report.files += 1
        report.encrypted += seen.metadata is not None
        report.findings += _of_file(seen, wanted)
        ignored = ring.policy.ignored(seen.path) if ring and (seen.metadata or seen.problem) else None
        aside.update([ignored] if ignored else [])
    report.findings += [_ignoring(each, aside[each]) for each in (ring.policy.ignore if ring else ())]
    return report


def _ignoring(entry: IgnoredPaths, files: int) -> Finding:
    """Return the note on what the policy ignores, and how many encrypted files that are: no report leaves them out."""
    told = f"{entry}: {files} encrypted {noun_for(files, 'file')}"
    return ruleset.IGNORED_FILES.finding(POLICY, "ignore", told)


class _Wanted:
    """The recipients that each rule names, worked out once."""

    def __init__(self, ring: KeyRing, today: date) -> None:
        self.ring = ring
        self._today = today
        self._by_rule: dict[int, list[set[MasterKey]]] = {}

    def groups(self, rule: PolicyRule) -> list[set[MasterKey]]:
        """Return the recipients of each group of a rule. Raises: ConfigError."""
        if rule.number not in self._by_rule:
            groups = self.ring.readers(rule, today=self._today)
            self._by_rule[rule.number] = [{reader.recipient for reader in group} for group in groups]
        return self._by_rule[rule.number]


def _of_file(seen: RepositoryFile, wanted: _Wanted | None) -> Iterator[Finding]:
    policy = wanted.ring.policy if wanted else Policy()
    yield from _out_of_place(seen, policy)
    if policy.ignored(seen.path):
        return
    if seen.problem is not None:
        found = finding_of(seen.problem, seen.path)
        yield replace(found, level="note") if _is_elsewhere(seen) else found
    elif seen.metadata is not None and wanted is not None:
        try:
            yield from _of_encrypted(seen, wanted)
        except SecretsyncError as error:
            yield finding_of(error, seen.path)


def _is_elsewhere(seen: RepositoryFile) -> bool:
    """Whether a path of no interest leads out of the repository: Git holds the link, and nothing of what it leads to."""
    is_own = seen.path == SOPS_YAML or seen.path.startswith(f"{FOLDER}/")
    return isinstance(seen.problem, EscapeError) and not is_own


def _out_of_place(seen: RepositoryFile, policy: Policy) -> Iterator[Finding]:
    allowed = not seen.path.startswith(f"{FOLDER}/") and any(
        matches(glob, seen.path) for glob in policy.allow_private_keys
    )
    for kind in () if allowed else privatekeys.kinds_of(seen.data):
        yield ruleset.PRIVATE_KEY.finding(seen.path, "", f"holds {kind}", ruleset.LEAKED).about(kind)
    if seen.path.endswith(f"/{SOPS_YAML}"):
        message = "would decide instead of the policy who reads the files next to it"
        yield ruleset.NESTED_CONFIG.finding(seen.path, "", message, f"git rm {argument(seen.path)}")


def _of_encrypted(seen: RepositoryFile, wanted: _Wanted) -> Iterator[Finding]:
    assert seen.metadata is not None
    ring, rule = wanted.ring, wanted.ring.rule_for(seen.path)
    present = encrypted_files.recipients(seen.metadata, _KEYS)
    groups = wanted.groups(rule) if rule else None
    if rule is None:
        message, hint = "no rule of the policy is for it", f"add one to {POLICY}"
        yield ruleset.NO_RULE.finding(seen.path, "", message, hint)
    for group in present:
        for recipient, envelope in group:
            yield from _of_recipient(seen, ring, recipient, envelope, groups)
    if rule is not None and groups is not None:
        yield from _missing(seen, ring, present, groups)
        yield from _shape(seen, rule, [{one for one, _ in group} for group in present], groups)


_KEYS: Final = MasterKeys({}, plugins=False)


def _of_recipient(
    seen: RepositoryFile, ring: KeyRing, recipient: MasterKey, envelope: Envelope, wanted: list[set[MasterKey]] | None
) -> Iterator[Finding]:
    """Yield what is wrong with a recipient that a file names: retired, unknown, or not the policy's for this file."""
    gone, known = ring.find_retired(recipient), ring.find(recipient)
    hint = ruleset.ALIGN
    if gone:
        rule = ruleset.RETIRED_RECIPIENT
        message = f"{gone.key.id} of {gone.principal}, which was retired on {gone.retired_at} ({gone.reason})"
    elif not known:
        rule = ruleset.UNKNOWN_RECIPIENT
        message = f"{recipient.kind} {ring.label(recipient)}, which the key ring does not know"
        hint = f"see who added it: git log -p -- {argument(seen.path)}; then: {ruleset.ALIGN} --unknown drop"
    elif wanted is not None and not any(_has(group, recipient) for group in wanted):
        rule = ruleset.EXTRA_RECIPIENT
        message = f"{known[1].id} of {known[0].name}, whom the policy does not name for it"
    else:
        return
    place = encrypted_files.line_of(seen, envelope)
    yield rule.finding(seen.path, place, f"is encrypted for {message}", hint).about(recipient.name)


def _missing(
    seen: RepositoryFile, ring: KeyRing, groups: list[list[tuple[MasterKey, Envelope]]], wanted: list[set[MasterKey]]
) -> Iterator[Finding]:
    present = {normalised(recipient) for group in groups for recipient, _ in group}
    for recipient in sorted({one for group in wanted for one in group if normalised(one) not in present}):
        message = f"is not encrypted for {ring.label(recipient)}, whom the policy names for it"
        yield ruleset.MISSING_RECIPIENT.finding(seen.path, "", message, ruleset.ALIGN).about(recipient.name)


def _shape(
    seen: RepositoryFile, rule: PolicyRule, groups: list[set[MasterKey]], wanted: list[set[MasterKey]]
) -> Iterator[Finding]:
    """Yield where groups, threshold or selector of a file are not the rule's, while its recipients may be."""
    assert seen.metadata is not None
    threshold = rule.threshold or (len(wanted) if len(wanted) > 1 else 0)
    found = seen.metadata.shamir_threshold
    if len(groups) != len(wanted) or (len(wanted) > 1 and found != threshold):
        message = f"has {len(groups)} key groups and threshold {found}, and the policy {len(wanted)} and {threshold}"
        yield ruleset.OTHER_GROUPS.finding(seen.path, "", message, ruleset.ALIGN)
    elif len(wanted) > 1 and [_all(group) for group in groups] != [_all(group) for group in wanted]:
        message = "has its recipients in other groups than the policy"
        yield ruleset.OTHER_GROUPS.finding(seen.path, "", message, ruleset.ALIGN)
    if seen.source and store_named(seen.source.store).ONE_VALUE:
        return  # one value, whatever a selector says
    policy = rule.selector or Selector.default()
    selector = seen.metadata.selector
    same = (selector.kind, selector.pattern) == (policy.kind, policy.pattern)
    if not same or seen.metadata.mac_only_encrypted != rule.mac_only_encrypted:
        message = f"encrypts by {_shown(selector, mac_only=seen.metadata.mac_only_encrypted)}, and the policy says "
        message += _shown(policy, mac_only=rule.mac_only_encrypted)
        name = argument(seen.path)
        hint = f"decrypt it and encrypt it anew: secretsync decrypt -i {name} && secretsync encrypt -i {name}"
        yield ruleset.OTHER_SELECTOR.finding(seen.path, "", message, hint)


def _shown(selector: Selector, *, mac_only: bool) -> str:
    return f"{selector.kind} {selector.pattern!r}{' (MAC over encrypted values only)' if mac_only else ''}"


def _has(group: set[MasterKey], recipient: MasterKey) -> bool:
    return normalised(recipient) in _all(group)


def _all(group: set[MasterKey]) -> set[MasterKey]:
    return {normalised(one) for one in group}
