"""What is proved of one rotated file, from the bytes that were written: checks V1 to V7, V9 and V11.

Each check is a small function that returns how many things it looked at and what it found wrong; no values come out.
Old and new plaintext are compared in memory, where both are at hand anyway.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from secretsync.crypto.gcm import Gcm, WrongTagError
from secretsync.documents.tree import Comment, Scalar, Source
from secretsync.errors import IncorrectIdentityError, IntegrityError, NoIdentityMatchError, SecretsyncError
from secretsync.keyring.model import normalised
from secretsync.letters import counted
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.kinds import unattended
from secretsync.rotation.file_metadata import options_for
from secretsync.rotation.model import FilePlan, PlannedKey
from secretsync.rotation.rewrapping import recipients
from secretsync.sops import metadata, values
from secretsync.sops.comparison import of_file
from secretsync.sops.datakey import MasterKey
from secretsync.sops.metadata import Envelope, Metadata
from secretsync.sops.open_file import OpenFile, load, open_file
from secretsync.sops.operations import editable
from secretsync.sops.recognition import ciphertexts
from secretsync.sops.walk import Walk


class Verdict(NamedTuple):
    """What one check says of one file: how many things it looked at, what is wrong, and the seconds it took."""

    check: str
    checked: int
    failures: list[str]
    seconds: float = 0.0


class Parts(NamedTuple):
    """What a file is proved from, but its new bytes."""

    file: FilePlan
    names: Mapping[str, PlannedKey]
    keys: MasterKeys
    singles: Mapping[str, MasterKeys]
    """Each identity of this machine alone, by recipient."""
    removed: Mapping[str, MasterKeys]
    """Identities of keys that lose the file, where they are at hand."""
    old: OpenFile | None
    """The file as it was, None where no key here opens that."""
    old_bytes: bytes


class Evidence(NamedTuple):
    """Everything the checks of one file may look at: what it is proved from, and the file as it is now."""

    parts: Parts
    new: OpenFile
    new_bytes: bytes


def prove(parts: Parts, new: bytes, source: Source | None = None) -> list[Verdict]:
    """Run every check that applies to a file. A check that needs keys which are not here says nothing.

    `source` is the tree of exactly these bytes, for whoever has read it already.
    """
    file = parts.file
    try:
        after = _opened(parts, new, source)
    except SecretsyncError as error:
        return [Verdict("V1", 1, [f"{file.path}: {error}"])]
    evidence = Evidence(parts, after, new)
    return [Verdict("V1", 1, []), *(_run(name, check, evidence) for name, check in CHECKS.items())]


def prove_closed(parts: Parts, new: bytes) -> list[Verdict]:
    """Run the checks that need no key on a file that none here opens: somebody else wrote and proved it."""
    path = parts.file.path
    try:
        found = metadata.split(load(new, options_for(path, new, parts.keys)).documents)[1]
        failures = _not_as_planned(found, parts)
    except SecretsyncError as error:
        return [Verdict("V1", 1, [f"{path}: {error}"])]
    seen, wrong = _labelled(found, parts)
    old, kept = _kept(parts, new)
    return [
        Verdict("V1", 0, []),
        Verdict("V2", 1, [f"{path}: {each}" for each in failures]),
        Verdict("V6", old, [f"{path}: {each}" for each in kept]),
        Verdict("V11", seen, [f"{path}: {each}" for each in wrong]),
    ]


def _opened(parts: Parts, new: bytes, source: Source | None) -> OpenFile:
    """Open the new file, by one identity alone where one is at hand: V3 then has its answer already."""
    for name in (name for group in parts.file.after for name in group):
        alone = parts.singles.get(parts.names[name].recipient) if name in parts.names else None
        if alone is not None and len(parts.file.after) == 1:
            try:
                return open_file(new, options_for(parts.file.path, new, alone), source)
            except NoIdentityMatchError:
                break
    return open_file(new, options_for(parts.file.path, new, parts.keys), source)


def _run(name: str, check: Callable[[Evidence], tuple[int, Iterable[str]]], evidence: Evidence) -> Verdict:
    start = time.perf_counter()  # the clock of the processor would be a system call, sixteen for each file
    count, failures = check(evidence)
    found = [f"{evidence.parts.file.path}: {failure}" for failure in failures]
    return Verdict(name, count, found, time.perf_counter() - start)


def _policy(evidence: Evidence) -> tuple[int, list[str]]:
    """V2: recipients and threshold are those of the plan, which are those of the policy."""
    return 1, _not_as_planned(evidence.new.plain.metadata, evidence.parts)


def _not_as_planned(found: Metadata, parts: Parts) -> list[str]:
    have = [sorted(normalised(one) for one in group) for group in of_file(found, parts.keys)]
    want = [sorted(group) for group in recipients(parts.file, parts.names)]
    failures = [] if have == want else ["its recipients are not those of the policy"]
    if found.shamir_threshold != parts.file.threshold:
        failures.append("its threshold is not that of the policy")
    return failures


def _holders(evidence: Evidence) -> tuple[int, list[str]]:
    """V3: each identity that is here opens its envelope by itself, and finds the data key that opened the file."""
    found, failures = 0, []
    for number, group in enumerate(evidence.new.plain.metadata.groups):
        parts = set()
        for envelope in group:
            alone = evidence.parts.singles.get(_name(envelope, evidence.parts))
            if alone is None:
                continue
            found += 1
            try:
                parts.add(alone.unwrap(envelope.kind, envelope.fields))
            except SecretsyncError as error:
                failures.append(f"{_label(envelope, evidence.parts)} does not open it by itself: {error.message}")
        if len(parts) > 1 or (parts and len(evidence.parts.file.after) == 1 and parts != {evidence.new.plain.data_key}):
            failures.append(f"the envelopes of group {number + 1} hold different data keys")
    return found, failures


def _plaintext(evidence: Evidence) -> tuple[int, list[str]]:
    """V4: every value is what it was."""
    if evidence.parts.old is None:
        return 0, []
    old, new = evidence.parts.old.plain, evidence.new.plain
    same = len(old.origins) == len(new.origins) and old.metadata.selector == new.metadata.selector
    same = same and _Leaves(evidence.parts.old).found == _Leaves(evidence.new).found
    return len(new.origins), [] if same else ["its values are not what they were"]


def _old_key(evidence: Evidence) -> tuple[int, list[str]]:
    """V5: the old data key opens no value and not the MAC."""
    if evidence.parts.file.operation != "rotate" or evidence.parts.old is None:
        return 0, []
    cipher = Gcm(evidence.parts.old.plain.data_key.expose())
    found = evidence.new.plain.metadata
    sealed = [(_text(origin.node), origin.aad) for origin in evidence.new.plain.origins.values()]
    sealed.append((found.mac, found.last_modified.encode()))
    opened = sum(_opens(cipher, text, aad) for text, aad in sealed)
    return len(sealed), [f"the old data key still opens {opened} of {counted(len(sealed), 'value')}"] if opened else []


def _ciphertext(evidence: Evidence) -> tuple[int, list[str]]:
    """V6: no ciphertext of the parent is still there."""
    return _kept(evidence.parts, evidence.new_bytes)


def _kept(parts: Parts, new: bytes) -> tuple[int, list[str]]:
    if parts.file.operation != "rotate":
        return 0, []
    old = ciphertexts(parts.old_bytes)
    kept = old & ciphertexts(new)
    return len(old), [f"{counted(len(kept), 'value')} with the same ciphertext as before"] if kept else []


def _removed(evidence: Evidence) -> tuple[int, list[str]]:
    """V7: an identity that lost the file, where it is at hand, opens no envelope."""
    failures = []
    ours = {kind.name for kind in unattended()}
    envelopes = [one for group in evidence.new.plain.metadata.groups for one in group if one.kind in ours]
    for name, alone in evidence.parts.removed.items():
        for envelope in envelopes:
            try:
                alone.unwrap(envelope.kind, envelope.fields)
            except (IncorrectIdentityError, IntegrityError):
                continue
            failures.append(f"{name} was removed, and still opens the envelope of {_label(envelope, evidence.parts)}")
    return len(envelopes) * len(evidence.parts.removed), failures


def _revealed(evidence: Evidence) -> tuple[int, list[str]]:
    """V9: the decrypted file is byte-identical, so nothing changes in a cluster."""
    if evidence.parts.old is None:
        return 0, []
    same = editable(evidence.parts.old) == editable(evidence.new)
    return 1, [] if same else ["decrypted, it is not byte-identical to what it was"]


def _labels(evidence: Evidence) -> tuple[int, list[str]]:
    """V11: an envelope is for the key it names, where that can be seen from outside."""
    return _labelled(evidence.new.plain.metadata, evidence.parts)


def _labelled(found: Metadata, parts: Parts) -> tuple[int, list[str]]:
    envelopes = [one for group in found.groups for one in group]
    verdicts = [(one, parts.keys.matches(one.kind, one.fields)) for one in envelopes]
    wrong = [
        f"the envelope of {_label(one, parts)} is for another key" for one, matches in verdicts if matches is False
    ]
    return sum(matches is not None for _, matches in verdicts), wrong


CHECKS: Final[dict[str, Callable[[Evidence], tuple[int, Iterable[str]]]]] = {
    "V2": _policy,
    "V3": _holders,
    "V4": _plaintext,
    "V5": _old_key,
    "V6": _ciphertext,
    "V7": _removed,
    "V9": _revealed,
    "V11": _labels,
}
"""Checks of one file by their number in the verification matrix (docs/explanation/rotation.md)."""


class _Leaves(Walk):
    """Collects every value and comment of a file as path, type and bytes, in order."""

    def __init__(self, opened: OpenFile) -> None:
        super().__init__(opened.plain.metadata.selector)
        self.found: list[tuple[bytes, str, bytes]] = []
        self.documents(opened.plain.documents)

    def leaf(self, scalar: Scalar, aad: bytes, *, selected: bool) -> Scalar:  # noqa: ARG002  # the walk's signature
        """Remember a value."""
        self.found.append((aad, values.label(scalar.value), values.canonical(scalar.value)))
        return scalar

    def comment(self, comment: Comment, aad: bytes, *, selected: bool) -> Comment:  # noqa: ARG002  # the walk's signature
        """Remember a comment."""
        self.found.append((aad, values.COMMENT, comment.text.encode()))
        return comment


def _name(envelope: Envelope, parts: Parts) -> str:
    return normalised(MasterKey(envelope.kind, parts.keys.recipient(envelope.kind, envelope.fields))).name


def _label(envelope: Envelope, parts: Parts) -> str:
    name = _name(envelope, parts)
    return next((label for label, key in parts.names.items() if key.recipient == name), f"{name[:20]}…")


def _text(node: object) -> str:
    return node.text if isinstance(node, Comment) else str(getattr(node, "value", ""))


def _opens(cipher: Gcm, text: str, aad: bytes) -> bool:
    sealed = values.parse(text)
    try:
        cipher.open(sealed.iv, sealed.sealed, aad)
    except WrongTagError:
        return False
    return True
