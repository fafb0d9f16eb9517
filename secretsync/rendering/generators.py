"""The configuration of a generator: which encrypted files become objects, and which Secrets and ConfigMaps are made.

KSOPS' fields under any apiVersion, or ours under `secretsync/v1`. Strict: what is not known is refused, because a
field that does nothing is a Secret that is missing, and nothing here may loosen a check.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final, NamedTuple

from secretsync.configuration import API_VERSION, Fields
from secretsync.errors import ConfigError
from secretsync.manifests.names import check_key
from secretsync.rendering.options import MODES
from secretsync.sealed.scope import SCOPES

KSOPS_KINDS: Final = frozenset({"ksops", "ksops-exec"})
KIND: Final = "SecretGenerator"
_SOURCES: Final = ("files", "binaryFiles", "envs", "literals")


class Made(NamedTuple):
    """One Secret or ConfigMap to make. `files` and `binary_files` are keys with the path of their encrypted content."""

    kind: str
    metadata: dict[str, object]
    type: str
    files: list[tuple[str, str]]
    binary_files: list[tuple[str, str]]
    envs: list[str]
    literals: list[tuple[str, str]]

    @property
    def name(self) -> str:
        """`Kind name`, for messages."""
        return f"{self.kind} {self.metadata.get('name') or ''}".strip()


class Generator(NamedTuple):
    """A whole configuration; `mode` and `scope` are empty where it does not say."""

    name: str
    files: list[str]
    made: list[Made]
    scope: str
    mode: str


def is_generator(config: Mapping[str, object]) -> bool:
    """Whether an object configures a generator, by its kind."""
    return config.get("kind") in KSOPS_KINDS or config.get("kind") == KIND


def read(config: dict[str, object], place: str = "") -> Generator:
    """Read a configuration; `place` stands in messages, which hold field names and never the configuration itself.

    Raises:
        ConfigError: a field is missing, misspelt, or not of its type.
    """
    fields = Fields(config, place or str(config.get("kind") or "generator"))
    fields.only(
        "apiVersion", "kind", "metadata", "files", "secretFrom", "configMapFrom", "mode", "scope", "fail-silently"
    )
    if config.get("kind") == KIND:
        fields.expect("apiVersion", API_VERSION)
    if fields.flag("fail-silently"):
        raise ConfigError("a failure is never silent", location=fields.place("fail-silently"))
    if not {"files", "secretFrom", "configMapFrom"} & set(fields.names()):
        raise ConfigError("has none of the fields 'files', 'secretFrom' and 'configMapFrom'", location=fields.path)
    name = fields.mapping("metadata").plain("name", str)
    made = [_made("Secret", each) for each in fields.mappings("secretFrom")]
    made += [_made("ConfigMap", each) for each in fields.mappings("configMapFrom")]
    scope = fields.one_of("scope", SCOPES) if "scope" in fields.names() else ""
    mode = fields.one_of("mode", MODES) if "mode" in fields.names() else ""
    return Generator(name, fields.texts("files"), made, scope, mode)


def _made(kind: str, fields: Fields) -> Made:
    fields.only("metadata", *_SOURCES, *(["type"] if kind == "Secret" else []))
    metadata = fields.mapping("metadata")
    metadata.only("name", "namespace", "labels", "annotations")
    metadata.required("name")
    if not set(_SOURCES) & set(fields.names()):
        raise ConfigError(f"has none of the fields {', '.join(_SOURCES)}", location=fields.where)
    return Made(
        kind,
        {name: value for name in metadata.names() if (value := _texts(metadata, name))},
        fields.text("type"),
        [_key_and_path(each, fields.place("files")) for each in fields.texts("files")],
        [_key_and_path(each, fields.place("binaryFiles")) for each in fields.texts("binaryFiles")],
        fields.texts("envs"),
        [_literal(each, fields.place("literals")) for each in fields.texts("literals")],
    )


def _texts(metadata: Fields, name: str) -> object:
    """Return a name, or the labels or annotations, whose values must be text."""
    if name in {"name", "namespace"}:
        return metadata.text(name)
    values = metadata.mapping(name)
    return {key: values.text(key) for key in values.names()}


def _key_and_path(text: str, location: str) -> tuple[str, str]:
    key, separator, path = text.rpartition("=")
    if not separator:
        key = os.path.basename(path)
    if "=" in key or not key or not path:
        raise ConfigError("expected PATH or KEY=PATH", location=location)
    check_key(key, location)
    return key, path


def _literal(text: str, location: str) -> tuple[str, str]:
    key, separator, value = text.partition("=")
    if not separator:
        raise ConfigError("expected KEY=VALUE", location=location)
    check_key(key, location)
    return key, value
