"""The table of stores."""

from __future__ import annotations

import subprocess
import sys

import pytest

from secretsync.documents.stores import STORES, store_for_path, store_named
from secretsync.documents.tree import Entry, Limits, Mapping, Node, Scalar
from secretsync.errors import ConfigError


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("a.yaml", "yaml"), ("dir.json/a.yml", "yaml"), ("a.json", "json"), (".env", "dotenv"), ("x/prod.env", "dotenv"), ("a.ini", "ini"),
        ("a.YAML", "binary"), (".env.prod", "binary"), ("a.enc.yaml", "yaml"), ("a.yaml.enc", "binary"), ("yaml", "binary"), ("a.yaml/b", "binary"), ("", "binary"),
    ],
)  # fmt: skip
def test_the_store_follows_the_suffix_as_in_sops(path: str, name: str) -> None:
    assert store_for_path(path) == name


@pytest.mark.parametrize("name", STORES)
def test_every_store_fulfils_the_protocol(name: str) -> None:
    store = store_named(name)
    assert name == store.NAME
    source = store.load(b"{}" if name == "json" else b"", limits=Limits())
    assert source.store == name
    assert isinstance(store.rewrite(source, source.documents), bytes)


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        store_named("toml")
    assert "yaml" in str(caught.value.hint)


def test_a_store_loads_no_other() -> None:
    code = "import sys; from secretsync.documents.stores import store_named; store_named('yaml'); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {
        name
        for name in loaded
        if name.startswith("secretsync.documents.")
        and name.rpartition(".")[2].startswith(("ini", "json", "dotenv", "binary"))
    }


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (Scalar("x"), b"x"),
        (Scalar(b"\xff"), b"\xff"),
        (Scalar(1), b"1\n"),
        (Mapping([Entry(Scalar("a"), Scalar(None))]), b"a: null\n"),
    ],
)
def test_yaml_extracts_strings_bare_and_the_rest_as_lines(node: Node, text: bytes) -> None:
    assert store_named("yaml").emit_value(node) == text


def test_yaml_reserves_the_key_sops() -> None:
    yaml = store_named("yaml")
    assert yaml.is_reserved(yaml.load(b"sops: 1\n").documents[0])
    assert not yaml.is_reserved(yaml.load(b"a: 1\n").documents[0])


def test_a_small_text_may_hold_fewer_nodes_than_a_large_one() -> None:
    limits = Limits()
    assert [limits.for_text(size).nodes for size in (0, 1_000_000, 9_000_000, limits.size)] == [
        100_000,
        200_000,
        1_000_000,
        1_000_000,
    ]
    assert limits._replace(nodes=10, documents=1).for_text(0) == limits._replace(nodes=10, documents=1)
    assert [limits.for_text(size).documents for size in (0, 1_000_000, 2_250_000)] == [1_000, 5_000, 10_000]
