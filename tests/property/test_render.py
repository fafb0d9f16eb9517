"""Rendering whatever Hypothesis writes: bytes outside of secrets stay, secrets come back, nothing shows."""

from __future__ import annotations

import string

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.render.workshop import encrypted, rendered, stream

NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=8)
PADDING = st.sampled_from(["", " ", "   ", "\t"])
BREAKS = st.sampled_from(["\n", "\r\n"])
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n\t"), max_size=40)
LEAVES = st.one_of(TEXTS, st.integers(-(2**63), 2**63 - 1), st.booleans(), st.none())
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))


@st.composite
def plain_documents(draw: st.DrawFn) -> str:
    """Draw the text of a document without secrets, oddly spaced and commented."""
    newline, padding = draw(BREAKS), draw(PADDING)
    keys = draw(st.lists(NAMES.filter(lambda name: name not in {"y", "n", "sops", "kind"}), max_size=4, unique=True))
    lines = [f"kind:{padding or ' '}ConfigMap{padding} # {draw(NAMES)}", *(f"{key}: {{x:  '{key}'}}" for key in keys)]
    if draw(st.booleans()):
        lines.insert(draw(st.integers(0, len(lines))), f"# {draw(NAMES)}")
    return newline.join(lines) + newline


@given(st.lists(plain_documents(), min_size=1, max_size=4))
def test_documents_without_secrets_keep_every_byte(documents: list[str]) -> None:
    text = "---\n".join(documents)
    for mode in ("reveal", "seal", "redact"):
        assert stream(text, mode=mode) == text


@given(plain_documents(), st.dictionaries(NAMES, TEXTS.filter(bool), min_size=1, max_size=4), plain_documents())
@settings(max_examples=30)
def test_a_secret_comes_back_between_untouched_neighbours(before: str, values: dict[str, str], after: str) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "stringData": values}
    text = yaml.safe_dump(secret, allow_unicode=True, sort_keys=False)
    result = stream(f"{before}---\n{encrypted(text).decode()}---\n{after}")
    assert result.startswith(f"{before}---\n")
    assert result.endswith(f"---\n{after}")
    revealed = result[len(before) + 4 : len(result) - len(after) - 4]
    assert yaml.safe_load(revealed) == secret


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=4))
@settings(max_examples=30)
def test_redaction_keeps_the_shape(values: dict[str, object]) -> None:
    text = yaml.safe_dump({"kind": "Settings", "spec": values}, allow_unicode=True)
    shown = yaml.safe_load(stream(encrypted(text, "^spec$") if _has_value(values) else text.encode(), mode="redact"))
    assert _shape(shown["spec"]) == _shape(values)


@given(st.dictionaries(NAMES, TEXTS.filter(lambda text: len(text) > 3), min_size=1, max_size=4))
@settings(max_examples=20)
def test_rendering_twice_gives_the_same_bytes(values: dict[str, str]) -> None:
    data = encrypted(yaml.safe_dump({"kind": "Secret", "stringData": values}))
    for mode in ("reveal", "redact"):
        assert rendered(data, mode=mode).stream() == rendered(data, mode=mode).stream()


def _has_value(node: object) -> bool:
    if isinstance(node, dict | list):
        return any(_has_value(item) for item in (node.values() if isinstance(node, dict) else node))
    return node is not None and node != ""


def _shape(node: object) -> object:
    if isinstance(node, dict):
        return {key: _shape(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_shape(item) for item in node]
    return None if node is None else ""
