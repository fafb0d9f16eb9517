"""How files cross between sops and us: encrypting and decrypting them here, and comparing what both read."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from secretsync import sops
from secretsync.documents.stores import store_named
from secretsync.masterkeys import MasterKeys
from secretsync.sops.selectors import Selector

if TYPE_CHECKING:
    from secretsync.documents.tree import Mapping
    from tests.peers.sops import Sops

SELECTORS: Final = (
    ("unencrypted_suffix", "_unencrypted"),
    ("encrypted_suffix", "e"),
    ("encrypted_regex", "^(a|data|single)$"),
    ("unencrypted_regex", "[nk]"),
)
UNDECRYPTED: Final = "(a comment that sops wrote, and then did not decrypt)"
NOW: Final = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Choice(NamedTuple):
    """What is encrypted and what the MAC covers."""

    selector: tuple[str, str]
    mac_only: bool

    @property
    def flags(self) -> list[str]:
        """The same as flags of sops."""
        kind, pattern = self.selector
        return [f"--{kind.replace('_', '-')}", pattern, *["--mac-only-encrypted"][: self.mac_only]]


def encrypted(plain: str | bytes, store: str, choice: Choice, peer: Sops) -> bytes:
    """Return a plain text or file encrypted by us for the identity of `peer`."""
    return sops.encrypt(
        store_named(store).load(plain.encode() if isinstance(plain, str) else plain),
        groups=[[("age", peer.recipient)]],
        keys=MasterKeys(peer.environ),
        now=NOW,
        selector=Selector(*choice.selector),
        mac_only=choice.mac_only,
        allow_plaintext=True,
    )


def decrypted(encrypted: bytes, store: str, peer: Sops) -> list[Mapping]:
    """Return the documents of a file that we decrypt with the identity of `peer`."""
    return sops.decrypt(store_named(store).load(encrypted, encrypted=True), MasterKeys(peer.environ)).documents


def values(tree: Any) -> Any:
    """Return a shown tree without its comments."""
    match tree:
        case {"items": items}:
            return [tree["type"], [values(item) for item in items if not _is_comment(item)]]
        case {"documents": documents}:
            return [values(document) for document in documents]
        case [key, value]:
            return [values(key), values(value)]
    return tree


def comments(tree: Any) -> Counter[str]:
    """Return the texts of a shown tree's comments and how often each occurs; ciphertext counts as `UNDECRYPTED`."""
    found: Counter[str] = Counter()
    if _is_comment(tree):
        text = tree["text"].strip()
        found[UNDECRYPTED if text.startswith("ENC[AES256_GCM,") else text] += 1
        return found
    inner = tree.get("items") or tree.get("documents") or [] if isinstance(tree, dict) else tree
    for item in inner if isinstance(inner, list) else []:
        found += comments(item)
    return found


def _is_comment(item: Any) -> bool:
    """Whether an item is a comment; an encrypted one is a string in a sequence."""
    return isinstance(item, dict) and (item.get("type") == "comment" or item.get("text", "").endswith(",type:comment]"))


def expected(plain: Any, encrypted: Any) -> Any:
    """Return the values of `plain`; a clear leaf as `encrypted` has it, because sops writes the float 3 as 3."""
    if isinstance(plain, list):
        return [expected(*pair) for pair in zip(plain, encrypted, strict=False)]  # `encrypted` has one more: sops
    is_ciphertext = isinstance(encrypted, dict) and encrypted["text"].startswith("ENC[AES256_GCM,")
    return plain if is_ciphertext else encrypted
