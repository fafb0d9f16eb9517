"""Whole texts: every document sealed or unsealed, in order, or an error and nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from secretsync.documents.tree import Limits
from secretsync.errors import ManifestError, SecretsyncError
from secretsync.manifests.objects import Object, identify, is_sealed_secret, is_secret
from secretsync.manifests.reading import read
from secretsync.sealed.items import OpensItems
from secretsync.sealed.unsealing import unseal


def seal_all(data: bytes, seal_one: Callable[[Object], Object], *, limits: Limits = Limits()) -> list[Object]:
    """Seal every object of a YAML or JSON text; `seal_one` is `sealing.seal` with its options bound.

    Raises:
        ManifestError: an object is no Secret, or not a valid one.
        ParseError: a document does not parse.
    """
    return _each(data, seal_one, is_secret, "Secret", limits)


def unseal_all(data: bytes, keys: Sequence[OpensItems], *, limits: Limits = Limits()) -> list[Object]:
    """Unseal every SealedSecret of a YAML or JSON text, Lists included.

    Raises:
        UnsealError: items of an object open with none of the keys.
        ManifestError: an object is no SealedSecret, or not a valid one.
        ParseError: a document does not parse.
    """
    return _each(data, lambda sealed: unseal(sealed, keys), is_sealed_secret, "SealedSecret", limits)


def _each(
    data: bytes, operation: Callable[[Object], Object], accepts: Callable[[object], bool], kind: str, limits: Limits
) -> list[Object]:
    results = []
    for location, obj in read(data, limits=limits):
        try:
            if not accepts(obj):
                raise ManifestError(f"{identify(obj)} of apiVersion {identify(obj).api_version!r} is not a {kind}")
            results.append(operation(obj))
        except SecretsyncError as error:
            raise (error.at(location) if location else error) from None
    return results
