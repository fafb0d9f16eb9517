"""The argv of the vectors: just enough of sops' command line to run our functions on the same words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from secretsync import sops
from secretsync.documents.stores import store_for_path, store_named
from secretsync.documents.tree import Source
from secretsync.masterkeys.services import MasterKeys
from secretsync.sops import config as configs
from secretsync.sops.creation import choose, recipients_from
from secretsync.sops.selectors import KINDS

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
FLAGS = {"--mac-only-encrypted", "--ignore-mac", "--idempotent", "-i", "-y", "--encrypt"}


@dataclass
class Argv:
    """Options by name, the command, and the words that are neither."""

    command: str = ""
    options: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def get(self, name: str) -> str:
        """Return an option's value, empty where it is absent."""
        return self.options.get(name, "")


def parsed(args: list[str]) -> Argv:
    """Take an argv apart."""
    argv = Argv()
    rest = list(args)
    while rest:
        word = rest.pop(0)
        if word in FLAGS:
            argv.options[word] = "true"
        elif word.startswith("-"):
            argv.options[word] = rest.pop(0)
        elif not argv.command and "--encrypt" not in argv.options:
            argv.command = word
        else:
            argv.words.append(word)
    argv.command = argv.command or "encrypt"
    return argv


def encrypted(
    args: list[str], folder: Path, environ: dict[str, str], keys: MasterKeys, warnings: list[str]
) -> tuple[str, bytes]:
    """Run `sops encrypt` with our functions; returns the output store and the bytes."""
    argv = parsed(args)
    named = folder / (argv.get("--filename-override") or argv.words[0])
    found = configs.find_config(folder, warnings)
    inside = found is not None and found.is_relative_to(folder)
    config = configs.load_config(found) if found and inside else None
    flags = {"age": argv.get("--age"), "pgp": argv.get("--pgp")}
    choice = choose(
        config.rule_for(named) if config else None,
        recipients=recipients_from(flags, environ),
        selectors={kind: argv.get("--" + kind.replace("_", "-")) for kind in KINDS},
        mac_only_encrypted=bool(argv.get("--mac-only-encrypted")),
        shamir_threshold=int(argv.get("--shamir-secret-sharing-threshold") or 0),
    )
    source = loaded(args, folder)
    output_store = argv.get("--output-type") or store_for_path(str(named))
    data = sops.encrypt(
        source,
        groups=choice.groups,
        selector=choice.selector,
        mac_only=choice.mac_only_encrypted,
        threshold=choice.shamir_threshold,
        keys=keys,
        now=NOW,
        output_store=output_store,
        warnings=warnings,
    )
    return output_store, data


def loaded(args: list[str], folder: Path) -> Source:
    """Return the plain file that an argv names."""
    argv = parsed(args)
    named = argv.get("--filename-override") or argv.words[0]
    store = store_named(argv.get("--input-type") or store_for_path(named))
    return store.load((folder / argv.words[0]).read_bytes())
