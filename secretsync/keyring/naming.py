"""Whom the rules of a repository name for a file: its creation rule, and the policy of its key ring.

Both are looked for where sops looks for `.sops.yaml`, in the working folder and above; where nothing there is for the
file, in its own folder and above. A link stands under both of its names, so that no other rule decides by a detour.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import NamedTuple

from secretsync import files
from secretsync.errors import NoMatchingRuleError, SecretsyncError
from secretsync.keyring.globs import matches
from secretsync.keyring.model import KeyRing
from secretsync.keyring.policy import PolicyRule
from secretsync.keyring.reading import POLICY
from secretsync.keyring.rule_files import FilesOnDisk, RuleFiles
from secretsync.keyring.sources import FOLDER
from secretsync.sops.config import Config
from secretsync.sops.datakey import MasterKey
from secretsync.sops.selectors import Selector
from secretsync.sops.strangers import Named


class FileRule(NamedTuple):
    """The rule that is for a file: where it stands, what it encrypts, and whom it names, None where that is left open.

    `inside` is the file's path as the rule sees it; `matches` says of another such path whether the rule's pattern fits.
    `readers` are the principals that it is for, none where no key ring says so.
    """

    place: str
    selector: Selector | None
    named: Named | None
    inside: str
    matches: Callable[[str], bool]
    readers: frozenset[str] = frozenset()
    mac_only: bool = False


def deciding(rules: Sequence[FileRule]) -> FileRule | None:
    """Return the one of the rules for a file that decides: the key ring's, else that of `.sops.yaml`; None for none."""
    return next((each for each in rules if each.readers), rules[0] if rules else None)


class Naming:
    """The rules in force. `config` is that of the working folder, or, `alone`, the only one that is asked."""

    def __init__(
        self, config: Config | None, *, today: date, alone: bool = False, where: RuleFiles | None = None
    ) -> None:
        """Find and read the key ring of the working folder, `where` its files are. Raises: ConfigError, FileAccessError."""
        self._today = today
        self._where = where = where or FilesOnDisk()
        self._config = config
        self._alone = alone
        self._configs = {config.path: config} if config else {}
        self._rings: dict[Path, KeyRing] = {}
        self._root_of = cache(where.root_of)  # one answer for all files of a folder
        self._config_of = cache(where.config_of)
        self._tops_of = cache(_tops_of)
        self._real_folder = cache(os.path.realpath)
        self._shown = cache(where.shown)
        self._root = self._root_of(os.getcwd())
        if self._root:
            self._ring(self._root)

    def of(self, path: str) -> list[Named]:
        """Return what each rule that is for the file names; nothing where there is none.

        Raises:
            ConfigError: a `.sops.yaml` or a key ring is malformed, or leaves nobody who could read the file.
        """
        return [rule.named for rule in self.rules_for(path) if rule.named]

    def rules_for(self, path: str) -> list[FileRule]:
        """Return the rules that are for the file: its creation rule, and that of the key ring. Raises: as `of`."""
        name = os.path.abspath(path)
        names = dict.fromkeys((name, self._real(name)))
        found = [rule for name in names for rule in (self._by_config(name), self._by_ring(name)) if rule]
        return list({rule.place: rule for rule in found}.values())

    def _real(self, name: str) -> str:
        """Return the real path of an absolute one; of all files of a folder, links on the way to it are looked at once."""
        folder, _, last = name.rpartition(os.sep)
        if os.path.islink(name) or not last:
            return os.path.realpath(name)
        return os.path.join(self._real_folder(folder or os.sep), last)

    def used(self) -> list[Path]:
        """Return the `.sops.yaml` and the policies that were read."""
        return [*self._configs, *(root / POLICY for root in self._rings)]

    def label(self, recipient: MasterKey) -> str:
        """Return what a key ring calls a recipient, or the empty text where none knows it."""
        known = (ring.find(recipient) for ring in self._rings.values())
        return next((f"{found[0].name}, {found[1].id}" for found in known if found), "")

    def principals(self, recipients: Iterable[MasterKey]) -> frozenset[str]:
        """Return whose keys these are, in any key ring that was read."""
        asked = list(recipients)
        found = [ring.find(one) for ring in self._rings.values() for one in asked]
        return frozenset(each[0].name for each in found if each)

    def allows_private_keys(self, path: str) -> bool:
        """Whether the policy of a key ring allows a private key in a file: one for tests, and never in `keys/`."""
        near = self._root_of(os.path.dirname(os.path.abspath(path)))
        for root in dict.fromkeys(each for each in (self._root, near) if each):
            for inside in self._inside(root, os.path.abspath(path)):
                allowed = self._ring(root).policy.allow_private_keys
                return not inside.startswith(f"{FOLDER}/") and any(matches(glob, inside) for glob in allowed)
        return False

    def _by_config(self, name: str) -> FileRule | None:
        rule = self._by_rule(self._config, name) if self._config else None
        near = None if (rule and rule.named) or self._alone else self._config_of(os.path.dirname(name))
        if near is None or (self._config and near == self._config.path):
            return rule
        if near not in self._configs:
            self._configs[near] = self._where.config(near)
        return self._by_rule(self._configs[near], name)

    def _by_ring(self, name: str) -> FileRule | None:
        near = self._root_of(os.path.dirname(name))
        for root in dict.fromkeys(each for each in (self._root, near) if each):
            for inside in self._inside(root, name):
                ring = self._ring(root)
                rule = ring.rule_for(inside)
                if rule:
                    return self._rule_of(ring, rule, self._shown(root / POLICY), inside)
        return None

    def _rule_of(self, ring: KeyRing, rule: PolicyRule, policy: str, inside: str) -> FileRule:
        try:
            groups = ring.readers(rule, today=self._today)
        except SecretsyncError as error:
            error.location = f"{policy.removesuffix(POLICY)}{error.location}"
            raise
        place = f"{rule.place} of {policy}"
        named = Named(place, [[reader.recipient for reader in group] for group in groups], rule.threshold)
        readers = frozenset(reader.principal for group in groups for reader in group)
        return FileRule(place, rule.selector, named, inside, rule.matches, readers, rule.mac_only_encrypted)

    def _ring(self, root: Path) -> KeyRing:
        if root not in self._rings:
            self._rings[root] = self._where.ring(root)
        return self._rings[root]

    def _by_rule(self, config: Config, name: str) -> FileRule | None:
        """Return the matching rule, None where none matches; it names nobody where it leaves the keys to others."""
        root = config.path.parent
        inside = next(self._inside(root, name), None)
        try:
            rule = config.rule_for(name if inside is None else os.path.join(root, inside))
        except NoMatchingRuleError:
            return None
        if rule is None:
            return None
        place = f"{rule.place} of {self._shown(config.path)}"
        named = Named(place, rule.groups, rule.shamir_threshold) if any(rule.groups) else None
        inside = inside or config.relative(name)
        return FileRule(place, rule.selector, named, inside, rule.matches, mac_only=rule.mac_only_encrypted)

    def _inside(self, root: Path, name: str) -> Iterator[str]:
        """Yield the name relative to the root, with `/`, where it is below it under one of the root's names."""
        for top in self._tops_of(root):
            if files.is_below(name, top):
                yield name[len(top) :].lstrip(os.sep).replace(os.sep, "/")
                return


def _tops_of(root: Path) -> list[str]:
    """Return the names of a folder, which may be reached by a link, too."""
    return list(dict.fromkeys((os.path.abspath(root), os.path.realpath(root))))
