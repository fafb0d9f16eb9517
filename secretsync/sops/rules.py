"""Creation rules: their keys with types as strict as sops', and the key groups they spell.

Source: sops config/config.go `creationRule`, `keyGroup`, `extractMasterKeys` at v3.13.3.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

from secretsync.documents.plain import to_plain
from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence
from secretsync.errors import ConfigError
from secretsync.masterkeys.kinds import KINDS, Kind, in_rules
from secretsync.masterkeys.publichalf import require_public
from secretsync.sops.datakey import MasterKey
from secretsync.sops.selectors import KINDS as SELECTOR_KINDS
from secretsync.sops.selectors import Selector

DESTINATION_KEYS: Final = (
    *("path_regex", "s3_bucket", "s3_prefix", "gcs_bucket", "gcs_prefix", "vault_path", "vault_address"),
    *("vault_kv_mount_name", "vault_kv_version", "recreation_rule", "omit_extensions"),
)


def rule_keys() -> tuple[str, ...]:
    """Return all keys that a rule may have."""
    kinds = in_rules()
    lists, profiles = [kind.rule_list for kind in kinds], [kind.rule_profile for kind in kinds if kind.rule_profile]
    return "path_regex", *lists, *profiles, "key_groups", "shamir_threshold", *SELECTOR_KINDS, "mac_only_encrypted"


def _group_keys() -> tuple[str, ...]:
    return "merge", *(kind.group_list for kind in in_rules())


@dataclass(frozen=True, slots=True)
class CreationRule:
    """One creation rule. `number` counts from 1. `groups` and `selector` are what a new file gets."""

    number: int
    path_regex: str
    groups: list[list[MasterKey]]
    selector: Selector | None
    mac_only_encrypted: bool
    shamir_threshold: int

    @property
    def place(self) -> str:
        """Which rule it is, as every path into a list is counted."""
        return f"creation_rules[{self.number - 1}]"

    def matches(self, relative: str) -> bool:
        """Whether its pattern is found in a path, given as it stands below the configuration's folder."""
        return not self.path_regex or path_pattern(self.path_regex).matches(relative)


@lru_cache(maxsize=1024)
def path_pattern(path_regex: str) -> Selector:
    """Return the compiled pattern of a rule, which every file of a folder is matched against."""
    return Selector("encrypted_regex", path_regex)


