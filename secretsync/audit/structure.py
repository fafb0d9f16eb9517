"""What can be said of an encrypted document without a key: every value that its selector picks is ciphertext, and no other.

Its metadata has to read, and so have the age envelopes in it. Nothing is decrypted.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Final

import secretsync.sops.values as sops_values
from secretsync.age import armor, header
from secretsync.audit.reading import ReadDocument
from secretsync.audit.ruleset import BARE_CIPHERTEXT, CLEAR_VALUE, DEMO_KEY
from secretsync.documents.tree import Comment, Mapping, Scalar
from secretsync.errors import CiphertextFormatError, MetadataError, SecretsyncError
from secretsync.findings import Finding, finding_of
from secretsync.masterkeys.kinds import DEMO_RECIPIENTS, KINDS
from secretsync.sops.metadata import Envelope, Metadata
from secretsync.sops.selectors import Selector
from secretsync.sops.walk import Walk

_FIRST: Final = "#1"


class Shape(Walk):
    """The walk that sorts the leaves of a document, by their places: those in the clear, those that are ciphertext."""

    def __init__(self, selector: Selector) -> None:
        super().__init__(selector)
        self.clear: list[tuple[str, Scalar]] = []
        """Picked by the selector, and no ciphertext."""
        self.bare: list[str] = []
        """Ciphertext, and not picked."""
        self.malformed: list[tuple[str, CiphertextFormatError]] = []

    @classmethod
    def of(cls, document: Mapping, selector: Selector) -> Shape:
        """Walk one document, without its block. Raises: TreeError, LimitError."""
        shape = cls(selector)
        shape.documents([document])
        return shape

    def leaf(self, scalar: Scalar, aad: bytes, *, selected: bool) -> Scalar:  # noqa: ARG002  # the walk's parameter
        """Sort one leaf; null and the empty text are nothing that could be encrypted."""
        value = scalar.value
        if value is None or value == "":
            return scalar
        if selected and not sops_values.is_ciphertext(value):
            self.clear.append(("", scalar))
        elif selected:
            sops_values.parse(str(value))
        elif sops_values.is_ciphertext(value) and str(value).endswith("]"):
            self.bare.append("")
        return scalar

    def comment(self, comment: Comment, aad: bytes, *, selected: bool) -> Comment:  # noqa: ARG002  # the walk's parameter
        """Leave comments alone: sops takes them as they come."""
        return comment

    def _placed(self, item: Scalar | Comment, aad: bytes, step: str | int, *, selected: bool) -> Scalar | Comment:
        known = len(self.clear), len(self.bare)
        try:
            super()._placed(item, aad, step, selected=selected)
        except CiphertextFormatError as error:
            self.malformed.append((self._inner(step), error))
        if len(self.clear) > known[0]:
            self.clear[-1] = (self._inner(step), self.clear[-1][1])
        if len(self.bare) > known[1]:
            self.bare[-1] = self._inner(step)
        return item

    def _inner(self, step: str | int) -> str:
        return self.location(step).removeprefix(_FIRST).strip()


def findings(file: str, where: str, document: ReadDocument) -> Iterator[Finding]:
    """Yield what is wrong with an encrypted document that stands at `where`, the first place of each kind."""
    try:
        if document.metadata is None:
            raise document.problem or MetadataError("sops metadata not found")
        yield from _of_metadata(file, where, document.metadata)
        shape = Shape.of(document.bare, document.metadata.selector)
    except SecretsyncError as error:
        yield finding_of(_at(error, where), file)
        return
    for place, fault in shape.malformed[:1]:
        yield finding_of(CiphertextFormatError(fault.message, location=f"{where} {place}".strip()), file)
    for place, _ in shape.clear[:1]:
        message = f"is in the clear, and the file's selector covers it{others(len(shape.clear))}"
        yield CLEAR_VALUE.finding(file, f"{where} {place}".strip(), message)
    for place in shape.bare[:1]:
        message = (
            f"is ciphertext, and the file's selector does not cover it: nothing decrypts it{others(len(shape.bare))}"
        )
        yield BARE_CIPHERTEXT.finding(file, f"{where} {place}".strip(), message)


def _of_metadata(file: str, where: str, block: Metadata) -> Iterator[Finding]:
    try:
        sops_values.parse(block.mac)
    except CiphertextFormatError:
        problem = "is not ciphertext" if block.mac else "is missing"
        yield finding_of(MetadataError(f"the MAC {problem}", location=f"{where} sops.mac".strip()), file)
    demo = set()
    for envelope in [each for group in block.groups for each in group]:
        recipient = str(envelope.fields.get("recipient"))
        if recipient in DEMO_RECIPIENTS:
            demo.add(recipient)
        problem = _damage(envelope)
        if problem:
            place = f"{where} sops.{envelope.kind}".strip()
            yield finding_of(MetadataError(f"an envelope {problem}", location=place), file)
    for recipient in sorted(demo):
        yield DEMO_KEY.finding(file, where, f"is encrypted for {recipient}, whose private key is public")


def _damage(envelope: Envelope) -> str:
    """Return what is wrong with an envelope that this machine could open alone, as far as its form shows."""
    text = envelope.fields.get("enc")
    if not isinstance(text, str) or not text:
        return "is empty"
    if KINDS[envelope.kind].unattended:
        try:
            header.parse(BytesIO(armor.decode(text.encode("ascii", "replace"))).readline)
        except SecretsyncError as error:
            return f"cannot be read: {error.message}"
    return ""


def _at(error: SecretsyncError, where: str) -> SecretsyncError:
    """Return an error of a document that was looked at alone, placed in its file."""
    inner = (error.location or "").removeprefix(_FIRST).strip()
    error.location = f"{where} {inner}".strip() or None
    return error


def others(number: int) -> str:
    """Return how many places are like the one that a message names; nothing for that one alone."""
    return "" if number == 1 else f"; {number - 1} more likewise"
