"""The merge of three encrypted texts of one file: each opened and verified, merged in the clear, written over ours.

Layout and comments are those of ours, and so is every byte that need not change. What comes out was opened again and
compared with the merged tree.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import secretsync.sops.block as blocks
import secretsync.sops.mac as mac
from secretsync.crypto.digests import compare_digest
from secretsync.crypto.gcm import Gcm
from secretsync.documents.pairing import equal, same_values
from secretsync.documents.stores import Store, store_for_path, store_named
from secretsync.documents.tree import Limits, Mapping
from secretsync.errors import ConversionError, PolicyError
from secretsync.merging.conflicts import Choices, ConflictKind, MergeConflict, Path, Side
from secretsync.merging.documents import MergedTrees, merge_documents
from secretsync.merging.exposure import encrypts_no_less, exposed, holds_all_clear
from secretsync.merging.metadata import (
    ChosenKey,
    Encrypts,
    FindRule,
    OpenMatter,
    Recipients,
    block_of,
    changed_selector,
)
from secretsync.merging.sides import OpenedSides, Texts, open_sides
from secretsync.sops.datakey import Keys
from secretsync.sops.decryption import Decrypted, decrypt
from secretsync.sops.encryption import Encryption
from secretsync.sops.paths import shown
from secretsync.sops.selectors import Selector
from secretsync.sops.timestamps import timestamp
from secretsync.sops.writing import write

if TYPE_CHECKING:
    from secretsync.keyring.naming import FileRule

__all__ = ["MergedFile", "Texts", "merge_files"]


_AFTERWARDS: Final = "where this merge changes the rules, run: secretsync updatekeys FILE"


class MergedFile(NamedTuple):
    """The merged file: a valid SOPS file even with conflicts, at each of which it has what ours has.

    `by_rule`: the sides differ in recipients or selector, and the rule decided between them. `several`: the file has
    more than one document.
    """

    text: bytes
    conflicts: tuple[MergeConflict, ...]
    notes: tuple[str, ...]
    by_rule: bool = False
    several: bool = False

    def __repr__(self) -> str:
        return f"MergedFile({self.conflicts!r})"


def merge_files(  # noqa: PLR0913  # what a merge depends on
    texts: Texts,
    *,
    path: str,
    keys: Keys,
    rule: FileRule | FindRule | None,
    now: datetime,
    choices: Choices | None = None,
    limits: Limits | None = None,
) -> MergedFile:
    """Merge three encrypted texts of the file `path`, whose name tells the store.

    `rule` is the one that is for the file, None where there is none, or what finds it once it is asked for. `choices` says what to put at conflicts of an
    earlier call with the same texts, by their numbers; recipients and selector take a side. While these two are open
    nothing of theirs is taken: it would be encrypted for whom nobody decided.

    Raises:
        NoIdentityMatchError, KeyServiceError: no key here opens a side. In every error the side is the location.
        MetadataError, MacMismatchError, AuthenticationTagError, FormatError: a side is not what it should be.
        PolicyError: the result would leave in the clear what was encrypted, or what the rule encrypts.
        ConversionError: the result does not open again.
    """
    store = store_named(store_for_path(path))
    sides = open_sides(texts, store, keys, limits or Limits())
    find_rule = rule if callable(rule) else lambda: rule
    return _FileMerge(sides, store, keys, find_rule, now, choices or {}).file(texts.ours)


class _FileMerge:
    """The merge of three opened sides."""

    def __init__(
        self, sides: OpenedSides, store: Store, keys: Keys, find_rule: FindRule, now: datetime, choices: Choices
    ) -> None:
        self.sides = sides
        self.store = store
        self.keys = keys
        self.find_rule = find_rule
        self.now = now
        self.choices = choices
        self.conflicts: list[MergeConflict] = []
        self.undecided = self.by_rule = False

    def file(self, ours: bytes) -> MergedFile:
        """Return the merged file; `ours` itself where nothing of theirs is new."""
        trees = self._trees()
        self.conflicts = [*trees.conflicts]
        chosen = self._recipients()
        encrypts = self._encrypts(trees.documents)
        notes = [*self._notes_of(trees), *self._notes_of_keys(chosen)]
        text = ours
        if not (self.undecided or chosen is None or self._is_ours(trees.documents, chosen, encrypts)):
            self._refuse_exposed(trees.documents, encrypts)
            text = self._written(trees.documents, chosen, encrypts)
            self._open_again(text, trees.documents, chosen)
        several = len(trees.documents) > 1
        return MergedFile(text, tuple(self.conflicts), tuple(notes), by_rule=self.by_rule, several=several)

    def _trees(self) -> MergedTrees:
        base = self.sides.base.plain.documents if self.sides.base else []
        ours, theirs = (self.sides.of(side).plain.documents for side in Side)
        return merge_documents(base, ours, theirs, choices=self.choices)

    def _recipients(self) -> ChosenKey | None:
        decision = Recipients(self.sides, self.find_rule, self.keys, self.now)
        found = decision.decide()
        if isinstance(found, OpenMatter):
            side = self._decided(found)
            found = decision.decide(side) if side else found
        if isinstance(found, OpenMatter):
            self.undecided = True
            return None
        self.by_rule |= found.recipients is not None
        return found

    def _encrypts(self, documents: list[Mapping]) -> Encrypts:
        """Return what the result encrypts: what ours does, unless the other side encrypts more, as the rule says."""
        ours, theirs = (Encrypts.of(self.sides.of(side).plain.metadata) for side in Side)
        found = changed_selector(self.sides, self.find_rule)
        if isinstance(found, Encrypts):
            fault = self._fault_of(found, documents)
            if not fault:
                self.by_rule = True
                return found
            found = OpenMatter(ConflictKind.SELECTOR, f"differs: one side changed it, {fault}")
        if found is None:
            return ours
        side = self._decided(found)
        self.undecided |= side is None
        return theirs if side is Side.THEIRS else ours

    def _fault_of(self, new: Encrypts, documents: list[Mapping]) -> str:
        """Return why what one side encrypts cannot be taken, although the rule has it; nothing where it can."""
        ours, theirs = (self.sides.of(side).plain for side in Side)
        if not encrypts_no_less(documents, new.selector, ours.metadata.selector, theirs.metadata.selector):
            return "and encrypts less"
        whole = [each for each in (ours, theirs) if not each.metadata.mac_only_encrypted]
        if len(whole) == 1 and not new.mac_only and not holds_all_clear(documents, new.selector, whole[0]):
            return "and the MAC of the other is not over what stands in the clear there"
        return ""

    def _decided(self, matter: OpenMatter) -> Side | None:
        """Note a conflict of the metadata, and return which side was chosen for it."""
        number = len(self.conflicts) + 1
        self.conflicts.append(MergeConflict(number, 0, (), matter.kind, detail=matter.detail))
        choice = self.choices.get(number)
        return choice if isinstance(choice, Side) else None

    def _notes_of(self, trees: MergedTrees) -> Iterable[str]:
        several = len(trees.documents) > 1
        for note in trees.notes:
            yield f"{place_of(note.document if several else 0, note.path)}: {note.message}".removeprefix(": ")

    def _notes_of_keys(self, chosen: ChosenKey | None) -> Iterable[str]:
        if chosen and chosen.recipients:
            yield f"the recipients are those of {chosen.recipients.value}, as the rule has them; " + _AFTERWARDS
        side, both = self.sides.with_the_key
        if both:
            yield "each side has a data key of its own: that of ours is taken"
        elif side is Side.THEIRS:
            yield "theirs has a new data key, which is taken"

    def _is_ours(self, documents: list[Mapping], chosen: ChosenKey, encrypts: Encrypts) -> bool:
        """Whether ours already holds everything."""
        ours = self.sides.ours.plain
        return (
            chosen.side is Side.OURS
            and chosen.envelopes is None
            and encrypts.is_like(Encrypts.of(ours.metadata))
            and len(documents) == len(ours.documents)
            and all(map(equal, documents, ours.documents))
        )

    def _refuse_exposed(self, documents: list[Mapping], encrypts: Encrypts) -> None:
        if self.store.ONE_VALUE:
            return
        ours, theirs = (self.sides.of(side).plain for side in Side)
        place = next(exposed(documents, encrypts.selector, ours, theirs, self._ruled), None)
        if place is not None:
            raise PolicyError(
                "the merge would leave in the clear what is to be encrypted",
                location=place,
                hint="let both sides encrypt it, in commits of their own, and merge again",
            )

    def _ruled(self) -> Selector | None:
        rule = self.find_rule()
        return rule.selector if rule else None

    def _written(self, documents: list[Mapping], chosen: ChosenKey, encrypts: Encrypts) -> bytes:
        known = self._known(chosen)
        walk = Encryption(encrypts.selector, Gcm(known.data_key.expose()), mac_only=encrypts.mac_only, earlier=known)
        encrypted = walk.documents(documents)
        modified = timestamp(self.now)
        sealed = mac.seal(walk.cipher, mac.digest(walk.hashed), modified)
        block = blocks.with_fields(
            block_of(chosen, encrypts),
            lastmodified=modified,
            mac=sealed,
            version=blocks.newer_version(self.sides.ours.plain.metadata.version),
        )
        source = self.sides.ours.source
        return write(source, encrypted, block, comments=walk.secrets, data_key=known.data_key).data

    def _known(self, chosen: ChosenKey) -> Decrypted:
        """Return the sides that are encrypted under the data key of the result as one: their ciphertext can stay."""
        ours, theirs = (self.sides.of(side).plain for side in Side)
        if self.sides.same_key:
            return ours._replace(
                documents=[*ours.documents, *theirs.documents], origins={**theirs.origins, **ours.origins}
            )
        return ours if chosen.side is Side.OURS else theirs

    def _open_again(self, text: bytes, documents: list[Mapping], chosen: ChosenKey) -> None:
        """Raise ConversionError unless the written file opens with the keys at hand, and to what was merged."""
        again = decrypt(self.store.load(text, limits=Limits.unbounded(), encrypted=True), self.keys)
        key = self._known(chosen).data_key
        if not compare_digest(again.data_key.expose(), key.expose()):
            raise ConversionError("the merged file would open with another data key")
        if len(again.documents) != len(documents) or not all(map(same_values, documents, again.documents)):
            raise ConversionError("the merged file would not open to what was merged")


def place_of(document: int, path: Path) -> str:
    """Return a place in a file for people; `document` is 0 where the file has one."""
    return " ".join(filter(None, (f"#{document}" if document else "", shown(path))))