class RuleReader:
    """Typed access to one mapping of the configuration; merge keys count, unknown keys become warnings."""

    def __init__(self, node: Mapping, where: str, known: tuple[str, ...], warnings: list[str]) -> None:
        self.where = where
        self._warnings = warnings
        self._values = _merged(node)
        warnings += [
            f"{self.place(name)}: unknown key, ignored{_suggestion(name, known)}"
            for name in self._values
            if name not in known
        ]

    def has(self, name: str) -> bool:
        """Whether the key is there with a value."""
        node = self._values.get(name)
        return node is not None and not (isinstance(node, Scalar) and node.value is None)

    def plain(self, name: str) -> object:
        """Return a value as plain Python objects, None where it is absent."""
        return to_plain(self._values[name]) if name in self._values else None

    def text(self, name: str) -> str:
        """Return a scalar as text."""
        if not self.has(name):
            return ""
        node = self._values[name]
        if isinstance(node, Scalar):
            return node.value if isinstance(node.value, str) else str(to_plain(node))
        raise ConfigError("expected a string", location=self.place(name))

    def number(self, name: str) -> int:
        """Return a whole number, 0 where it is absent."""
        value = self.plain(name)
        if value is None:
            return 0
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise ConfigError("expected a whole number", location=self.place(name))

    def flag(self, name: str) -> bool:
        """Return true or false, false where it is absent."""
        value = self.plain(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise ConfigError("expected true or false", location=self.place(name))

    def mapping(self, name: str, known: tuple[str, ...]) -> RuleReader | None:
        """Return a nested mapping, None where it is absent."""
        if not self.has(name):
            return None
        node = self._values[name]
        if not isinstance(node, Mapping):
            raise ConfigError("expected a mapping", location=self.place(name))
        return RuleReader(node, self.place(name), known, self._warnings)

    def mappings(self, name: str, known: tuple[str, ...]) -> list[RuleReader] | None:
        """Return a list of mappings, None where it is absent."""
        if not self.has(name):
            return None
        readers = []
        for index, node in enumerate(self._elements(name)):
            place = f"{self.place(name)}[{index}]"
            if isinstance(node, Scalar) and node.value is None:
                node = Mapping()  # noqa: PLW2901  # go-yaml reads null as an empty struct
            if not isinstance(node, Mapping):
                raise ConfigError("expected a mapping", location=place)
            readers.append(RuleReader(node, place, known, self._warnings))
        return readers

    def texts(self, name: str) -> list[str]:
        """Return a list of strings."""
        if not self.has(name):
            return []
        found = []
        for node in self._elements(name):
            if not isinstance(node, Scalar):
                raise ConfigError("expected a list of strings", location=self.place(name))
            found.append(str(to_plain(node)))
        return found

    def keys(self, name: str) -> list[str]:
        """Return keys given as a comma-separated string or as a list of strings; numbers are refused."""
        node = self._values.get(name)
        if node is None or (isinstance(node, Scalar) and node.value is None):
            return []
        if isinstance(node, Scalar) and isinstance(node.value, str):
            return comma_separated(node.value)
        parts = self._elements(name) if isinstance(node, Sequence) else [node]
        texts = [part.value for part in parts if isinstance(part, Scalar) and isinstance(part.value, str)]
        if len(texts) != len(parts):
            raise ConfigError("expected a string or a list of strings", location=self.place(name), hint="quote it")
        return comma_separated(",".join(texts))

    def _elements(self, name: str) -> list[Node]:
        node = self._values[name]
        if not isinstance(node, Sequence):
            raise ConfigError("expected a list", location=self.place(name))
        return [item for item in node.items if not isinstance(item, Comment)]

    def place(self, name: str) -> str:
        """Return where a key of the mapping stands, for messages."""
        return f"{self.where}.{name}" if self.where else name


def comma_separated(text: str) -> list[str]:
    """Return the trimmed, non-empty parts of a comma-separated string."""
    return [part for each in text.split(",") if (part := each.strip())]


def recipient(kind: str, name: str, place: str) -> MasterKey:
    """Return a recipient with its name as sops stores it: a PGP fingerprint loses its spaces.

    `place` says where the name stands. Raises: PrivateKeyGivenError.
    """
    require_public(name, place)
    return MasterKey(kind, KINDS[kind].stored(name))


def parse(reader: RuleReader, number: int) -> CreationRule:
    """Return the rule that `reader` spells.

    Raises:
        ConfigError: a value of the wrong type, or more than one selector.
    """
    selectors = [(kind, pattern) for kind in SELECTOR_KINDS if (pattern := reader.text(kind))]
    if len(selectors) > 1:
        names = " and ".join(kind for kind, _ in selectors)
        raise ConfigError(f"cannot use more than one selector in a rule: {names}", location=reader.where)
    groups = reader.mappings("key_groups", _group_keys())
    return CreationRule(
        number=number,
        path_regex=reader.text("path_regex"),
        groups=[_unique(_group(each)) for each in groups] if groups else [_flat(reader)],
        selector=Selector(*selectors[0]) if selectors else None,
        mac_only_encrypted=reader.flag("mac_only_encrypted"),
        shamir_threshold=reader.number("shamir_threshold"),
    )


def _flat(reader: RuleReader) -> list[MasterKey]:
    """Return the keys that stand directly in a rule, which sops does not de-duplicate."""
    found = []
    for kind in in_rules():
        profile = reader.text(kind.rule_profile) if kind.rule_profile else ""
        suffix = f"{kind.context_mark * 2}{profile}" if profile else ""
        names = reader.keys(kind.rule_list) if kind.rule_text else reader.texts(kind.rule_list)
        found += [recipient(kind.name, name + suffix, reader.place(kind.rule_list)) for name in names]
    return found


def _group(reader: RuleReader) -> list[MasterKey]:
    known = _group_keys()
    found = [one for each in reader.mappings("merge", known) or [] for one in _unique(_group(each))]
    for kind in in_rules():
        if kind.group_fields:
            elements = reader.mappings(kind.group_list, tuple(field for field, _ in kind.group_fields)) or []
            found += [recipient(kind.name, _element_name(one, kind), one.where) for one in elements]
        else:
            texts = reader.texts(kind.group_list)
            names = [one for text in texts for one in (comma_separated(text) if kind.group_commas else [text])]
            found += [recipient(kind.name, name, reader.place(kind.group_list)) for name in names]
    return found


def _element_name(reader: RuleReader, kind: Kind) -> str:
    return kind.name_of_element(
        {
            field: reader.plain(field) if field in kind.mapping_fields else reader.text(field)
            for field, _ in kind.group_fields
        }
    )


def _unique(recipients: Iterable[MasterKey]) -> list[MasterKey]:
    return list(dict.fromkeys(recipients))


def _merged(node: Mapping) -> dict[str, Node]:
    """Return the entries of a mapping, those of its merge keys behind its own, as go-yaml decodes a struct."""
    own: dict[str, Node] = {}
    inherited: dict[str, Node] = {}
    for entry in node.entries():
        if entry.key.value == "<<" and not isinstance(entry.value, Scalar):
            for base in _bases(entry):
                for name, value in _merged(base).items():
                    inherited.setdefault(name, value)
        else:
            own[str(entry.key.value)] = entry.value
    return {**inherited, **own}


def _bases(entry: Entry) -> list[Mapping]:
    items = entry.value.items if isinstance(entry.value, Sequence) else [entry.value]
    return [item for item in items if isinstance(item, Mapping)]


def _suggestion(name: str, known: tuple[str, ...]) -> str:
    close = get_close_matches(name.replace("-", "_"), known, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""
