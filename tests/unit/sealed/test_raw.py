"""Single items: sealed bytes and all, for a place that the scope asks for."""

from __future__ import annotations

import pytest

from secretsync.errors import ConfigError, ManifestError
from secretsync.manifests.secret import decode_base64
from secretsync.sealed import Sealer, items
from secretsync.sealed.raw import seal_raw
from tests.unit.sealed.keys import certificate, private_keys

SEALER = Sealer(certificate())


@pytest.mark.parametrize(
    ("options", "label"),
    [
        ({"scope": "strict", "namespace": "prod", "name": "db"}, b"prod/db"),
        ({"scope": "namespace-wide", "namespace": "prod"}, b"prod"),
        ({"scope": "cluster-wide"}, b""),
    ],
)
def test_a_raw_item_opens_under_the_label_of_its_scope(options: dict[str, str], label: bytes) -> None:
    item = decode_base64(seal_raw(b"line\n\x00", SEALER, **options))
    assert items.unseal(item, private_keys(), label) == b"line\n\x00"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({}, ManifestError),
        ({"namespace": "prod"}, ManifestError),
        ({"scope": "namespace-wide"}, ManifestError),
        ({"namespace": "prod", "name": "a/b"}, ManifestError),
        ({"namespace": "Prod", "name": "a"}, ManifestError),
        ({"scope": "cluster-wide", "key": "a b"}, ManifestError),
        ({"scope": "global"}, ConfigError),
    ],
)
def test_a_missing_or_illegal_place_is_refused(options: dict[str, str], error: type[Exception]) -> None:
    with pytest.raises(error):
        seal_raw(b"", SEALER, **options)
