"""Why a file is as it is: the rule that applies, who can decrypt, and which values are encrypted by which selector.

Works on plain files too, and then says what `encrypt` would do. No value is read beyond whether it is ciphertext.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from secretsync.documents.tree import Comment, Mapping, Scalar
from secretsync.errors import NoMatchingRuleError, SecretsyncError, without_private_keys
from secretsync.masterkeys import MasterKeys
from secretsync.sops import comparison, metadata, values
from secretsync.sops.config import Config
from secretsync.sops.datakey import MasterKey
from secretsync.sops.metadata import Metadata, is_encrypted
from secretsync.sops.rules import CreationRule
from secretsync.sops.selectors import Selector
from secretsync.sops.strangers import differences
from secretsync.sops.walk import Walk

_MOST_PATHS: Final = 5


@dataclass(frozen=True, slots=True)
class Access:
    """One recipient of the file; `here` says whether this environment opens the file as that recipient."""

    group: int
    kind: str
    name: str
    here: bool | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """The values at one path (several in a list): whether the selector covers them, and whether they are ciphertext."""

    path: str
    count: int
    selected: bool
    encrypted: bool


@dataclass(slots=True)
class Explanation:
    """All there is to say of one file. `threshold` is the number of key groups needed."""

    encrypted: bool
    rule: str
    selector: str
    threshold: int
    mac_only_encrypted: bool
    access: list[Access]
    leaves: list[Leaf]
    notes: list[str] = field(default_factory=list)


def explain(documents: Sequence[Mapping], name: str, rules: Config | None, keys: MasterKeys) -> Explanation:
    """Explain the documents of the file called `name`.

    Raises:
        MetadataError: the file has a `sops` block that cannot be read.
        TreeError: a key is no string.
        ConfigError: a rule's pattern is wrong.
    """
    rule = _rule(rules, name)
    place = "no .sops.yaml here or above" if rules is None else str(rules.path)
    told = f"{rule.place} of {place}" if rule else f"none: {place}" if rules is None else f"none in {place}"
    if documents and is_encrypted(documents[0]):
        return _of_encrypted(documents, rule, told, keys)
    selector = rule.selector if rule and rule.selector else Selector.default()
    groups = rule.groups if rule else []
    return Explanation(
        encrypted=False,
        rule=told,
        selector=describe(selector),
        threshold=_threshold(len(groups), rule.shamir_threshold if rule else 0),
        mac_only_encrypted=bool(rule and rule.mac_only_encrypted),
        access=[
            Access(number, one.kind, without_private_keys(one.name))
            for number, group in enumerate(groups, 1)
            for one in group
        ],
        leaves=_leaves(documents, selector),
        notes=[] if rule else ["encrypt would refuse: name a recipient with --age, or add a rule"],
    )


def describe(selector: Selector) -> str:
    """Return a selector as a sentence."""
    what = "encrypted" if selector.encrypting else "left in the clear"
    if selector.by_comment:
        return f"{selector.kind} {selector.pattern!r}: values below a comment that matches are {what}"
    verb = "ends so" if selector.kind.endswith("suffix") else "matches"
    return f"{selector.kind} {selector.pattern!r}: values below a key that {verb} are {what}"


def _of_encrypted(documents: Sequence[Mapping], rule: CreationRule | None, told: str, keys: MasterKeys) -> Explanation:
    bare, found = metadata.split(list(documents))
    leaves = _leaves(bare, found.selector)
    notes = [] if rule is None else differences(comparison.of_file(found, keys), rule.groups, keys)
    if found.selector.invalid is not None:
        notes.append(f"the stored {found.selector.kind} is not valid RE2 and matches nothing")
    if rule and rule.selector and rule.selector != found.selector:
        notes.append(
            f"the rule's selector is another: {describe(rule.selector)}; a file keeps the one it was made with"
        )
    return Explanation(
        encrypted=True,
        rule=told,
        selector=describe(found.selector),
        threshold=_threshold(len(found.groups), found.shamir_threshold),
        mac_only_encrypted=found.mac_only_encrypted,
        access=_access(found, keys),
        leaves=leaves,
        notes=[*_in_part(leaves), *notes],
    )


def _in_part(leaves: list[Leaf]) -> list[str]:
    """Return a note where a file is encrypted in part: somebody added values to it by hand, or took the selector off."""
    clear = [leaf for leaf in leaves if leaf.selected and not leaf.encrypted]
    covered = sum(leaf.count for leaf in leaves if leaf.selected)
    if not clear:
        return []
    number = sum(leaf.count for leaf in clear)
    paths = ", ".join(leaf.path for leaf in clear[:_MOST_PATHS]) + (", …" if len(clear) > _MOST_PATHS else "")
    told = f"{number} of the {covered} values that the selector covers {'lies' if number == 1 else 'lie'} in the clear"
    return [f"encrypted in part: {told}: {paths}"]


def _rule(rules: Config | None, name: str) -> CreationRule | None:
    try:
        return rules.rule_for(name) if rules else None
    except NoMatchingRuleError:
        return None


def _threshold(groups: int, stored: int) -> int:
    return 1 if groups < 2 else stored or groups


def _access(found: Metadata, keys: MasterKeys) -> list[Access]:
    listed = []
    for number, group in enumerate(found.groups, 1):
        for envelope in group:
            one = MasterKey(envelope.kind, keys.recipient(envelope.kind, envelope.fields))
            try:
                keys.unwrap(envelope.kind, envelope.fields)
                listed.append(Access(number, one.kind, without_private_keys(one.name), here=True))
            except SecretsyncError as error:
                listed.append(Access(number, one.kind, without_private_keys(one.name), here=False, reason=str(error)))
    return listed


def _leaves(documents: Sequence[Mapping], selector: Selector) -> list[Leaf]:
    survey = _Survey(selector)
    survey.documents(list(documents))
    return [Leaf(path, count, *state) for (path, *state), count in survey.seen.items()]


class _Survey(Walk):
    """The walk that encryption takes, which only looks; values are counted by path, selection and form."""

    def __init__(self, selector: Selector) -> None:
        super().__init__(selector)
        self.seen: dict[tuple[str, bool, bool], int] = {}

    def leaf(self, scalar: Scalar, aad: bytes, *, selected: bool) -> Scalar:
        """Count the leaf; null and the empty string are never encrypted."""
        if scalar.value is not None and scalar.value != "":
            path = ".".join(aad.decode("utf-8", "replace").split(":")[:-1])
            key = (path, selected, values.is_ciphertext(scalar.value))
            self.seen[key] = self.seen.get(key, 0) + 1
        return scalar

    def comment(self, comment: Comment, aad: bytes, *, selected: bool) -> Comment:  # noqa: ARG002  # the walk's signature
        """Leave comments out."""
        return comment
