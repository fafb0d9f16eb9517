"""What the server says of an object that it refuses, told again without a value: its messages may quote what they refuse.

Of a message only known phrases count. A field is spelt by the keys of the object itself, as far as the server's path
follows them. Source: apimachinery's field errors and structured-merge-diff's, as kube-apiserver 1.36 words them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from secretsync.errors import ClusterError
from secretsync.letters import DIGITS, LETTERS, consists_of
from secretsync.manifests.objects import identify

_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_NAME: Final = LETTERS + DIGITS + "-._/:"
_LONGEST_NAME: Final = 128

_REASONS: Final = {
    "FieldValueRequired": "is required",
    "FieldValueForbidden": "is not allowed",
    "FieldValueInvalid": "has a value that is not valid",
    "FieldValueDuplicate": "stands twice",
    "FieldValueNotFound": "names what is not there",
    "FieldValueNotSupported": "has a value that is not supported",
    "FieldValueTooLong": "is too long",
    "FieldValueTooMany": "has too many entries",
    "FieldValueTypeInvalid": "is of another type",
    "NamespaceTerminating": "is being deleted",
}
_PHRASES: Final = {
    "field is immutable when `immutable` is set": "cannot change, because the object is immutable",
    "field is immutable": "cannot change once the object is there",
    "a lowercase RFC 1123 subdomain must": "must be a lowercase RFC 1123 subdomain",
    "a lowercase RFC 1123 label must": "must be a lowercase RFC 1123 label",
    "a valid config key must": "has a character in its key that is not allowed",
    "a valid label key must": "has a key that is no label's",
    "a valid label must": "has a value that is no label's",
    "`selector` does not match template `labels`": "does not match the selector",
}
"""What the server says of a field, and what is told; the first that it says counts."""

_WHOLE: Final = {
    "illegal base64 data": "a value of its data is no base64",
    "quantities must match": "a quantity is not written as one",
    "unable to convert unstructured object": "a value is not of the type or form that its field needs",
    "exceeded quota": "it would exceed a quota of the namespace",
    "request entity too large": "it is too large",
}
_NOT_DECLARED: Final = ": field not declared in schema"
_EXPECTED: Final = ": expected "
_TWICE: Final = ": duplicate entries for key"
_TYPES: Final = ("string", "numeric", "boolean", "map", "list")
_WEBHOOK: Final = 'admission webhook "'
_POLICY: Final = " is forbidden: ValidatingAdmissionPolicy '"


class Conflict(NamedTuple):
    """A field that another manager owns."""

    field: str
    owner: str


def refusal(code: int, reason: str, status: Mapping[str, Any], manifest: Mapping[str, Any]) -> ClusterError:
    """Return the error for an object that the server does not take."""
    if code == _CONFLICT and (owned := conflicts(status, manifest)):
        return conflict(owned, manifest)
    if code == _NOT_FOUND and _details_kind(status) == "namespaces":
        return ClusterError(
            "the server refuses: its namespace does not exist",
            location=str(identify(manifest)),
            hint=f"kubectl create namespace {identify(manifest).namespace}, or add it to the input",
        )
    if code == _FORBIDDEN and not causes(status, manifest):
        return ClusterError("the server refuses: this user may not apply it", location=str(identify(manifest)))
    told = "; ".join(causes(status, manifest)) or reason or str(code)
    return ClusterError(f"the server refuses: {told}", location=str(identify(manifest)))


def conflict(owned: Sequence[Conflict], manifest: Mapping[str, Any]) -> ClusterError:
    """Return the error for fields that others own."""
    by_owner: dict[str, list[str]] = {}
    for each in owned:
        by_owner.setdefault(each.owner, []).append(each.field)
    told = "; ".join(_owned(fields, owner) for owner, fields in by_owner.items())
    return ClusterError(
        f"the server refuses: {told}",
        location=str(identify(manifest)),
        hint="secretsync apply --force-conflicts, if secretsync should own them",
    )


def _owned(fields: Sequence[str], owner: str) -> str:
    verb = "belongs" if len(fields) == 1 else "belong"
    named = f', "{owner}"' if owner else ""
    return f"{', '.join(fields)} {verb} to another manager{named}"


def causes(status: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[str]:
    """Return why the server refuses, a field and a cause each; nothing where it says nothing that is known."""
    message = str(status.get("message") or "")
    found = [f"{what} {name} denies it" for what, name in _denials(message)]
    if not found:
        found += [_cause(each, manifest) for each in _details(status) if each.get("field")]
        found += _of_schema(message, manifest)
    if not found:
        found += [told for phrase, told in _WHOLE.items() if phrase in message][:1]
    return list(dict.fromkeys(found))


def conflicts(status: Mapping[str, Any], manifest: Mapping[str, Any]) -> list[Conflict]:
    """Return the fields that other managers own, with their names."""
    found = []
    for each in _details(status):
        if each.get("reason") == "FieldManagerConflict":
            owner = _quoted(str(each.get("message") or ""), 'conflict with "', '"')
            found.append(Conflict(place(str(each.get("field") or ""), manifest), owner))
    return found


def place(path: str, manifest: object, *, whole: bool = False) -> str:
    """Return a path of the server's, spelt by the keys of the object, and at most one word more for what is not there.

    With `whole` every step must be there, else nothing is returned: the path is cut out of a text.
    """
    rest = path if path[:1] in (".", "[") else f".{path}"
    shown: list[str] = []
    node = manifest
    while rest:
        step = _entry(node, rest) if isinstance(node, list) else _key(node, rest)
        if step is None:
            break
        text, node, length = step
        shown.append(text)
        rest = rest[length:]
    if rest and whole:
        return ""
    if rest:
        last = rest.strip(".[]")
        is_word = len(last) <= _LONGEST_NAME and consists_of(last, _NAME)
        shown.append(f".{last}" if is_word else ".…")
    return "".join(shown).removeprefix(".")


def _details_kind(status: Mapping[str, Any]) -> str:
    details = status.get("details")
    return str(details.get("kind")) if isinstance(details, dict) else ""


def _details(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    details = status.get("details")
    found = details.get("causes") if isinstance(details, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _cause(cause: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    message = str(cause.get("message") or "")
    told = next((told for phrase, told in _PHRASES.items() if phrase in message), None)
    told = told or _REASONS.get(str(cause.get("reason")), "is refused")
    return f"{place(str(cause.get('field') or ''), manifest)} {told}".strip()


def _of_schema(message: str, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Yield what does not fit the kind's schema: `PATH: CAUSE`, one a line where there are several."""
    for line in message.partition("): ")[2].splitlines():
        for mark in (_NOT_DECLARED, _TWICE, _EXPECTED):
            before, found, after = line.partition(mark)
            where = place(before.strip(), manifest, whole=True) if found else ""
            if not where:
                continue
            if mark == _NOT_DECLARED:
                yield f"{where} is no field of this kind"
            elif mark == _TWICE:
                yield f"{where} has an entry twice"
            else:
                word = after.partition(",")[0]
                yield f"{where} must be a {word if word in _TYPES else 'value of another type'}"
            break


