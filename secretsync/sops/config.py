"""`.sops.yaml`: where it is found, which creation rule a file takes, and what that rule says.

Lookup and matching follow sops: the first file from the working directory upwards, the first rule whose `path_regex`
is found anywhere in the path relative to it. Unknown keys, which sops ignores without a word, become warnings.
Source: sops config/config.go at v3.13.3.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import secretsync.sops.rules as rules
from secretsync.documents.stores import STORES, store_named
from secretsync.documents.tree import Limits, Mapping
from secretsync.errors import ConfigError, NoMatchingRuleError, SecretsyncError
from secretsync.sops.rules import DESTINATION_KEYS, CreationRule, RuleReader, rule_keys

FILE_NAME: Final = ".sops.yaml"
MISNAMED: Final = ".sops.yml"
MAX_PARENTS: Final = 100
"""Source: config.go `maxDepth`."""

# `keys` is no key of sops: it is where, by custom, the anchors of the recipients are.
_TOP_KEYS: Final = ("creation_rules", "destination_rules", "stores", "keys")


@dataclass(frozen=True, slots=True)
class DestinationRule:
    """One destination rule of `publish`, kept as it was written."""

    path_regex: str
    fields: dict[str, object]


@dataclass(frozen=True, slots=True)
class Config:
    """A parsed `.sops.yaml`. `rules` is None where the file has no `creation_rules` at all.

    `indents` holds the indentation per store (yaml, json, binary) where the file sets one.
    """

    path: Path
    rules: list[CreationRule] | None
    destinations: list[DestinationRule]
    indents: dict[str, int]
    warnings: list[str] = field(default_factory=list)

    def rule_for(self, path: str | os.PathLike[str]) -> CreationRule | None:
        """Return the first rule that matches `path`, or None where the file has no rules.

        Raises:
            NoMatchingRuleError: there are rules, and none matches.
            ConfigError: a `path_regex` before the match is not RE2.
        """
        if self.rules is None:
            return None
        relative = self.relative(path)
        for rule in self.rules:
            pattern = rules.path_pattern(rule.path_regex)
            if pattern.invalid is not None:
                raise ConfigError(
                    f"path_regex {rule.path_regex!r} is not a valid RE2 pattern: {pattern.invalid}",
                    location=str(self.path),
                )
            if not rule.path_regex or pattern.matches(relative):
                return rule
        raise NoMatchingRuleError(
            f"no creation rule matches {relative!r}",
            location=str(self.path),
            hint="add a rule for it, or one without path_regex at the end",
        )

    def relative(self, path: str | os.PathLike[str]) -> str:
        """Return what `path_regex` is matched against: the absolute path without the config's folder in front."""
        absolute = os.path.abspath(path)  # no symbolic link is resolved, as in sops
        return absolute.removeprefix(os.path.abspath(self.path.parent) + os.sep)


def find_config(start: str | os.PathLike[str], warnings: list[str] | None = None) -> Path | None:
    """Return the `.sops.yaml` of the folder `start` or of its nearest parent, or None.

    A `.sops.yml` on the way is not read; a warning says so.
    """
    folder = Path(os.path.abspath(start))  # as sops: lexical
    misnamed = None
    for parent in [folder, *folder.parents][:MAX_PARENTS]:
        if (parent / FILE_NAME).exists():
            return parent / FILE_NAME
        if misnamed is None and (parent / MISNAMED).exists():
            misnamed = parent / MISNAMED
            if warnings is not None:
                warnings.append(f"{misnamed} is ignored: the file must be called {FILE_NAME}")
    return None


def load_config(path: str | os.PathLike[str]) -> Config:
    """Read and parse the configuration at `path`. Raises: ConfigError."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot read the configuration: {error.strerror}", location=str(path)) from None
    return parse_config(data, path)


def parse_config(data: bytes, path: str | os.PathLike[str]) -> Config:
    """Parse a configuration; `path` says where it stands, for matching and for messages.

    Raises:
        ConfigError: no YAML, a duplicate key, or a value of the wrong type.
    """
    try:
        documents = store_named("yaml").load(data, limits=Limits()).documents
        return _config(documents[0] if documents else Mapping(), Path(path))
    except ConfigError as error:
        raise error.at(str(path)) from None
    except SecretsyncError as error:
        raise ConfigError(error.message, location=f"{path} {error.location or ''}".strip(), hint=error.hint) from None


def _config(root: Mapping, path: Path) -> Config:
    warnings: list[str] = []
    reader = RuleReader(root, "", _TOP_KEYS, warnings)
    creation = reader.mappings("creation_rules", rule_keys())
    destinations = []
    for one in reader.mappings("destination_rules", DESTINATION_KEYS) or []:
        one.mapping("recreation_rule", rule_keys())
        fields = {name: one.plain(name) for name in DESTINATION_KEYS if one.has(name)}
        destinations.append(DestinationRule(one.text("path_regex"), fields))
    return Config(
        path=path,
        rules=None if creation is None else [rules.parse(one, number) for number, one in enumerate(creation, 1)],
        destinations=destinations,
        indents=_indents(reader),
        warnings=warnings,
    )


def _indents(reader: RuleReader) -> dict[str, int]:
    if not reader.has("stores"):
        return {}
    known = {store.CONFIG_NAME: store for store in map(store_named, STORES)}
    stores = reader.mapping("stores", tuple(known))
    found = {}
    for name, store in known.items():
        settings = stores.mapping(name, store.CONFIG_FIELDS) if stores else None
        if settings and settings.has("indent"):
            found[store.NAME] = settings.number("indent")
    return found
