"""Options that decide how a new file is encrypted: for whom, and what in it; else `.sops.yaml` decides."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from secretsync import sops
from secretsync.audit import left_clear, lost_block, numbers
from secretsync.cli._files import FileTarget
from secretsync.cli._key_options import CreationKeys
from secretsync.cli._left_clear import AllowCiphertext, require_covered
from secretsync.cli._options import Config, Indent
from secretsync.cli._terminal import warn
from secretsync.documents.tree import Source
from secretsync.errors import ConfigError
from secretsync.masterkeys import MasterKeys
from secretsync.sops import Decrypted
from secretsync.sops.config import Config as Rules
from secretsync.sops.config import find_config, load_config
from secretsync.sops.creation import Choice, choose, recipients_from
from secretsync.sops.selectors import Selector


def rules_at(path: str | None) -> Rules | None:
    """Return the configuration at `path`, else the nearest one from here upwards, or None; its warnings are shown.

    Raises:
        ConfigError: it cannot be read, or is wrong.
    """
    warnings: list[str] = []
    found = path or find_config(".", warnings)
    rules = load_config(found) if found else None
    for warning in [*warnings, *(f"{found}: {each}" for each in (rules.warnings if rules else []))]:
        warn(warning)
    return rules


@contextmanager
def naming(place: str) -> Iterator[None]:
    """Name the rule at `place`, if any, in what is wrong with what it says. Raises: as its block."""
    try:
        yield
    except ConfigError as error:
        if place:
            error.message += f" ({place})"
        raise


@dataclass(frozen=True, slots=True)
class Selection:
    """What in a new file is encrypted: at most one of these. The field's name is the selector's kind."""

    encrypted_regex: Annotated[
        str | None, typer.Option("--encrypted-regex", help="Encrypt values below keys that match this RE2 pattern.")
    ] = None
    unencrypted_regex: Annotated[
        str | None, typer.Option("--unencrypted-regex", help="Encrypt all but values below keys that match.")
    ] = None
    encrypted_suffix: Annotated[
        str | None, typer.Option("--encrypted-suffix", help="Encrypt values below keys that end so.")
    ] = None
    unencrypted_suffix: Annotated[
        str | None,
        typer.Option("--unencrypted-suffix", help="Encrypt all but values below keys that end so [_unencrypted]."),
    ] = None
    encrypted_comment_regex: Annotated[
        str | None, typer.Option("--encrypted-comment-regex", help="Encrypt values whose comment matches.")
    ] = None
    unencrypted_comment_regex: Annotated[
        str | None, typer.Option("--unencrypted-comment-regex", help="Encrypt all but values whose comment matches.")
    ] = None

    def patterns(self) -> dict[str, str]:
        """Return what was given, by kind of selector."""
        return {kind: pattern for kind in self.__slots__ if (pattern := getattr(self, kind))}


@dataclass(frozen=True, slots=True)
class Creation:
    """What else a new file gets, and where the rules are."""

    mac_only_encrypted: Annotated[
        bool, typer.Option("--mac-only-encrypted", help="Let the MAC cover encrypted values only.")
    ] = False
    threshold: Annotated[
        int,
        typer.Option("--shamir-secret-sharing-threshold", help="How many key groups are needed; all unless given."),
    ] = 0
    allow_plaintext: Annotated[
        bool,
        typer.Option(
            "--allow-plaintext", help="Accept values in the clear that seem to be secret, or that are all there is."
        ),
    ] = False
    allow_ciphertext: AllowCiphertext = False
    config: Config = None
    indent: Indent = None

    def choice(self, target: FileTarget, recipients: CreationKeys, selection: Selection) -> tuple[Choice, int | None]:
        """Return what the file gets from options, environment and rule, and the indentation to write it with.

        Raises:
            NoMatchingRuleError, ConfigError: there is no rule for the file, or `.sops.yaml` is wrong.
            ConflictingOptionsError: selectors exclude each other.
        """
        config = rules_at(self.config)
        choice = choose(
            config.rule_for(target.name) if config else None,
            recipients=recipients_from(recipients.flags(), os.environ),
            selectors=selection.patterns(),
            mac_only_encrypted=self.mac_only_encrypted,
            shamir_threshold=self.threshold,
        )
        if config and choice.place:
            choice = replace(choice, place=f"{choice.place} of {config.path}")
        indents = config.indents if config else {}
        return choice, self.indent if self.indent is not None else indents.get(target.output_store)

    def encrypt(
        self,
        target: FileTarget,
        text: bytes,
        settled: tuple[Choice, int | None],
        keys: MasterKeys,
        reuse: Decrypted | None = None,
    ) -> bytes:
        """Return the plain text of a file encrypted as `choice` settled it; warnings are shown.

        `reuse` is an earlier version, whose data key and ciphertext stay where the value did.

        Raises:
            AlreadyEncryptedError: a value is ciphertext, and was not allowed to be.
            As `sops.encrypt`, placed at the file.
        """
        choice, indent = settled
        warnings: list[str] = []
        with naming(choice.place):
            result = target.placing(
                lambda: sops.encrypt(
                    self._load(target, text, choice, warnings),
                    groups=choice.groups,
                    keys=keys,
                    now=datetime.now(UTC),
                    selector=choice.selector,
                    mac_only=choice.mac_only_encrypted,
                    threshold=choice.shamir_threshold,
                    allow_plaintext=self.allow_plaintext,
                    output_store=target.output_store,
                    indent=indent,
                    reuse=reuse,
                    warnings=warnings,
                )
            )
        for warning in warnings:
            warn(f"{target.shown}: {warning}")
        return result

    def _load(self, target: FileTarget, text: bytes, choice: Choice, warnings: list[str]) -> Source:
        source = target.load(text, encrypted=False)
        if not self.allow_ciphertext:
            lost_block.refuse(source)
        selector = choice.selector or Selector.default()
        if not self.allow_plaintext:
            require_covered(target, source.documents, selector)
        warnings += numbers.warnings(source, selector)
        warnings += [
            f"{place}: leaves the values readable that kubectl copied there: take the annotation out"
            for place in left_clear.copies(source.documents, selector)
        ]
        return source
