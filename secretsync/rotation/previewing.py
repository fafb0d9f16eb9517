"""What a plan would change, as a diff that shows no value: key ring files line by line, encrypted files by their readers.

Everything in the key ring and in `.sops.yaml` is public; of an encrypted file only who opens it is told.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from secretsync.git import Repository
from secretsync.letters import counted
from secretsync.rotation.model import FilePlan, Plan, PlannedKey

_NOTHING = "/dev/null"


def preview(plan: Plan, repository: Repository) -> Iterator[str]:
    """Yield the diff of a plan line by line, in the order in which it is carried out."""
    edits = [path for phase in plan.phases for path in phase.edits]
    blobs = repository.blobs(plan.base, *edits) if edits else {}
    with repository.reader() as reader:
        texts = {path: reader.read(blob).decode("utf-8", "replace") for path, blob in blobs.items()}
    for phase in plan.phases:
        for path, text in phase.edits.items():
            yield from _edited(path, texts.get(path), text)
            texts = {**texts, path: text} if text is not None else {one: it for one, it in texts.items() if one != path}
        for file in phase.files:
            yield from _encrypted(file, plan.keys)


def _edited(path: str, before: str | None, after: str | None) -> Iterator[str]:
    """Yield the unified diff of a key ring file."""
    old, new = (_NOTHING if text is None else f"{side}/{path}" for side, text in (("a", before), ("b", after)))
    yield from difflib.unified_diff((before or "").splitlines(), (after or "").splitlines(), old, new, lineterm="")


def _encrypted(file: FilePlan, keys: Mapping[str, PlannedKey]) -> Iterator[str]:
    """Yield who gains and who loses an encrypted file; values are not shown, nor compared."""
    yield f"--- a/{file.path}"
    yield f"+++ b/{file.path}"
    yield f"@@ {described(file)} @@"
    many = max(len(file.before), len(file.after)) > 1
    for number in range(max(len(file.before), len(file.after))):
        old, new = (groups[number] if number < len(groups) else [] for groups in (file.before, file.after))
        group = f" in key group {number + 1}" if many else ""
        yield from (f"-{_named(name, keys)}{group}" for name in old if name not in new)
        yield from (f"+{_named(name, keys)}{group}" for name in new if name not in old)
    yield from (f" {one.secret} {one.key}: {one.scope}, for {one.cluster}" for one in file.sealed)


def described(file: FilePlan) -> str:
    """Return in words what happens to a file."""
    if file.operation == "re-seal":
        return f"sealed anew: {counted(len(file.sealed), 'item')}"
    values = counted(file.items, "value")
    return f"a new data key for {values}" if file.operation == "rotate" else f"other recipients for {values}"


def _named(name: str, keys: Mapping[str, PlannedKey]) -> str:
    owner = keys[name].principal if name in keys else ""
    return f"{name} of {owner}" if owner else name
