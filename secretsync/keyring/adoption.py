"""An existing `.sops.yaml` taken over: its keys become principals, its rules the policy, and nobody's access changes.

Names come from YAML anchors and from comments next to a key. That the generated `.sops.yaml` gives every file what the
old one gave it is proved file by file before anything is returned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from hashlib import sha256
from typing import Final, NamedTuple

import secretsync.keyring.key_intake as key_intake
import secretsync.keyring.writing as writing
from secretsync.configuration import API_VERSION
from secretsync.documents.plain import to_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Comment, Mapping, Node, Scalar, Sequence
from secretsync.errors import ConfigError, NoMatchingRuleError, PolicyError, SecretsyncError, shortened
from secretsync.keyring.editing import SOPS_YAML, regenerated
from secretsync.keyring.key_checks import UNNAMED
from secretsync.keyring.model import Principal, PrincipalKind, PublicKey, normalised
from secretsync.keyring.reading import POLICY
from secretsync.keyring.sources import FOLDER, Changed, Changes, RingSource
from secretsync.letters import hyphenated
from secretsync.masterkeys.kinds import FALLBACK, KINDS, canonical, of_ring_type
from secretsync.sops.config import Config, parse_config
from secretsync.sops.datakey import MasterKey
from secretsync.sops.rules import CreationRule, comma_separated

_CARRIED: Final = ("stores", "destination_rules")
_LONGEST_ANCHOR: Final = 200
_LONGEST: Final = 40
_SHORT: Final = 8
_OTHER_KINDS: Final[dict[str, PrincipalKind]] = {
    "cluster": "cluster", "server": "cluster", "host": "cluster", "flux": "cluster", "argocd": "cluster",
    "ci": "service", "bot": "service", "service": "service",
}  # fmt: skip
"""First word of a name to the kind of principal it says; anybody else is a person, and key services are services."""


class Adoption(NamedTuple):
    """The files to write, the files that have a rule and were proved to keep it, and what deserves a look."""

    changes: Changes
    proved: list[str]
    warnings: list[str]


def adopt(source: RingSource, names: Iterable[str], *, today: date) -> Adoption:
    """Return the key ring that says what the `.sops.yaml` of `source` says, for the repository's files `names`.

    Raises:
        ConfigError: there is no `.sops.yaml`, it is malformed, or it says what a key ring cannot.
        PolicyError: there is a key ring already, or somebody's access would change.
    """
    if source.read(POLICY) is not None:
        raise PolicyError("there is a key ring already", location=POLICY)
    data = source.read(SOPS_YAML)
    if data is None:
        raise ConfigError("no such file to adopt", location=SOPS_YAML, hint="secretsync init")
    config = parse_config(data, SOPS_YAML)
    owners = _owners(data, config)
    changes: Changes = {}
    for name, recipient in {name: recipient for recipient, name in reversed(owners.items())}.items():
        one = _principal(name, recipient)
        changes[f"{FOLDER}/{one.path}"] = writing.principal(one)
    changes[POLICY] = writing.dump(_policy(config, data, owners), _COMMENT)
    changes = regenerated(source, changes, today=today)
    after = parse_config(Changed(source, changes).read(SOPS_YAML) or b"", SOPS_YAML)
    proved = [name for name in names if name not in changes and _prove(config, after, name)]
    warnings = [*config.warnings, *(_unnamed(name, each) for each, name in owners.items() if name.startswith(UNNAMED))]
    return Adoption(changes, proved, warnings)


_COMMENT: Final = "Who reads what; the first rule that matches decides. Adopted from .sops.yaml."


def _unnamed(name: str, recipient: MasterKey) -> str:
    return f"nobody is named for {recipient.kind} {shortened(recipient.name)}: it is called {name}"


def _prove(before: Config, after: Config, name: str) -> bool:
    """Whether a rule is for the file, once it is the same before and after. Raises: PolicyError."""
    old, new = _rule_for(before, name), _rule_for(after, name)
    if _meaning(old) != _meaning(new):
        raise PolicyError("would get other recipients or another selector from the new .sops.yaml", location=name)
    return old is not None


def _rule_for(config: Config, name: str) -> CreationRule | None:
    try:
        return config.rule_for(name if config.path.parent.as_posix() == "." else config.path.parent / name)
    except NoMatchingRuleError:
        return None


def _meaning(rule: CreationRule | None) -> object:
    """Return what a rule comes to for a file, without the order of its keys."""
    if rule is None:
        return None
    groups = [frozenset(normalised(one) for one in group) for group in rule.groups]
    selector = (rule.selector.kind, rule.selector.pattern) if rule.selector else None
    threshold = rule.shamir_threshold or len(groups)
    return groups, selector, rule.mac_only_encrypted, threshold if len(groups) > 1 else 0


def _policy(config: Config, data: bytes, owners: dict[MasterKey, str]) -> dict[str, object]:
    rules = [_policy_rule(rule, owners) for rule in config.rules or []]
    if not rules:
        raise ConfigError("has no creation_rules to adopt", location=SOPS_YAML)
    root = to_plain(_root(data))
    assert isinstance(root, dict)
    carried = {name: root[name] for name in _CARRIED if root.get(name)}
    if any("recreation_rule" in destination.fields for destination in config.destinations):
        raise ConfigError(
            "a recreation_rule names keys beside the policy",
            location=f"{SOPS_YAML} destination_rules",
            hint="move that rule to a file of its own, for sops --config FILE publish; then secretsync init once more",
        )
    return {"apiVersion": API_VERSION, "kind": "Policy", "rules": rules, **({"sops": carried} if carried else {})}


def _policy_rule(rule: CreationRule, owners: dict[MasterKey, str]) -> dict[str, object]:
    groups = [list(dict.fromkeys(owners[one] for one in group)) for group in rule.groups]
    if not all(groups):
        raise ConfigError("a rule without keys cannot be adopted", location=f"{SOPS_YAML} {rule.place}")
    encrypt: dict[str, object] = {rule.selector.kind: rule.selector.pattern} if rule.selector else {}
    if rule.mac_only_encrypted:
        encrypt["mac_only_encrypted"] = True
    fields: dict[str, object] = {"path_regex": rule.path_regex} if rule.path_regex else {"paths": ["**"]}
    if len(groups) == 1:
        fields["readers"] = groups[0]
    else:
        fields["reader_groups"] = [{"members": group} for group in groups]
        fields |= {"threshold": rule.shamir_threshold} if rule.shamir_threshold else {}
    return {**fields, **({"encrypt": encrypt} if encrypt else {})}


def _principal(name: str, recipient: MasterKey) -> Principal:
    """Return a recipient as a principal of its own, so that nobody gains what another key of theirs had."""
    kind: PrincipalKind = _OTHER_KINDS.get(name.partition("-")[0], "person")
    known = KINDS[recipient.kind]
    if known.is_service:
        kind = "service"
    return Principal(name, kind, "", (PublicKey(f"{name}-1", known.ring_type(recipient.name), recipient.name),))


def _owners(data: bytes, config: Config) -> dict[MasterKey, str]:
    """Return a name for every recipient as it is spelled, each key under one name and each name once."""
    hints = dict(_named(data))
    names: dict[MasterKey, str] = {}
    owners: dict[MasterKey, str] = {}
    for recipient in (one for rule in config.rules or [] for group in rule.groups for one in group):
        key = normalised(recipient)
        if key not in names:
            fingerprint = sha256(key.name.encode()).hexdigest()[:_SHORT]
            name = hints.get(key.name) or f"{UNNAMED}{fingerprint}"
            names[key] = name if name not in names.values() else f"{name}-{fingerprint}"
        owners[recipient] = names[key]
    return owners


def _named(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield the normalised keys of a `.sops.yaml` with the names next to them; of several, an anchor comes last."""
    source = store_named("yaml").load(data)
    for scalar, comment in _scalars(source.documents[0] if source.documents else Mapping(), ""):
        if not isinstance(scalar.value, str):
            continue
        keys = [canonical(_kind(key), key) for key in comma_separated(scalar.value)]
        if len(keys) != 1:
            continue
        if name := _as_name(comment):
            yield keys[0], name
        span = scalar.alias or scalar.span
        anchor = _anchor(source.text, span.start) if span else ""
        if name := _as_name(anchor):
            yield keys[0], name


