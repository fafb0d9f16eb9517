"""`secretsync updatekeys`: files opened for the recipients that `.sops.yaml` names, under the data key they have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, TypeAlias

import typer

from secretsync.cli import _batch
from secretsync.cli._creation import naming, rules_at
from secretsync.cli._files import FileTarget
from secretsync.cli._options import Config, DryRun, InputType, Opening, grouped
from secretsync.cli._terminal import confirm, say
from secretsync.errors import ConfigError, shortened
from secretsync.sops import metadata
from secretsync.sops.config import Config as Rules
from secretsync.sops.open_file import OpenOptions, load
from secretsync.sops.recipients import KeyUpdate, plan_update, update_keys
from secretsync.sops.rules import CreationRule

Paths: TypeAlias = Annotated[list[str], typer.Argument(metavar="PATH...", help="Encrypted files, and folders of them.")]
Yes: TypeAlias = Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")]


@grouped
def updatekeys(
    paths: Paths,
    formats: InputType,
    opening: Opening,
    config: Config = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> int:
    """Give files the recipients of .sops.yaml.

    The data key stays, and so does every value. Whoever is removed could read the file until now: rotate it, and change
    its values. A folder stands for all encrypted files in it.
    """
    rules = rules_at(config)
    if rules is None:
        raise ConfigError("no .sops.yaml here or above", hint="name one with --config")
    chosen = _batch.Chosen(paths)
    names = chosen.names
    updater = _Updater(rules, formats, opening, chosen)
    if yes and not dry_run:
        return chosen.settle(_batch.for_each(names, updater.update))
    code = _batch.for_each(names, updater.plan, forking=False, dry_run=True)
    if dry_run or not updater.pending:
        return code
    if not confirm(f"change the recipients of {len(updater.pending)} of {len(names)} files?"):
        say("nothing was changed")
        return _batch.SOME_FAILED
    return chosen.settle(_batch.for_each(updater.pending, updater.update)) or code


class _Updater:
    """Plans and does the update of one file after the other; `pending` are the planned ones that need it."""

    def __init__(self, rules: Rules, formats: InputType, opening: Opening, chosen: _batch.Chosen) -> None:
        self.pending: list[str] = []
        self._rules = rules
        self._formats = formats
        self._opening = opening
        self._chosen = chosen
        self._keys = opening.keys()

    def plan(self, path: str) -> _batch.FileReport:
        """Return what would change, without any key."""
        data = self._chosen.read(path)
        target, options, rule = self._wanted(path, data)
        found = target.placing(lambda: metadata.split(load(data, options).documents)[1])
        plan = plan_update(found, rule.groups, self._keys)
        if plan.changed:
            self.pending.append(path)
        return _batch.FileReport(_sentences(plan))

    def update(self, path: str) -> _batch.FileReport:
        """Update the file and return what changed."""
        data = self._chosen.read(path)
        target, options, rule = self._wanted(path, data)
        with naming(f"{rule.place} of {self._rules.path}"):
            update = target.placing(lambda: update_keys(data, rule.groups, options, now=datetime.now(UTC)))
        if update.plan.changed:
            self._chosen.write(path, update.data, replaces=data)
        return _batch.FileReport(_sentences(update.plan), update.warnings)

    def _wanted(self, path: str, data: bytes) -> tuple[FileTarget, OpenOptions, CreationRule]:
        target = self._formats.target_of(path, data)
        rule = self._rules.rule_for(target.name)
        if rule is None:
            raise ConfigError("has no creation_rules", location=str(self._rules.path))
        return target, self._opening.options(target, self._keys), rule


def _sentences(plan: KeyUpdate) -> list[str]:
    """Return the changes as sentences, one for each recipient."""
    if not plan.changed:
        return ["already up to date"]
    several = len(plan.groups) > 1
    told = []
    for number, group in enumerate(plan.groups, 1):
        place = f" (group {number})" if several else ""
        told += [f"adds {shortened(name)}{place}" for name in group.added]
        told += [f"removes {shortened(name)}{place}" for name in group.removed]
    if plan.old_threshold != plan.new_threshold:
        told.append(f"threshold {plan.old_threshold} becomes {plan.new_threshold}")
    return told
