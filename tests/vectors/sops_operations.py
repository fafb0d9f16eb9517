"""The operation vectors: an argv of sops run with our functions, and the leaves of a file by name."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from secretsync.documents.stores import store_for_path, store_named
from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar
from secretsync.masterkeys.services import MasterKeys
from secretsync.sops import MacPolicy, metadata, operations, paths
from secretsync.sops import config as configs
from secretsync.sops import comparison
from secretsync.sops import recipients as groups_of
from secretsync.sops.datakey import MasterKey
from secretsync.sops.strangers import RotationRequest
from tests.vectors.sops_argv import NOW, Argv, parsed
from tests.vectors.sops_vectors import Vector


def run(vector: Vector, keys: MasterKeys, scratch: Path) -> bytes:
    """Return what the vector's operation writes: the file after it, or its output."""
    argv = parsed(vector.facts["operation"]["args"])
    if argv.command == "groups":
        argv.words.insert(0, argv.get("-f"))
    file = vector.folder / argv.words[0]
    data = file.read_bytes()
    policy = MacPolicy.IGNORE_UNSAFE if argv.get("--ignore-mac") else MacPolicy.VERIFY
    options = operations.OpenOptions(
        store_for_path(file.name), keys, mac_policy=policy, output_store=argv.get("--output-type") or None
    )
    return _COMMANDS[argv.command](vector, argv, data, options, scratch)


def _set(vector: Vector, argv: Argv, data: bytes, options: operations.OpenOptions, scratch: Path) -> bytes:
    path = paths.parse_path(argv.words[1])
    return operations.set_value(data, path, operations.json_value(argv.words[2]), options, now=NOW).data


def _unset(vector: Vector, argv: Argv, data: bytes, options: operations.OpenOptions, scratch: Path) -> bytes:
    return operations.unset_value(data, paths.parse_path(argv.words[1]), options, now=NOW).data


def _rotate(vector: Vector, argv: Argv, data: bytes, options: operations.OpenOptions, scratch: Path) -> bytes:
    add = [MasterKey(kind, name) for kind in ("age", "pgp") if (name := argv.get(f"--add-{kind}"))]
    return operations.rotate(data, options, now=NOW, request=RotationRequest(add)).data


def _edit(vector: Vector, argv: Argv, data: bytes, options: operations.OpenOptions, scratch: Path) -> bytes:
    opened = operations.open_file(data, options)
    file = scratch / argv.words[0]
    file.write_bytes(operations.editable(opened))
    subprocess.run(["sh", str(vector.folder / "editor.sh"), str(file)], check=True)
    return operations.edited(opened, file.read_bytes(), now=NOW).data


def _update_keys(vector: Vector, argv: Argv, data: bytes, options: operations.OpenOptions, scratch: Path) -> bytes:
    rule = configs.load_config(vector.folder / argv.get("--config")).rule_for(vector.folder / argv.words[0])
    assert rule is not None
    return groups_of.update_keys(data, rule.groups, options, now=NOW).data


def _groups(vector: Vector, argv: Argv, data: bytes, options: operations.OpenOptions, scratch: Path) -> bytes:
    documents = store_named(options.store).load(data, encrypted=True).documents
    found = metadata.split(documents)[1]
    kept = comparison.of_file(found, options.keys)
    del kept[int(argv.words[-1])]
    return groups_of.update_keys(data, kept, options, now=NOW).data


def _decrypt(vector: Vector, argv: Argv, data: bytes, options: operations.OpenOptions, scratch: Path) -> bytes:
    path = paths.parse_path(argv.get("--extract")) if argv.get("--extract") else None
    opened = operations.open_file(data, options)
    return operations.extract(opened, path) if path else operations.decrypted_text(opened)


def _file_status(vector: Vector, argv: Argv, data: bytes, options: operations.OpenOptions, scratch: Path) -> bytes:
    status = {"encrypted": operations.file_status(data, options.store)}
    return json.dumps(status, separators=(",", ":")).encode() + b"\n"


_COMMANDS = {
    "set": _set,
    "unset": _unset,
    "rotate": _rotate,
    "edit": _edit,
    "updatekeys": _update_keys,
    "groups": _groups,
    "decrypt": _decrypt,
    "filestatus": _file_status,
}


def leaves(store: str, data: bytes) -> dict[str, str]:
    """Return the raw text of each leaf, comment and metadata field, named as the vectors name them."""
    documents = store_named(store).load(data, encrypted=store != "dotenv").documents
    found: dict[str, str] = {}
    comments = (f"#{'line' if store == 'dotenv' else 'comment'}{n}" for n in range(10_000))
    for index, document in enumerate(documents):
        _collect(document, f"doc{index}." if index else "", found, comments)
    return found


def _collect(node: Node, prefix: str, found: dict[str, str], comments: Iterator[str]) -> None:
    if isinstance(node, Scalar):
        found[prefix.removesuffix(".")] = repr(node.value)
    elif isinstance(node, Mapping):
        for item in node.items:
            if isinstance(item, Comment):
                found[next(comments)] = item.text
            else:
                _collect(item.value, f"{prefix}{_name(item)}.", found, comments)
    else:
        elements = [item for item in node.items if not isinstance(item, Comment)]
        for index, element in enumerate(elements):
            _collect(element, f"{prefix.removesuffix('.')}[{index}].", found, comments)
        for comment in node.items:
            if isinstance(comment, Comment):
                found[next(comments)] = comment.text


def _name(entry: Entry) -> str:
    return str(entry.key.value)
