"""The vectors of sops: where they are, what they hold, and how two trees are compared."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from secretsync.documents.tree import Comment, Entry, Mapping, Node, Scalar, Sequence
from secretsync.masterkeys.services import MasterKeys
from secretsync.sops import values

FOLDER = Path(__file__).parent / "sops"
EXTENSIONS = {"yaml": ".yaml", "json": ".json", "dotenv": ".env", "ini": ".ini", "binary": ""}


@dataclass(frozen=True)
class Vector:
    """One vector: a folder with `vector.json` and the files around it."""

    path: str

    @property
    def folder(self) -> Path:
        """Where its files are."""
        return FOLDER / self.path

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What `vector.json` says."""
        return json.loads((self.folder / "vector.json").read_text("utf-8"))  # type: ignore[no-any-return]

    @property
    def store(self) -> str:
        """The store of the encrypted file."""
        return str(self.facts["store"])

    def file(self, stem: str) -> Path | None:
        """Return the file with this stem, whatever its extension."""
        found = [file for file in sorted(self.folder.iterdir()) if file.name.split(".", 1)[0] == stem]
        return found[0] if found else None

    def read(self, stem: str) -> bytes:
        """Return the bytes of the file with this stem."""
        file = self.file(stem)
        assert file is not None, f"{self.path} has no {stem}.*"
        return file.read_bytes()


def vectors() -> list[Vector]:
    """Return every vector of the index."""
    index = json.loads((FOLDER / "index.json").read_text("utf-8"))
    return [Vector(entry["path"]) for entry in index["vectors"]]


def master_keys(identity: list[str], gnupg_home: Path | None = None) -> MasterKeys:
    """Return the master keys of these identity files, and of nothing else."""
    environ = {
        "HOME": "/nonexistent",
        "GNUPGHOME": str(gnupg_home or "/nonexistent"),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
    }
    keys = FOLDER / "keys"
    age = [name for name in identity if name.startswith("age-")]
    if age:
        environ["SOPS_AGE_KEY"] = "\n".join(_identities((keys / name).read_text("utf-8")) for name in age)
    for name in identity:
        if name.startswith("ssh-"):
            environ["SOPS_AGE_SSH_PRIVATE_KEY_FILE"] = str(keys / name)
    return MasterKeys(environ)


def _identities(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if line and not line.startswith("#"))


def outline(documents: list[Mapping], *, comments: bool = True) -> list[object]:
    """Return documents as plain comparable values: typed leaves, order, and the texts of comments."""
    return [_outline(document, comments=comments) for document in documents]


def _outline(node: Node | Comment | Entry, *, comments: bool) -> object:
    match node:
        case Comment():
            return ("#", node.text)
        case Entry():
            return (node.key.value, _outline(node.value, comments=comments))
        case Scalar():
            return _leaf(node)
        case Mapping() | Sequence():
            kept = [item for item in node.items if comments or not isinstance(item, Comment)]
            return (type(node).__name__, [_outline(item, comments=comments) for item in kept])


def _leaf(node: Scalar) -> tuple[str, object]:
    """A float without a fraction is written as an int by sops itself, minus zero as 0: they count as equal."""
    value = node.value
    if value is None:
        return ("null", None)
    label = values.label(value)
    text = values.canonical(value)
    if label == "float" and text.lstrip(b"-").isdigit():
        return ("int", b"0" if text == b"-0" else text)
    return (label, text)


@dataclass(frozen=True)
class Difference:
    """One row of docs/reference/differences.md: where we are not as sops is."""

    vector: str
    stage: str
    ours: str

    @property
    def failure(self) -> str | None:
        """Return the class of the refusal, None where we succeed."""
        return self.ours.removeprefix("refused: ") if self.ours.startswith("refused: ") else None


def differences() -> dict[tuple[str, str], Difference]:
    """Return the rows of the table, by vector and stage."""
    rows = {}
    text = (Path(__file__).parents[2] / "docs/reference/differences.md").read_text("utf-8")
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 5:
            row = Difference(cells[0].strip("`"), cells[1], cells[3].split("`")[1])
            rows[row.vector, row.stage] = row
    return rows
