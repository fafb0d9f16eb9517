"""What every format of rendered text keeps: one class of tests, run by those of the table and by a toy."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from secretsync.errors import PolicyError, SecretsyncError
from secretsync.hooks import Call, render_command
from secretsync.rendering import FORMATS, Input
from secretsync.rendering.formats import Format, format_of
from secretsync.rendering.options import Outputs
from secretsync.rendering.output import write_folder
from tests.toys import format as toy
from tests.unit.render.workshop import CANARY, ENVIRON, SECRET, certificate, encrypted, rendered, stream

APP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app", "namespace": "prod"}, "data": {"a": "b"}}
MANIFEST = SECRET.replace("hunter2", CANARY)


class FormatContract:
    """Run by a subclass for each format: its name, and an object in it, with spaces that nobody would write."""

    name: str
    text: bytes
    reads_several = True

    def named(self, stem: str, data: bytes) -> Input:
        """Return contents whose name tells this format."""
        name = stem + FORMATS[self.format].suffixes[0]
        return Input(name, name, content=data)

    @property
    def format(self) -> Format:
        """The name as the table has it; a toy's is not known to the type."""
        return cast("Format", self.name)

    def objects(self, *contents: bytes | str | Input, **options: Any) -> list[Any]:
        """Return what a stream of YAML holds, in which all is JSON to a reader of YAML."""
        return [each for each in yaml.safe_load_all(stream(*contents, **options)) if each is not None]

    def test_the_suffixes_of_its_files_lead_to_it(self) -> None:
        assert {format_of(f"a{suffix}") for suffix in FORMATS[self.format].suffixes} == {self.name}

    @pytest.mark.parametrize("mode", ["reveal", "redact"])
    def test_passthrough_is_byte_identical(self, mode: str) -> None:
        result = rendered(self.named("a", self.text), mode=mode)
        assert [piece.format for piece in result.pieces] == [self.name]
        assert result.stream() == self.text

    def test_what_it_writes_it_reads(self) -> None:
        written = stream(encrypted(MANIFEST), output=self.name)
        assert CANARY in written
        assert stream(self.named("a", written.encode()), outputs=Outputs(frozenset({"Secret"}))) == written

    def test_what_kubernetes_would_read_is_judged(self, tmp_path: Path) -> None:
        cert = certificate(tmp_path)
        written = stream(encrypted(MANIFEST), self.named("a", self.text), mode="seal", cert_file=cert, output=self.name)
        assert "SealedSecret" in written
        assert CANARY not in written
        with pytest.raises(PolicyError):
            rendered(self.named("a", self.text), output=self.name, outputs=Outputs(frozenset({"Secret"})))

    def test_beside_a_file_of_yaml_it_is_yaml(self) -> None:
        for mode in ("reveal", "redact"):
            assert self.objects("kind: A\n", self.named("b", self.text), "kind: C", mode=mode) == [
                {"kind": "A"}, APP, {"kind": "C"},
            ]  # fmt: skip

    def test_files_of_it_follow_one_another(self) -> None:
        joined = stream(self.named("a", self.text), self.named("b", self.text), mode="redact")
        assert joined.count("ConfigMap") == 2
        if self.reads_several:
            assert stream(self.named("c", joined.encode())) == joined

    def test_a_file_that_is_written_in_it_has_its_suffix(self, tmp_path: Path) -> None:
        write_folder(str(tmp_path / "out"), rendered(encrypted(MANIFEST), output=self.name), private=True)
        (file,) = (tmp_path / "out").iterdir()
        assert file.suffix in FORMATS[self.format].suffixes

    def test_a_hook_takes_its_name(self, tmp_path: Path) -> None:
        path = tmp_path / "db.enc.yaml"
        path.write_bytes(encrypted(MANIFEST))
        written = render_command.run(Call(["-o", self.name, str(path)], ENVIRON))
        assert written.decode() == stream(encrypted(MANIFEST), output=self.name)

    @pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\x00", b"{", b"[1", b'"', b": :", b"{}x"])
    def test_foreign_bytes_are_read_or_refused_in_words(self, data: bytes) -> None:
        with suppress(SecretsyncError):
            rendered(self.named("a", data), allow_empty=True)


class TestYaml(FormatContract):
    name, text = "yaml", yaml.safe_dump(APP).replace(": ", ":   ").encode()


class TestJson(FormatContract):
    name, text, reads_several = "json", json.dumps(APP).replace(": ", ":   ").encode() + b"\n", False


class TestToy(FormatContract):
    """A format that no module knows: one row of the table makes it one."""

    name, text = toy.NAME, json.dumps(APP).replace(": ", ":   ").encode() + b"\n"

    @pytest.fixture(autouse=True)
    def registered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Give the table its row."""
        monkeypatch.setitem(FORMATS, cast("Format", toy.NAME), toy.ENTRY)


def test_every_format_of_the_table_runs_the_contract() -> None:
    assert {each.name for each in FormatContract.__subclasses__()} >= FORMATS.keys()
