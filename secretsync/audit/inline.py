"""`# secretsync: ignore RULE reason`: a finding that is accepted where it stands, in YAML, dotenv and INI files.

Behind a value, a comment covers the first field of its line (the item, where the line has no field) with all that is in
it. On a line of its own, it covers the next field or item that begins; in front of a document's first field, the whole
document, and in front of the first of a file, what is said of the file as a whole.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Final, NamedTuple

from secretsync.audit.outline import OutlinedDocument, OutlineStep, PlaceWithin, is_within, outline
from secretsync.audit.ruleset import IGNORE_COMMENT
from secretsync.audit.settings import unknown_rule
from secretsync.documents.stores import store_for_path, store_named
from secretsync.documents.tree import Comment
from secretsync.errors import shortened
from secretsync.files import STDIN
from secretsync.findings import Finding
from secretsync.keyring.ruleset import (
    EXTRA_RECIPIENT,
    NESTED_CONFIG,
    PRIVATE_KEY,
    RETIRED_RECIPIENT,
    UNKNOWN_RECIPIENT,
)

MARK: Final = b"secretsync:"
NEVER: Final = frozenset(
    {each.id for each in (EXTRA_RECIPIENT, PRIVATE_KEY, RETIRED_RECIPIENT, UNKNOWN_RECIPIENT, NESTED_CONFIG)}
    | {IGNORE_COMMENT.id, "private-key-given"}
)
"""What whoever writes a file must not be able to accept in it: strangers, and private keys."""

_VERB: Final = "ignore"
_COMMENTS: Final = ("#", ";")  # of files of lines
_CLOSE: Final = 0.7  # of `difflib`: `ignored` and slips of the pen, and no other verb


class _Request(NamedTuple):
    rule: str
    reason: str


class Grant(NamedTuple):
    """One comment that counts: what it accepts, why, and what it covers.

    `inner` is the path in the object `owner`, `path` that in the document; both are empty for the whole of it.
    """

    rule: str
    reason: str
    line: int
    document: int
    owner: str
    inner: str
    path: str
    first: int
    last: int

    @property
    def identity(self) -> tuple[str, str, str]:
        """What is the same in another version of the file."""
        return self.rule, self.owner, self.inner

    def covers(self, rule: str, place: PlaceWithin) -> bool:
        """Whether a finding of `rule` at `place` is accepted."""
        if rule != self.rule:
            return False
        if place.document in {0, self.document} and place.line and not place.path:
            return self.first <= place.line <= self.last
        if self.path:
            return place.document in {0, self.document} and bool(place.path) and is_within(place.path, self.path)
        return (place.document or 1) == self.document


class Comments(NamedTuple):
    """The comments of one file: those that count, and what is wrong with others."""

    grants: list[Grant]
    mistakes: list[Finding]


def read(name: str, shown: str, data: bytes) -> Comments:
    """Return what the comments of a file accept. A file without `MARK` has none, and costs nothing."""
    found = Comments([], [])
    if MARK not in data:
        return found
    store = store_named(store_for_path("stdin.yaml" if name == STDIN else name))
    if store.COMMENTS and store.NESTED:
        _of_tree(outline(name, data, comments=True), shown, found)
    elif store.COMMENTS:
        _of_lines(data.decode("utf-8", "replace").splitlines(), shown, found)
    return found


def _of_tree(parts: list[OutlinedDocument], shown: str, found: Comments) -> None:
    for at, part in enumerate(parts):
        for comment, line in part.comments:
            request = _request(comment.text, shown, line, found)
            if request is not None:
                here, step = _covered(parts[at:], comment, line)
                if here is None:
                    _refuse(found, shown, line, "covers nothing: no field or item follows it or stands in its line")
                else:
                    found.grants.append(_grant(request, line, parts, here, step))


def _covered(
    parts: list[OutlinedDocument], comment: Comment, line: int
) -> tuple[OutlinedDocument | None, OutlineStep | None]:
    """Return the document and the field or item that a comment in the first of `parts` covers; no field is all of it."""
    part, start = parts[0], comment.span.start if comment.span else 0
    on_line = [step for step in part.steps if step.first == line and step.start < start]
    if on_line:
        return part, next((step for step in on_line if not step.is_item), on_line[0])
    for each in parts:
        following = [step for step in each.steps if each is not part or step.start > start]
        if following:
            step = min(following, key=lambda one: one.start)
            return each, None if step is each.steps[0] else step
    return None, None


def _grant(
    request: _Request, line: int, parts: list[OutlinedDocument], here: OutlinedDocument, step: OutlineStep | None
) -> Grant:
    owner, inner = here.owner(step.path if step else "", several=len(parts) > 1)
    path = step.path if step else ""
    first = step.first if step else 1 if here.number == 1 else here.first
    return Grant(*request, line, here.number, owner, inner, path, first, step.last if step else here.last)


def _of_lines(lines: list[str], shown: str, found: Comments) -> None:
    """Read the comments of a file of lines: each covers the next key or section, the first ones of a file all of it."""
    waiting: list[tuple[_Request, int]] = []
    at_head, section = True, ""
    for number, text in enumerate(map(str.strip, lines), 1):
        if text.startswith(_COMMENTS):
            request = _request(text[1:], shown, number, found)
            waiting += [(request, number)] if request else []
        elif text:
            is_section = text.startswith("[")
            section = text.strip("[]") if is_section else section
            name = section if is_section else ".".join(filter(None, (section, text.partition("=")[0].strip())))
            last = _end_of_section(lines, number) if is_section else number
            for request, line in waiting:
                path, first, end = ("", 1, len(lines)) if at_head else (name, number, last)
                found.grants.append(Grant(*request, line, 1, "", path, path, first, end))
            waiting, at_head = [], False
    for _, line in waiting:
        _refuse(found, shown, line, "covers nothing: no key follows it")


def _end_of_section(lines: list[str], start: int) -> int:
    return next((at for at in range(start, len(lines)) if lines[at].lstrip().startswith("[")), len(lines))


def _request(text: str, shown: str, line: int, found: Comments) -> _Request | None:
    """Return what a comment asks for, if that is something; a mistake in it is told."""
    words = text.split()
    if not words or words[0] != MARK.decode() or len(words) == 1:
        return None
    verb, rule, reason = words[1], words[2] if len(words) > 2 else "", " ".join(words[3:])
    if verb != _VERB:
        if get_close_matches(verb.lower(), [_VERB], cutoff=_CLOSE):
            _refuse(
                found, shown, line, f"says {shortened(verb)!r}, which nobody understands", f"did you mean {_VERB!r}?"
            )
        return None
    problem = unknown_rule(rule) if rule else None
    if problem:
        _refuse(found, shown, line, f"does not count: {problem.message}", problem.hint)
    elif rule in NEVER:
        _refuse(found, shown, line, f"does not count: {rule} is not for whoever writes the file to accept")
    elif not rule or not reason:
        missing = "reason" if rule else "rule"
        _refuse(found, shown, line, f"gives no {missing}", "# secretsync: ignore RULE why it is accepted here")
    else:
        return _Request(rule, reason)
    return None


def _refuse(found: Comments, shown: str, line: int, message: str, hint: str | None = None) -> None:
    found.mistakes.append(IGNORE_COMMENT.finding(shown, f"line {line}", f"an ignore comment {message}", hint))
