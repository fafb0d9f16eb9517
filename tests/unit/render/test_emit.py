"""Several files in one stream, and documents in another format."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from secretsync.rendering import Input
from tests.unit.render.workshop import CONFIG, SECRET, encrypted, stream

JSON = '{"kind": "ConfigMap",   "data": {"a": 1}}'


def named(name: str, text: str) -> Input:
    return Input(name, name, content=text.encode())


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (["a: 1", "b: 2"], "a: 1\n---\nb: 2\n"),
        (["a: 1\n", "---\nb: 2\n"], "a: 1\n---\nb: 2\n"),
        (["a: 1\n", "# c\n\n--- # d\nb: 2\n"], "a: 1\n# c\n\n--- # d\nb: 2\n"),
        (["a: 1\n---\n", "b: 2\n"], "a: 1\n---\nb: 2\n"),
        (["a: 1\r\n---\r\n# x\r\n", "b: 2\r\n"], "a: 1\r\n---\r\n# x\r\nb: 2\r\n"),
        (["a: 1\n...\n", "b: 2\n"], "a: 1\n...\n---\nb: 2\n"),
        (["a: 1\n", "%YAML 1.1\n---\nb: 2\n"], "a: 1\n...\n%YAML 1.1\n---\nb: 2\n"),
        (["a: 1\n", "\ufeffb: 2\n"], "a: 1\n---\nb: 2\n"),
        (["a: 1\n", "# only\n", "b: 2\n"], "a: 1\n---\n# only\n---\nb: 2\n"),
        (["a: |\n  x", "b: 2\n"], "a: |-\n  x\n---\nb: 2\n"),
        (["a: ---\n", "b: 2\n"], "a: ---\n---\nb: 2\n"),
    ],
)
def test_markers_and_final_newlines_are_added_only_where_missing(parts: list[str], expected: str) -> None:
    result = stream(*parts)
    assert result == expected
    single = [document for part in parts for document in yaml.safe_load_all(part.removeprefix("\ufeff")) if document]
    assert [document for document in yaml.safe_load_all(result) if document] == single


def test_a_utf_16_file_is_transcoded_where_it_is_joined() -> None:
    assert stream("a: 1\n", "b: ü\n".encode("utf-16")) == "a: 1\n---\nb: ü\n"


def test_a_hostile_run_of_line_breaks_is_quick() -> None:
    assert stream("a: 1\n" + "#\r\n" * 20_000, "\r\n" * 20_000 + "b: 1\n", "#" * 50_000 + "\nc: 1\n").count("---") == 2


def test_json_files_follow_one_another() -> None:
    assert stream(named("a.json", JSON), named("b.json", JSON)) == f"{JSON}\n{JSON}\n"


def test_a_json_file_among_yaml_files_is_a_document_of_its_own() -> None:
    documents = list(yaml.safe_load_all(stream(CONFIG, named("a.json", JSON), CONFIG)))
    assert [document["kind"] for document in documents] == ["ConfigMap"] * 3


def test_a_json_file_with_escapes_that_yaml_has_not_is_written_as_yaml_among_others() -> None:
    text = '{\n\t"kind": "ConfigMap",\n\t"data": {"a": "\\ud83d\\ude00 \\/"}\n}\n'
    assert stream(named("a.json", text)) == text
    documents = list(yaml.safe_load_all(stream(CONFIG, named("a.json", text))))
    assert documents[1] == {"kind": "ConfigMap", "data": {"a": "\U0001f600 /"}}
    plain = text.replace("\\ud83d\\ude00 \\/", "b")
    assert stream(CONFIG, named("a.json", plain)) == f"{CONFIG}---\n{plain}"


def test_output_json_converts_every_document() -> None:
    text = stream(encrypted(SECRET).decode() + "---\n---\n" + CONFIG, named("a.json", JSON), output="json")
    decoder, kinds = json.JSONDecoder(), []
    while text.strip():
        document, end = decoder.raw_decode(text.lstrip())
        kinds.append(document["kind"])
        text = text.lstrip()[end:]
    assert kinds == ["Secret", "ConfigMap", "ConfigMap"]


def test_output_yaml_converts_json_and_keeps_yaml() -> None:
    result = stream(CONFIG, named("a.json", JSON), output="yaml")
    assert result.startswith(CONFIG)
    assert "{" not in result.removeprefix(CONFIG)


def test_sealed_secrets_keep_the_format_of_their_file(tmp_path: Path) -> None:
    text = json.dumps(yaml.safe_load(SECRET))
    assert json.loads(stream(named("a.json", text), mode="redact"))["stringData"]["user"] == "***"
