"""Verifying files: everything encrypted opens and is authentic, and nothing secret lies in the clear.

Manifests are opened exactly as `render` opens them; SOPS files of the other stores as `decrypt` does. One file's
problem is a finding, never the end of the run.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime

import secretsync.audit.sealed as sealed
from secretsync import files, sops
from secretsync.audit.files_to_examine import FileToExamine, chosen
from secretsync.audit.ruleset import CLEAR_VALUE, DEMO_KEY, PLAINTEXT_SECRET, SUSPECT
from secretsync.audit.strangers import Rules
from secretsync.documents.plain import to_plain
from secretsync.documents.stores import is_nested, store_for_path, store_named
from secretsync.documents.tree import Limits, Source
from secretsync.errors import ManifestError, PlaintextError, SecretsyncError
from secretsync.findings import Finding, Report, finding_of
from secretsync.keyring.ownfiles import store_of
from secretsync.letters import argument
from secretsync.manifests import objects, secret
from secretsync.manifests.secret import decode_base64
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.kinds import DEMO_RECIPIENTS
from secretsync.rendering import ciphertext
from secretsync.rendering import objects as render_objects
from secretsync.rendering.embedded_sops import open_carried
from secretsync.rendering.units import OpenedObject, open_units
from secretsync.secrecy import CIPHERTEXT
from secretsync.sops import metadata, recognition
from secretsync.sops.config import FILE_NAME

_VALUE_FIELDS = ("data", "stringData")


def check(
    paths: Iterable[str | FileToExamine],
    environ: Mapping[str, str],
    *,
    allow_demo_keys: bool = False,
    limits: Limits = Limits(),
    today: date | None = None,
) -> Report:
    """Examine every file of `paths`, folders with all that is in them, and return what was found.

    Demo keys always open what they can, and are a finding of their own unless allowed. `today` is the day by which
    keys of a ring are valid, the present one unless given.

    Raises:
        FileAccessError: a path is missing, or a folder cannot be listed.
    """
    report = Report()
    keys = MasterKeys(environ, allow_demo_keys=True)
    rules = Rules(keys, today or datetime.now(UTC).date())
    for file in chosen(paths):
        _examine(file, keys, limits, report, rules)
    report.findings += rules.problems()
    if allow_demo_keys:
        report.findings = [finding for finding in report.findings if finding.rule != DEMO_KEY.id]
    return report


def _examine(file: FileToExamine, keys: MasterKeys, limits: Limits, report: Report, rules: Rules) -> None:
    name, shown = file.name, file.shown
    try:
        data = file.read(limits.size)
        report.findings += rules.private_keys(shown, data)
        if file.found and os.path.basename(name) == FILE_NAME:
            return
        store = _store_of(name, data)
        if store is None:
            if is_nested(name) and recognition.mentions(data, b"SealedSecret"):
                report.findings += sealed.widened_in_templates(shown, data, limits)
            return
        report.files += 1
        reader = store_named(store)
        source = reader.load(data, limits=limits, encrypted=True)
        encrypted = any(sops.is_encrypted(document) for document in source.documents)
        report.encrypted += encrypted
        if encrypted and name != files.STDIN:
            report.findings += rules.strangers(shown, shown, source)
        if reader.NESTED:
            report.findings += _of_documents(shown, source, keys, limits)
        elif encrypted:
            report.findings += _suspicions(shown, sops.decrypt(source, keys).warnings)
    except SecretsyncError as error:
        report.findings.append(finding_of(error, shown))


def _store_of(name: str, data: bytes) -> str | None:
    """Return the store of a file that can hold what is or should be encrypted, None for any other.

    No other file's syntax is our business: templates of Helm charts, for one, end in `.yaml` and are none.
    """
    name = "stdin.yaml" if name == files.STDIN else name
    store = store_of(name, data)
    if store is not None:
        return store
    clear = is_nested(name) and recognition.mentions(data, b"Secret") and not recognition.mentions(data, b"{{")
    return store_for_path(name) if clear else None


def _of_documents(file: str, source: Source, keys: MasterKeys, limits: Limits) -> Iterator[Finding]:
    several = len(source.documents) > 1
    warnings: list[str] = []
    opened = open_units(source.documents, keys, lambda index: f"#{index + 1}" if several else "", warnings)
    for each in opened:
        if render_objects.is_secret(each.after):
            ciphertext.refuse(each.after, each.location)
            open_carried(each, keys, limits)
        yield from _of_document(file, each)
        if each.data_key is not None:
            yield from _of_revealed(file, each)
    yield from _suspicions(file, warnings)


def _of_document(file: str, opened: OpenedObject) -> Iterator[Finding]:
    """Yield what is wrong with a document that opened: demo keys, Secrets in the clear, broken SealedSecrets."""
    if opened.data_key is not None:
        recipients = {
            str(envelope.fields.get("recipient"))
            for group in metadata.split([opened.before])[1].groups
            for envelope in group
        }
        for recipient in sorted(recipients & DEMO_RECIPIENTS):
            message = f"is encrypted for {recipient}, whose private key is public"
            yield DEMO_KEY.finding(file, opened.location, message)
    plain = to_plain(opened.before)
    assert isinstance(plain, dict)
    for place, item in objects.flatten(dict(plain)):
        where = f"{opened.location} {place}".strip()
        if objects.is_secret(item):
            yield from _clear_values(file, where, item, encrypted=opened.data_key is not None or "sops" in item)
        elif objects.is_sealed_secret(item):
            yield from sealed.findings(file, where, item)


def _of_revealed(file: str, opened: OpenedObject) -> Iterator[Finding]:
    """Yield the Secrets that no API server takes once they are decrypted: bad base64, a value that is no string."""
    plain = to_plain(opened.after)
    assert isinstance(plain, dict)
    for place, item in objects.flatten(dict(plain)):
        if not objects.is_secret(item):
            continue
        try:
            secret.parse(item)
        except PlaintextError:
            continue  # a value that is ciphertext once more; `render` passes it on
        except ManifestError as error:
            yield finding_of(error.at(" ".join(filter(None, (opened.location, place)))), file)


def _clear_values(file: str, where: str, obj: objects.Object, *, encrypted: bool) -> Iterator[Finding]:
    for name in _VALUE_FIELDS:
        values = obj.get(name)
        if not isinstance(values, dict):
            continue
        clear = [key for key, value in values.items() if not _is_protected(value, name)]
        if clear and not encrypted:
            yield PLAINTEXT_SECRET.finding(
                file,
                f"{where} {name}".strip(),
                f"{objects.identify(obj)} lies in the clear",
                f"secretsync encrypt -i {argument(file)}",
            )
            return
        for key in clear:
            message = "a Secret's value is in the clear in an encrypted file"
            yield CLEAR_VALUE.finding(file, f"{where} {name}.{key}".strip(), message)


def _is_protected(value: object, field: str) -> bool:
    """Whether a value is ciphertext, empty, or (base64 in `data`) a SOPS file that is carried in the Secret."""
    if value is None or value == "":
        return True
    if not isinstance(value, str):
        return False
    if field == "data":
        try:
            return CIPHERTEXT.encode() in decode_base64(value)
        except ManifestError:
            pass
    return value.startswith(CIPHERTEXT)


def _suspicions(file: str, warnings: list[str]) -> Iterator[Finding]:
    for warning in warnings:
        place, _, message = warning.rpartition(": ") if warning.startswith("#") else ("", "", warning)
        yield SUSPECT.finding(file, place, message)
