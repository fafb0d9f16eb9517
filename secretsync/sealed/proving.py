"""Whether every item of a text's SealedSecrets opens; nothing is rendered, because a template has no part in that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import secretsync.sealed.items as items
from secretsync.documents.tree import Limits
from secretsync.errors import ManifestError, SecretsyncError
from secretsync.manifests.objects import identify, is_sealed_secret
from secretsync.manifests.reading import read
from secretsync.manifests.secret import decode_base64
from secretsync.sealed import diagnosis
from secretsync.sealed.resource import SealedSecret, parse
from secretsync.sealed.unsealing import judged


class TriedItems(NamedTuple):
    """How many SealedSecrets and items were tried, a sentence for each item that does not open, what cannot be read."""

    secrets: int
    items: int
    unopened: list[str]
    unread: list[SecretsyncError]

    def with_more(self, other: TriedItems) -> TriedItems:
        """Return this and another in one."""
        return TriedItems(
            self.secrets + other.secrets,
            self.items + other.items,
            self.unopened + other.unopened,
            self.unread + other.unread,
        )


def prove(data: bytes, keys: Sequence[items.OpensItems], *, limits: Limits = Limits()) -> TriedItems:
    """Try every item of every SealedSecret in a YAML or JSON text; objects of other kinds are passed over.

    Raises:
        ParseError: a document does not parse.
        ManifestError: a document is no object.
    """
    proof = TriedItems(0, 0, [], [])
    for location, obj in read(data, limits=limits):
        if not is_sealed_secret(obj):
            continue
        place = " ".join(filter(None, (location, str(identify(obj)))))
        proof = proof._replace(secrets=proof.secrets + 1)
        try:
            resource = parse(obj)
        except SecretsyncError as error:
            proof.unread.append(error.at(place))
            continue
        proof.unopened.extend(f"{place} {each}" for each in _unopened(resource, keys))
        proof = proof._replace(items=proof.items + len(resource.items) + (resource.blob is not None))
    return proof


def _unopened(resource: SealedSecret, keys: Sequence[items.OpensItems]) -> Iterator[str]:
    if resource.blob is not None:
        try:
            if items.unseal(decode_base64(resource.blob), keys, resource.label) is None:
                yield "spec.data: no key opens it under this name, namespace and scope"
        except ManifestError as error:
            yield f"spec.data: {error.message}"
    for key, why in judged(resource, keys)[1].items():
        remedy = diagnosis.other_label(resource, key, keys)
        yield f"{key}: {remedy.cause if remedy else why}"