def _scalars(node: Node, comment: str) -> Iterator[tuple[Scalar, str]]:
    """Yield every scalar with the comment that belongs to it: behind it on its line, else right above it."""
    if isinstance(node, Scalar):
        yield node, comment
        return
    before = ""  # a comment behind an item on its line precedes it in the tree, and comes last of those that do
    for item in node.items:
        if isinstance(item, Comment):
            before = item.text
            continue
        value = item if isinstance(item, Scalar | Mapping | Sequence) else item.value
        yield from _scalars(value, before)
        before = ""


def _anchor(text: str, at: int) -> str:
    """Return the name behind the `&` or `*` that stands at `at`, nothing where none does."""
    if text[at : at + 1] not in ("&", "*"):
        return ""
    words = text[at + 1 : at + _LONGEST_ANCHOR].translate(_FLOW).split(maxsplit=1)
    return words[0] if words and text[at + 1] == words[0][0] else ""


_FLOW: Final = str.maketrans(dict.fromkeys(",[]{}", " "))


def _kind(key: str) -> str:
    found = key_intake.type_of(key)
    return of_ring_type(found).name if found else FALLBACK


def _as_name(text: str) -> str:
    """Return a comment or an anchor as a principal's name, nothing where it is no name but a sentence."""
    words = text.partition(",")[0].partition("(")[0].split()  # `alice, a developer` is alice
    if not 0 < len(words) <= 3:
        return ""
    return hyphenated(" ".join(words).lower())[:_LONGEST].strip("-")


def _root(data: bytes) -> Mapping:
    try:
        documents = store_named("yaml").load(data).documents
    except SecretsyncError as error:
        raise ConfigError(error.message, location=SOPS_YAML) from None
    return documents[0] if documents else Mapping()
