"""Every YAML file of the sops vectors loads or is refused as sops has it, and says what sops says."""

from __future__ import annotations

import json

import pytest

from secretsync.documents.plain import to_plain
from secretsync.documents.yaml.loading import load
from secretsync.errors import FormatError
from tests.vectors.sops_vectors import FOLDER, Vector, vectors

YAML = [vector for vector in vectors() if any(vector.folder.glob("*.y*ml"))]


def _int(text: str) -> int | float:
    """Read a JSON number as sops does that has it from a float: beyond 64 bits it is one."""
    return int(text) if -(2**63) <= int(text) < 2**64 - 1 else float(text)


@pytest.mark.parametrize("vector", [v for v in YAML if (v.folder / "tree.json").exists()], ids=lambda v: v.path)
def test_a_decrypted_file_is_the_tree_that_sops_shows(vector: Vector) -> None:
    decrypted = vector.file("decrypted")
    if decrypted is None or decrypted.suffix not in (".yaml", ".yml"):
        pytest.skip("it decrypts to another format")
    shown = json.loads((vector.folder / "tree.json").read_bytes(), parse_int=_int)
    assert to_plain(load(decrypted.read_bytes()).documents[0]) == shown


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*/*/encrypted.yaml")), ids=lambda path: path.parent.name)
def test_an_encrypted_file_loads(path: object) -> None:
    vector = next(vector for vector in YAML if vector.folder / "encrypted.yaml" == path)
    if vector.path in ("failures/sops-twice", "structure/quoted-merge-key-scalar"):
        with pytest.raises(FormatError):
            load(vector.read("encrypted"))
    else:
        assert load(vector.read("encrypted")).documents


@pytest.mark.parametrize(
    "vector",
    [v for v in YAML if v.facts["stage"] == "encrypt" and v.facts["class"] == "format" and v.facts["store"] == "yaml"],
    ids=lambda v: v.path,
)
def test_what_the_parser_of_sops_refuses_is_refused(vector: Vector) -> None:
    with pytest.raises(FormatError):
        load(vector.read("plain"))
