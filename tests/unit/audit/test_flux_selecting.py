"""Targets of patches: patterns for what an object is called, selectors for its labels and annotations."""

from __future__ import annotations

import pytest

from secretsync.audit.flux.selecting import is_selected
from secretsync.errors import ConfigError

OBJECT: dict[str, object] = {
    "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
    "kind": "Kustomization",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"team": "a", "odd": 1}, "annotations": {"x": "y"}},
}
BORN = {"name": "old", "namespace": ""}


@pytest.mark.parametrize(
    ("target", "selected"),
    [
        ({}, True),
        ({"kind": "Kustomization"}, True),
        ({"kind": "Kustom"}, False),
        ({"kind": "Kustom.*"}, True),
        ({"group": "kustomize.toolkit.fluxcd.io"}, True),
        ({"group": "kustomize.toolkit.fluxcd.io", "version": "v1beta2"}, False),
        ({"version": "v1"}, True),
        ({"name": "we"}, False),
        ({"name": "we."}, True),
        ({"name": "old"}, True),
        ({"name": "web|other"}, True),
        ({"namespace": "shop"}, True),
        ({"namespace": "other"}, False),
        ({"labelSelector": "team=a"}, True),
        ({"labelSelector": "team==a, team!=b"}, True),
        ({"labelSelector": "team!=a"}, False),
        ({"labelSelector": "team in (a, b)"}, True),
        ({"labelSelector": "team in (b,c)"}, False),
        ({"labelSelector": "team notin (b),other notin (true)"}, True),
        ({"labelSelector": "team notin (a)"}, False),
        ({"labelSelector": "team"}, True),
        ({"labelSelector": "!team"}, False),
        ({"labelSelector": "!other"}, True),
        ({"labelSelector": "odd=1"}, False),
        ({"annotationSelector": "x=y"}, True),
        ({"annotationSelector": "x=z"}, False),
    ],
)
def test_a_target_selects_what_kustomize_selects(target: dict[str, object], selected: bool) -> None:
    assert is_selected(target, OBJECT, BORN) is selected


@pytest.mark.parametrize("target", [{"name": "("}, {"labelSelector": "a between (b)"}, {"labelSelector": "a in (b"}])
def test_a_target_that_cannot_be_read_is_an_error(target: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        is_selected(target, OBJECT, BORN)
