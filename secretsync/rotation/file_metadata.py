"""One encrypted file as it is: who can open it, and whether it opens here and its MAC holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from secretsync.documents.stores import store_for_path
from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence
from secretsync.errors import SecretsyncError
from secretsync.keyring.model import normalised
from secretsync.keyring.ownfiles import store_whatever_the_name
from secretsync.masterkeys import MasterKeys
from secretsync.secrecy import CIPHERTEXT
from secretsync.sops import metadata
from secretsync.sops.comparison import of_file
from secretsync.sops.datakey import MasterKey, recover
from secretsync.sops.decryption import decrypt_with
from secretsync.sops.open_file import OpenFile, OpenOptions, load
from secretsync.sops.selectors import Selector


class Inspected(NamedTuple):
    """What a file says of itself, and the error that keeps it from being opened, if any."""

    path: str
    blob: str
    groups: list[list[MasterKey]]
    threshold: int
    selector: tuple[str, str]
    mac_only: bool
    items: int
    error: SecretsyncError | None = None
    secret: str = ""
    """`namespace/name` of the Kubernetes Secret that it is, if it is one."""
    named: tuple[str, ...] = ()
    """Ids of removed keys that stand in it, where it does not say for whom it is."""

    @property
    def recipients(self) -> frozenset[MasterKey]:
        """All recipients, whatever their group."""
        return frozenset(one for group in self.groups for one in group)


def options_for(path: str, data: bytes, keys: MasterKeys) -> OpenOptions:
    """Return how to open a file of the repository."""
    return OpenOptions(store_whatever_the_name(path, data) or store_for_path(path), keys)


def inspect(
    path: str, blob: str, data: bytes, keys: MasterKeys, *, closed: bool = False
) -> tuple[Inspected, OpenFile | None]:
    """Return what a file says of itself, and the file opened if it opens here; `closed`: no key is tried."""
    nothing = Inspected(path, blob, [], 0, _selector(Selector.default()), mac_only=False, items=0)
    options = options_for(path, data, keys)
    try:
        source = load(data, options)
        bare, found = metadata.split(source.documents)
        groups = [[normalised(one) for one in group] for group in of_file(found, keys)]
    except SecretsyncError as error:
        return nothing._replace(error=error), None
    known = nothing._replace(
        groups=groups,
        threshold=found.shamir_threshold,
        selector=_selector(found.selector),
        mac_only=found.mac_only_encrypted,
        secret=_secret(bare[0]),
        items=_ciphertexts(bare),
    )
    if closed:
        return known, None
    try:
        plain = decrypt_with(bare, found, recover(found, keys))
    except SecretsyncError as error:
        return known._replace(error=error), None
    return known, OpenFile(source, plain, options)


def _selector(selector: Selector) -> tuple[str, str]:
    return selector.kind, selector.pattern


def _secret(document: Mapping) -> str:
    version, kind, about = (document.get(name) for name in ("apiVersion", "kind", "metadata"))
    if not (_is(version, "v1") and _is(kind, "Secret") and isinstance(about, Mapping)):
        return ""
    names = [about.get("namespace"), about.get("name")]
    found = [one.value for one in names if isinstance(one, Scalar) and isinstance(one.value, str)]
    return "/".join(found) if len(found) == len(names) else ""


def _is(node: Node | None, value: str) -> bool:
    return isinstance(node, Scalar) and node.value == value


def _ciphertexts(documents: Iterable[Node]) -> int:
    """Return how many encrypted values and comments there are, which can be told without any key."""
    count = 0
    nodes: list[object] = list(documents)
    while nodes:
        node = nodes.pop()
        if isinstance(node, Mapping | Sequence):
            nodes += [item.value if isinstance(item, Entry) else item for item in node.items]
        else:
            text = node.text if isinstance(node, Comment) else getattr(node, "value", None)
            count += isinstance(text, str) and text.startswith(CIPHERTEXT)
    return count