def _denials(message: str) -> Iterator[tuple[str, str]]:
    if message.startswith(_WEBHOOK) and (name := _quoted(message, _WEBHOOK, '"')):
        yield "the admission webhook", name
    elif name := _quoted(message, _POLICY, "'"):
        yield "the admission policy", name


def _quoted(text: str, before: str, after: str) -> str:
    """Return the name that stands between two marks, nothing where it is no name."""
    name, closing, _ = text.partition(before)[2].partition(after)
    return name if closing and 0 < len(name) <= _LONGEST_NAME and name.isprintable() else ""


def _key(node: object, rest: str) -> tuple[str, object, int] | None:
    """Return the longest key of a mapping that a path goes on with, as `.key` or `[key]`."""
    if not isinstance(node, Mapping):
        return None
    for key in sorted((key for key in node if isinstance(key, str)), key=len, reverse=True):
        for form in (f".{key}", f"[{key}]"):
            if rest.startswith(form) and rest[len(form) :][:1] in ("", ".", "["):
                return f".{key}", node[key], len(form)
    return None


def _entry(items: list[Any], rest: str) -> tuple[str, object, int] | None:
    """Return the entry of a list that a path goes on with, by its number or by its keys; shown is its number."""
    for number, item in enumerate(items):
        end = rest.find("]") + 1
        selector = rest[1 : end - 1]
        if rest[:1] == "[" and (selector == str(number) or (isinstance(item, dict) and _selects(selector, item))):
            return f"[{number}]", item, end
    return None


def _selects(selector: str, item: Mapping[str, Any]) -> bool:
    """Whether `name="a",port=1` means an entry; a key that the server has added by default tells nothing."""
    pairs = [(name, value) for name, _, value in (part.partition("=") for part in selector.split(",")) if name in item]
    return bool(pairs) and all(value == json.dumps(item[name], ensure_ascii=False) for name, value in pairs)
