"""Repositories for Flux, drawn by a number: an entry, a child, and a Secret of some form under names that may change."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final

import yaml

from tests.proofs.flux_layouts import (
    ADD,
    ALL,
    CIRCLED,
    ENTRY,
    MERGE,
    Files,
    Maker,
    as_data,
    built,
    by_comment,
    dump,
    several,
    whole,
)

PASSWORDS: Final = (
    *(
        "hunter2-value",
        "a$$b",
        "${env}",
        "${x}",
        "${y:=dflt}",
        "$${HOME}",
        "p$word$",
        "${env",
        "a$$$b",
        "$$",
        "${env:-x}-$1",
    ),
    *("${env^^}", "${#env}", "${env:1:2}", "${x:-${env}}", "x${bad var}y", "${env/p/b}", "${env//o/0}", "$$${env}"),
)
_SECRET: Final = "apiVersion: v1\nkind: Secret\nmetadata: {name: any}\n"
_MERGED: Final = yaml.safe_dump(MERGE)
_ADDED: Final = yaml.safe_dump(ADD)
_REMOVED: Final = yaml.safe_dump([{"op": "remove", "path": "/spec/decryption"}])
_PATCHES: Final[tuple[list[dict[str, Any]], ...]] = (
    [],
    [],
    [{"patch": _MERGED, "target": ALL}],
    [{"patch": _ADDED, "target": {**ALL, "name": "we.*"}}],
    [{"patch": _ADDED, "target": {**ALL, "name": "other"}}],
    [{"patch": _MERGED, "target": CIRCLED}],
    [{"patch": _MERGED, "target": {**ALL, "labelSelector": "team in (a, b), !gone"}}],
    [{"patch": _REMOVED, "target": ALL}],
    [{"patch": _ADDED, "target": ALL}, {"patch": _REMOVED, "target": {**ALL, "labelSelector": "team=a"}}],
)


def drawn(number: int, maker: Maker) -> Files:
    """Return the repository of a number."""
    draw = random.Random(number)
    child = maker.sync("web", draw.choice(["./web", "./${where}"]), decrypts=draw.random() < 0.7, **_spec(draw, maker))
    child["metadata"]["labels"] = draw.choice([{}, {"plain": "true"}, {"team": "a"}, {"team": "c"}])
    parent = {"postBuild": {"substitute": {"where": "web"}}} if draw.random() < 0.8 else {}
    patches, beside = draw.choice(_PATCHES), draw.random() < 0.5
    spec: dict[str, Any] = {**parent, **({} if beside or not patches else {"patches": patches})}
    files = {
        ENTRY: dump(maker.sync("apps", "./apps", decrypts=False, **spec)),
        "apps/web.yaml": dump(child),
        "web/s.yaml": _secret(draw, maker),
    }
    if beside:
        files["apps/kustomization.yaml"] = built(resources=["web.yaml"], patches=patches)
    if own := _names(draw, maker):
        files["web/kustomization.yaml"] = built(resources=["s.yaml"], **own)
    return files


def _spec(draw: random.Random, maker: Maker) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if draw.random() < 0.6:
        # The child's own expressions are its parent's first: `$${…}` is what is left for the child.
        found["postBuild"] = draw.choice([{"substitute": {"env": "prod"}}, {}, {"substituteStrategy": "Always"}])
    if draw.random() < 0.25:
        found["targetNamespace"] = maker.namespace
    if draw.random() < 0.15:
        found["namePrefix"] = "p-"
    if draw.random() < 0.15:
        found["nameSuffix"] = "-s"
    return found


def _names(draw: random.Random, maker: Maker) -> dict[str, Any]:
    return draw.choice(
        [
            *({}, {}, {"namespace": maker.namespace}, {"namePrefix": "a-"}, {"nameSuffix": "-b"}),
            *({"commonLabels": {"a": "b"}}, {"commonAnnotations": {"a": "b"}}),
            {"patches": [{"patch": f"{_SECRET}stringData: {{user: x}}", "target": {"kind": "Secret"}}]},
            {
                "patches": [
                    {"patch": "kind: Secret\nmetadata: {name: any, labels: {a: b}}", "target": {"kind": "Secret"}}
                ]
            },
            {"patches": [{"patch": "stringData: {user: x}", "target": {"kind": "Secret"}}]},
            {"patches": [{"patch": f"{_SECRET}$patch: delete", "target": {"kind": "Secret", "name": "two"}}]},
        ]
    )


def _secret(draw: random.Random, maker: Maker) -> bytes:
    password = draw.choice(PASSWORDS)
    annotations = draw.choice(
        [
            *(None, None, None),
            {"kustomize.toolkit.fluxcd.io/decrypt": "disabled"},
            {"kustomize.toolkit.fluxcd.io/substitute": "disabled"},
        ]
    )
    metadata: dict[str, Any] = {"annotations": annotations} if annotations else {}
    if draw.random() < 0.1:
        metadata["namespace"] = None
    secret = maker.secret(password=password, **metadata)
    forms: list[Callable[[], bytes]] = [
        *([lambda: maker.values(secret)] * 4),
        lambda: maker.encrypt(dump(secret), "yaml", "", ""),
        lambda: whole(maker),
        lambda: as_data(maker),
        lambda: several(maker),
        lambda: dump(secret),
        lambda: by_comment("encrypted_comment_regex", lambda _: secret, "hide")(maker),
        lambda: maker.values(maker.settings(password=password)),
    ]
    return draw.choice(forms)()
