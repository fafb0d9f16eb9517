"""A number that would come back as another text: `set` refuses it, `encrypt` warns of it, and no value is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from secretsync import errors
from tests.cli.conftest import Invoke
from tests.cli.test_bad_input import assert_refused


@pytest.mark.parametrize("value", ["4.20", "12345678901234567890", "1e3", '{"a": {"b": 4.20}}', '{"a": [7, 4.20]}'])
def test_set_refuses_a_number_that_would_change(invoke: Invoke, encrypted: Path, value: str) -> None:
    before = encrypted.read_bytes()
    outcome = invoke("set", encrypted, '["stringData"]["zip"]', value)
    assert_refused(outcome, errors.ValueFormatError, place="", sops_codes=True)
    assert "quote it" in outcome.err
    assert "4.2" not in outcome.err
    assert encrypted.read_bytes() == before


@pytest.mark.parametrize("value", ["42", "-42", "4.2", "true", "null", '"4.20"', '{"a": [7, "01"]}', " 7", '"! x"'])
def test_set_takes_what_stays(invoke: Invoke, encrypted: Path, value: str) -> None:
    assert invoke("set", encrypted, '["stringData"]["zip"]', value).code == 0


def test_encrypt_warns_by_place_and_encrypts(invoke: Invoke, folder: Path, recipient: str) -> None:
    (folder / "a.yaml").write_text(
        "zip: 01234\nlist: [4.20, 7]\nbig: 7\n---\nv: !vault hidden\nplain: &x 5\nsame: *x\n"
    )
    outcome = invoke("encrypt", "--age", recipient, "a.yaml")
    assert outcome.code == 0
    assert outcome.err.count("warning") == 3
    assert all(place in outcome.err for place in ("#1 zip", "#1 list[0]", "#2 v"))
    assert not any(value in outcome.err for value in ("01234", "4.20", "hidden"))


@pytest.mark.parametrize(
    ("name", "text"), [("a.env", "A=!x y\nB=01\n"), ("a.ini", "[s]\na = !x\nb = 4.20\n"), ("a.bin", "!x 4.20")]
)
def test_formats_of_text_alone_lose_nothing(invoke: Invoke, folder: Path, recipient: str, name: str, text: str) -> None:
    (folder / name).write_text(text)
    assert "warning" not in invoke("encrypt", "--age", recipient, name).err


def test_what_stays_in_the_clear_keeps_its_text(invoke: Invoke, folder: Path, recipient: str) -> None:
    (folder / "a.yaml").write_text("version: 4.20\ndata: x\n")
    outcome = invoke("encrypt", "--age", recipient, "--encrypted-regex", "^data$", "a.yaml")
    assert "warning" not in outcome.err
    assert b"version: 4.20\n" in outcome.out
