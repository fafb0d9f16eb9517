"""The table of stores and the Protocol each of them fulfils: bytes to a tree and back, in sops' own five formats.

Store modules are loaded on first use, so that rendering YAML never pays for INI. A store knows nothing of encryption
beyond the form of its envelope: dotenv and INI flatten the `sops` mapping, binary wraps its data in JSON. What a store
can and cannot hold are attributes: whoever has to know asks them, and never the name.
"""

from __future__ import annotations

from typing import Final, NamedTuple, Protocol

from secretsync.documents.tree import Limits, Mapping, Node, Source
from secretsync.errors import ConfigError
from secretsync.late import load


class StoreEntry(NamedTuple):
    """What is known of a store before it is loaded: its module, the suffixes of its files, and its turn.

    The lowest `turn` is tried first where only the content tells: what is JSON reads as YAML as well.
    """

    module: str
    suffixes: tuple[str, ...] = ()
    turn: int = 1


# Case-sensitive, as in sops: `.YAML` and `.env.prod` are binary. Source: sops cmd/sops/formats at v3.13.3.
STORES: Final[dict[str, StoreEntry]] = {
    "yaml": StoreEntry("secretsync.documents.yaml.store", (".yaml", ".yml")),
    "json": StoreEntry("secretsync.documents.json.store", (".json",), turn=0),
    "dotenv": StoreEntry("secretsync.documents.flat.dotenv", (".env",)),
    "ini": StoreEntry("secretsync.documents.flat.ini", (".ini",)),
    "binary": StoreEntry("secretsync.documents.json.binary"),
}

FALLBACK: Final = "binary"
"""The store of every file whose name names none."""

ENVELOPE: Final = "json"
"""The store whose text an encrypted file of the fallback is: it reads what the other has written."""


class Store(Protocol):
    """One file format. Every implementation is a module; `encrypted` is the form of the bytes on that side."""

    NAME: str
    COMMENTS: bool
    """Whether it holds comments."""
    SEVERAL_DOCUMENTS: bool
    """Whether a file may hold any number of documents; else it is one."""
    NESTED: bool
    """Whether mappings and lists stand in each other at any depth, as the objects of Kubernetes need."""
    NULLS: bool
    """Whether null is something else than an empty text."""
    ONE_VALUE: bool
    """Whether a document is one value without a name of its own, so that there is nothing to select."""
    SKIPS_COMMENTS: bool
    """Whether sops' reader passes over comments in places, so that they would stay readable or get lost."""
    CONFIG_NAME: str
    """Its key under `stores` in `.sops.yaml`."""
    CONFIG_FIELDS: tuple[str, ...]
    """What may be set for it there."""
    MAC_MARK: bytes
    """What Flux's controller tells its encrypted files by, quirks included; empty where another store's mark serves.

    Source: fluxcd/kustomize-controller internal/decryptor at 1.9.5 (`sopsFormatToMarkerBytes`).
    """
    EXAMPLE: bytes
    """What an editor shows where a file is made."""

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

    def is_marked(self, data: bytes, *, mentioned: bool) -> bool:
        """Whether `data` has what an encrypted file always has, read or not.

        `mentioned` says that the word `sops` and ciphertext, or the fields of a block that lost it, are in there.
        """

    def carries_mac(self, data: bytes) -> bool:
        """Whether the value of a Secret holds a MAC as this store writes it, more generously than Flux tells it."""


def store_named(name: str) -> Store:
    """Return the store called `name`: yaml, json, dotenv, ini or binary. Raises: ConfigError for any other name."""
    entry = STORES.get(name)
    if entry is None:
        raise ConfigError(f"unknown store {name!r}", hint=f"use one of {', '.join(STORES)}")
    store: Store = load(entry.module)
    return store


def store_for_path(path: str) -> str:
    """Return the name of the store for a file name, as sops chooses it: by suffix, else binary."""
    name = path.rpartition("/")[2]
    if "." not in name:
        return FALLBACK
    suffix = name[name.rfind(".") :]
    return next((store for store, entry in STORES.items() if suffix in entry.suffixes), FALLBACK)


def by_content() -> list[str]:
    """Return the stores that content alone may tell, in the order to try them in."""
    return sorted((name for name in STORES if name != FALLBACK), key=lambda name: STORES[name].turn)


def is_nested(path: str) -> bool:
    """Whether a file of this name is of a store that can hold Kubernetes objects."""
    name = store_for_path(path)
    return name != FALLBACK and store_named(name).NESTED
