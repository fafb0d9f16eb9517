"""The table of stores and the Protocol each of them fulfils: bytes to a tree and back, in sops' own five formats.

Store modules are loaded on first use, so that rendering YAML never pays for INI. A store knows nothing of encryption
beyond the form of its envelope: dotenv and INI flatten the `sops` mapping, binary wraps its data in JSON.
"""

from __future__ import annotations

from typing import Final, Protocol, cast

from secretsync.documents.tree import Limits, Mapping, Node, Source
from secretsync.errors import ConfigError

STORES: Final[dict[str, str]] = {
    "yaml": "secretsync.documents.yaml.store",
    "json": "secretsync.documents.json.store",
    "dotenv": "secretsync.documents.flat.dotenv",
    "ini": "secretsync.documents.flat.ini",
    "binary": "secretsync.documents.json.binary",
}

# Case-sensitive, as in sops: `.YAML` and `.env.prod` are binary. Source: sops cmd/sops/formats at v3.13.3.
_SUFFIXES: Final = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".env": "dotenv", ".ini": "ini"}


class Store(Protocol):
    """One file format. Every implementation is a module; `encrypted` is the form of the bytes on that side."""

    NAME: str

    def load(self, data: bytes, *, limits: Limits = ..., encrypted: bool = False) -> Source:
        """Parse `data` into documents.

        With `encrypted`, an envelope the format needs is taken off: a flattened `sops_…` or `[sops]` becomes one
        nested `sops` mapping as the last entry, binary reads its JSON form.

        Raises: ParseError, DuplicateKeyError, TreeError (the root is no mapping), LimitError, MetadataError.
        """

    def dump(self, documents: list[Mapping], *, indent: int | None = None, encrypted: bool = False) -> bytes:
        """Write `documents` afresh, in sops' own style. Raises: TreeError if the format cannot hold the tree."""

    def rewrite(self, source: Source, documents: list[Mapping], *, encrypted: bool = False) -> bytes:
        """Write `documents` over the text of `source`, keeping every byte that did not change where the store can."""

    def emit_value(self, node: Node) -> bytes:
        """Return one value as `--extract` prints it. Raises: TreeError where sops refuses."""

    def is_reserved(self, document: Mapping) -> bool:
        """Whether a plain document already holds what the format reserves for sops' metadata."""


def store_named(name: str) -> Store:
    """Return the store called `name`: yaml, json, dotenv, ini or binary. Raises: ConfigError for any other name."""
    module = STORES.get(name)
    if module is None:
        raise ConfigError(f"unknown store {name!r}", hint=f"use one of {', '.join(STORES)}")
    return cast("Store", __import__(module, fromlist=["NAME"]))


def store_for_path(path: str) -> str:
    """Return the name of the store for a file name, as sops chooses it: by suffix, else binary."""
    name = path.rpartition("/")[2]
    return _SUFFIXES.get(name[name.rfind(".") :], "binary") if "." in name else "binary"
