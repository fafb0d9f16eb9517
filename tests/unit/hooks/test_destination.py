"""The namespace of an Application fills what a Secret leaves out, and nothing else a tenant can set does."""

from __future__ import annotations

import pytest

from secretsync.hooks.argv import parse
from secretsync.hooks.render_command import TABLE, request


@pytest.mark.parametrize(
    ("arguments", "environ", "expected"),
    [
        ([], {}, None),
        ([], {"ARGOCD_APP_NAMESPACE": "prod"}, "prod"),
        ([], {"ARGOCD_APP_NAMESPACE": ""}, None),
        (["-n", "mine"], {"ARGOCD_APP_NAMESPACE": "prod"}, "mine"),
        ([], {"ARGOCD_ENV_ARGOCD_APP_NAMESPACE": "other", "PARAM_NAMESPACE": "other"}, None),
    ],
    ids=["nothing", "argo cd", "no destination", "command line", "tenant"],
)
def test_the_namespace_of_a_request(arguments: list[str], environ: dict[str, str], expected: str | None) -> None:
    assert request(parse([*arguments, "."], TABLE), environ).namespace == expected
