"""Opening what the controller would decrypt, where a key is at hand: whether its MAC holds, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import cast

import secretsync.sops.datakey as datakey
from secretsync import sops
from secretsync.audit.flux.artifact import Artifact
from secretsync.documents.plain import from_plain, to_plain
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Limits, Mapping
from secretsync.errors import IntegrityError, KeyServiceError, NoIdentityMatchError, SecretsyncError
from secretsync.manifests.objects import Object
from secretsync.masterkeys import MasterKeys
from secretsync.rendering.units import open_units
from secretsync.sops import MacPolicy, metadata
from secretsync.sops.recognition import store_of


class DoesNotOpenError(Exception):
    """A key is there, and a value does not authenticate with it."""


class Opener:
    """The keys of this run, if any, and how many files they have verified."""

    def __init__(self, keys: MasterKeys | None) -> None:
        self._keys = keys
        self._verified: dict[tuple[str, str], bool] = {}

    @property
    def verified(self) -> int:
        """How many files' MACs were checked, and hold."""
        return sum(self._verified.values())

    @property
    def looked_at(self) -> int:
        """How many files were to be verified."""
        return len(self._verified)

    def verify(self, artifact: Artifact, path: str) -> None:
        """Note whether a manifest opens and its MAC holds."""
        trees = list({id(each.document): each.document for each in artifact.manifests(path)}.values())
        self._note(artifact, path, lambda keys: open_units([each for each in trees if each], keys, lambda _: "", []))

    def verify_file(self, artifact: Artifact, path: str) -> None:
        """Note whether any other SOPS file opens and its MAC holds."""
        store = store_of(path, artifact.data(path))
        if store:
            source = store_named(store).load(artifact.data(path), limits=Limits(), encrypted=True)
            self._note(artifact, path, lambda keys: sops.decrypt(source, keys))

    def pass_over(self, artifact: Artifact, path: str) -> None:
        """Note a file whose values are decrypted and not verified here."""
        self._verified[artifact.root, path] = False

    def _note(self, artifact: Artifact, path: str, opens: Callable[[MasterKeys], object]) -> None:
        name = (artifact.root, path)
        if name in self._verified:
            return
        self._verified[name] = False
        if self._keys is not None:
            with suppress(SecretsyncError):
                opens(self._keys)
                self._verified[name] = True

    def opened(self, obj: Object) -> Object | None:
        """Return an object as the controller decrypts it, its MAC not verified; None without a key.

        Raises:
            DoesNotOpenError: a value does not open under the place where it stands.
        """
        if self._keys is None:
            return None
        try:
            bare, block = metadata.split([cast("Mapping", from_plain(obj))])
            key = datakey.recover(block, self._keys)
            plain = sops.decryption.decrypt_with(bare, block, key, mac_policy=MacPolicy.IGNORE_UNSAFE).documents[0]
        except (NoIdentityMatchError, KeyServiceError):
            return None
        except (IntegrityError, SecretsyncError):
            raise DoesNotOpenError from None
        return cast("Object", to_plain(plain))

    def opened_file(self, data: bytes, store: str) -> Object | None:
        """Return what a file says once it is decrypted; None without a key, and where it does not open."""
        if self._keys is None:
            return None
        try:
            source = store_named(store).load(data, limits=Limits(), encrypted=True)
            return cast("Object", to_plain(sops.decrypt(source, self._keys).documents[0]))
        except SecretsyncError:
            return None
