"""What Helm 4 adds to a stream goes before the MAC is verified, comes back afterwards, and touches nothing else."""

from __future__ import annotations

import pytest
import yaml

from secretsync.documents.tree import Limits
from secretsync.errors import MacMismatchError, ManifestError
from secretsync.hooks.helm.stream import MARK, REMEDY, named, put_back, taken_off
from secretsync.rendering import Mode
from tests.unit.render.workshop import CONFIG, SECRET, encrypted

MARKED_CONFIG = CONFIG.replace("namespace: prod}", f"namespace: prod, annotations: {{{MARK}: 'c/templates/cm.yaml'}}}}")


def marked(text: str, template: str, *more: str) -> str:
    """Return a block manifest as Helm 4 hands it over."""
    lines = "".join(f"    {line}\n" for line in (*more, f"{MARK}: '{template}'"))
    return text.replace("metadata:\n", f"metadata:\n  annotations:\n{lines}", 1)


ENCRYPTED = encrypted(SECRET).decode()


@pytest.mark.parametrize("mode", ["reveal", "seal", "redact"])
def test_a_document_that_stays_as_it_is_keeps_every_byte(mode: Mode) -> None:
    data = (MARKED_CONFIG + "---\n" + MARKED_CONFIG.replace("\n", "\r\n")).encode()
    assert taken_off(data, mode, Limits()) == (data, {})


def test_an_encrypted_document_is_as_its_author_wrote_it() -> None:
    data = MARKED_CONFIG + "---\n" + marked(ENCRYPTED, "c/templates/db.yaml")
    bare, kept = taken_off(data.encode(), "reveal", Limits())
    assert bare.decode() == MARKED_CONFIG + "---\n" + ENCRYPTED
    assert kept == {1: "c/templates/db.yaml"}


def test_the_annotations_of_the_author_stay() -> None:
    data = marked(ENCRYPTED, "c/templates/db.yaml", "example.org/a: b")
    bare, _ = taken_off(data.encode(), "reveal", Limits())
    assert yaml.safe_load(bare)["metadata"]["annotations"] == {"example.org/a": "b"}


def test_the_mark_comes_back_where_it_was() -> None:
    data = marked(ENCRYPTED, "c/templates/db.yaml").encode()
    bare, kept = taken_off(data, "reveal", Limits())
    assert yaml.safe_load(put_back(bare, kept)) == yaml.safe_load(data)


def test_a_plain_secret_is_touched_only_where_it_becomes_another_object() -> None:
    data = marked(SECRET, "c/templates/db.yaml").encode()
    assert taken_off(data, "reveal", Limits()) == (data, {})
    assert taken_off(data, "seal", Limits())[0].decode() == SECRET


def test_a_document_without_metadata_gets_the_mark_too() -> None:
    assert yaml.safe_load(put_back(b"kind: A\n", {0: "x"}))["metadata"] == {"annotations": {MARK: "x"}}


def test_a_document_that_is_missing_afterwards_is_an_error() -> None:
    with pytest.raises(ManifestError):
        put_back(b"kind: A\n", {1: "x"})


@pytest.mark.parametrize(
    ("stream", "place", "expected"),
    [
        (
            f"---\n# Source: c/a.yaml\n{CONFIG}---\n# Source: c/b.yaml\n{CONFIG}",
            "stdin#2 a.b",
            "stdin#2 (c/b.yaml) a.b",
        ),
        (f"# Source: c/a.yaml\n{CONFIG}", "stdin", "stdin (c/a.yaml)"),
        (f"{CONFIG}---\n{MARKED_CONFIG}", "stdin#2", "stdin#2 (c/templates/cm.yaml)"),
        (CONFIG, "stdin", "stdin"),
        ("a: [", "stdin line 1", "stdin line 1"),
        (CONFIG, "stdin#7", "stdin#7"),
    ],
    ids=["helm 3", "one", "helm 4", "unknown", "no yaml", "no document"],
)
def test_an_error_names_the_template(stream: str, place: str, expected: str) -> None:
    assert named(ManifestError("x", location=place), stream.encode(), Limits()).location == expected


def test_a_broken_mac_says_what_helps() -> None:
    assert named(MacMismatchError("x", location="stdin"), b"a: b\n", Limits()).hint == REMEDY
