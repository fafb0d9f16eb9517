"""`.secretsync.yaml` is read strictly, and its schema says the same as the reader."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import jsonschema
import pytest

import secretsync
from secretsync.audit import settings
from secretsync.documents.plain import to_plain
from secretsync.documents.yaml import loading
from secretsync.errors import ConfigError

SCHEMAS = Path(secretsync.__file__).parent / "schemas"
SCHEMA = json.loads((SCHEMAS / "configuration.json").read_text())

GOOD = [
    "{}",
    "check: {}",
    "check:",
    "hydrate: {targets: {}}",
    "check: {ignore: [test/**, '!test/keep.yaml', '*.md']}",
    "check: {ignore: }",
    "check: {rules: {plaintext-secret: off, suspect: note, clear-value: error, no-key: warning}}",
    "check: {baseline: .secretsync-baseline.json}",
    "check: {baseline: ci/known..json, ignore: [a], rules: {}}",
]
BAD = {
    "cheque: {}": "line 1 cheque: unknown field",
    "check:\n  ignored: [a]": "line 2 check.ignored: unknown field",
    "check: {ignore: a}": "check.ignore: expected a list",
    "check: {ignore: [1]}": "check.ignore: expected a list of strings",
    "check:\n  ignore:\n  - a\n  - '#b'": "line 4 check.ignore[1]: glob '#b' would be a comment",
    "check: {ignore: ['']}": "check.ignore[0]: glob '' can match nothing",
    "check: {rules: []}": "check.rules: expected a mapping",
    "check:\n  rules:\n    plain-secret: off": "line 3 check.rules.plain-secret: no rule is called 'plain-secret'",
    "check: {rules: {plaintext-secret: none}}": "check.rules.plaintext-secret: 'none' is none of error",
    "check: {rules: {plaintext-secret: }}": "check.rules.plaintext-secret: '' is none of error",
    "check: {rules: {plaintext-secret: [off]}}": "check.rules.plaintext-secret: expected a string",
    "check: {baseline: ''}": "check.baseline: names no file",
    "check: {baseline: [a]}": "check.baseline: expected a string",
    "check: {baseline: /tmp/a}": "check.baseline: expected a path from the root",
    "check: {baseline: a/../../b}": "check.baseline: expected a path from the root",
    "check: {baseline: 'a\\b'}": "check.baseline: expected a path from the root",
    "check: a": "check: expected a mapping",
    "hydrate: a": "hydrate: expected a mapping",
}


@pytest.mark.parametrize("text", GOOD)
def test_what_is_right_is_read_and_fits_the_schema(text: str) -> None:
    settings.parse(text.encode(), settings.FILE_NAME)
    jsonschema.validate(_plain(text), SCHEMA)


@pytest.mark.parametrize(("text", "message"), BAD.items())
def test_a_mistake_is_named_with_line_and_field_and_the_schema_refuses_it(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings.parse(text.encode(), settings.FILE_NAME)
    assert message in str(caught.value)
    assert f"{settings.FILE_NAME} line " in str(caught.value)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(_plain(text), SCHEMA)


@pytest.mark.parametrize("text", ["check: [", "a: 1\na: 2", "1: 2", "- a", "check: {}\n---\ncheck: {}"])
def test_what_is_no_mapping_of_fields_is_an_error(text: str) -> None:
    with pytest.raises(ConfigError, match=r"line|document"):
        settings.parse(text.encode(), settings.FILE_NAME)


def test_the_field_that_was_meant_is_named() -> None:
    with pytest.raises(ConfigError) as caught:
        settings.parse(b"check: {baselin: a}", settings.FILE_NAME)
    assert caught.value.hint == "did you mean 'baseline'?"


def test_reader_and_schema_agree_on_every_mixture() -> None:
    values = [
        "",
        "a",
        "off",
        "1",
        "true",
        "[]",
        "[a]",
        "[1]",
        "{}",
        "{a: off}",
        "{suspect: off}",
        "{suspect: no}",
        "../a",
    ]
    fields = ["ignore", "rules", "baseline", "other"]
    for (one, first), (other, second) in itertools.combinations(itertools.product(fields, values), 2):
        if one != other:
            text = f"check:\n  {one}: {first}\n  {other}: {second}\n"
            assert _reader_takes(text) == _schema_takes(text), text


def _reader_takes(text: str) -> bool:
    try:
        settings.parse(text.encode(), settings.FILE_NAME)
    except ConfigError:
        return False
    return True


VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def _schema_takes(text: str) -> bool:
    return bool(VALIDATOR.is_valid(_plain(text)))


def _plain(text: str) -> object:
    return to_plain(loading.load(text.encode()).documents[0])
