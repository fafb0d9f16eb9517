"""Encrypted files for merges: made for real age keys, and changed as people change them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from secretsync import age, sops
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Limits
from secretsync.keyring.naming import FileRule
from secretsync.masterkeys import MasterKeys
from secretsync.merging.conflicts import Choices
from secretsync.merging.files import MergedFile, Texts, merge_files
from secretsync.sops import operations, recipients
from secretsync.sops.datakey import MasterKey
from secretsync.sops.open_file import OpenOptions, open_file
from secretsync.sops.selectors import Selector
from secretsync.sops.strangers import Named, RotationRequest
from tests.unit.sops.trees import NOW

LATER = NOW + timedelta(days=1)
ME, BOB, EVE = age.generate(), age.generate(), age.generate()
KEYS = MasterKeys({"HOME": "/nonexistent"}, plugins=False, extra_age_identities=(ME,))
BOBS = MasterKeys({"HOME": "/nonexistent"}, plugins=False, extra_age_identities=(BOB,))


def key(identity: object) -> MasterKey:
    """Return a recipient."""
    return MasterKey("age", str(identity))


def made(
    text: str | bytes,
    store: str = "yaml",
    *,
    groups: Sequence[Sequence[MasterKey]] = ((key(ME),),),
    selector: Selector | None = None,
    **more: object,
) -> bytes:
    """Return a plain text encrypted."""
    data = text if isinstance(text, bytes) else text.encode()
    source = store_named(store).load(data, limits=Limits.unbounded())
    return sops.encrypt(source, groups=groups, keys=KEYS, now=NOW, selector=selector, **more)  # type: ignore[arg-type]


def edited(before: bytes, text: str | bytes, store: str = "yaml") -> bytes:
    """Return an encrypted file with another text, as an editor leaves it."""
    opened = open_file(before, OpenOptions(store, KEYS))
    change = operations.edited(opened, text if isinstance(text, bytes) else text.encode(), now=LATER)
    return change.data or before


def rotated(before: bytes, store: str = "yaml") -> bytes:
    """Return a file under a new data key."""
    return operations.rotate(
        before, OpenOptions(store, KEYS), now=LATER, request=RotationRequest(keep=True), rules=()
    ).data


def given_to(before: bytes, *groups: Sequence[MasterKey], store: str = "yaml", threshold: int | None = None) -> bytes:
    """Return a file for other recipients, under its data key."""
    return recipients.update_keys(before, groups, OpenOptions(store, KEYS), now=LATER, threshold=threshold).data


def rule(
    *groups: Sequence[MasterKey], selector: Selector | None = None, threshold: int = 0, mac_only: bool = False
) -> FileRule:
    """Return the rule for a file."""
    named = Named("creation_rules[0] of .sops.yaml", groups, threshold) if groups else None
    return FileRule("creation_rules[0] of .sops.yaml", selector, named, "f", lambda _: True, mac_only=mac_only)


def merged(
    base: bytes,
    ours: bytes,
    theirs: bytes,
    *,
    store: str = "yaml",
    by: FileRule | None = None,
    choices: Choices | None = None,
    keys: MasterKeys = KEYS,
) -> MergedFile:
    """Return the merge of three encrypted texts."""
    path = {"binary": "secret.bin", "dotenv": "app.env"}.get(store, f"app.{store}")
    return merge_files(Texts(base, ours, theirs), path=path, keys=keys, rule=by, now=LATER, choices=choices)


def opened(data: bytes, store: str = "yaml", keys: MasterKeys = KEYS) -> str:
    """Return the plaintext of a file."""
    return operations.decrypted_text(open_file(data, OpenOptions(store, keys))).decode()
