"""Objects made from encrypted files: whole manifests, and Secrets and ConfigMaps with the files as their values.

Every file must be encrypted and is verified as a whole before anything of it is used; what is made then goes through
the mode like any other object.
"""

from __future__ import annotations

import os
import re
from binascii import b2a_base64
from collections.abc import Iterator
from typing import Final

import secretsync.rendering.pipeline as pipeline
from secretsync import files, sops
from secretsync.documents.plain import from_plain
from secretsync.documents.stores import is_nested, store_for_path, store_named
from secretsync.documents.tree import Entry, Limits, Mapping, Scalar
from secretsync.errors import LimitError, ManifestError, MetadataError, ParseError, SecretsyncError
from secretsync.letters import argument
from secretsync.manifests import envfile
from secretsync.rendering.discover import Input
from secretsync.rendering.generators import Generator, Made
from secretsync.rendering.objects import count, items_of
from secretsync.rendering.options import RenderContext
from secretsync.rendering.sealing_inputs import joined
from secretsync.rendering.units import OpenedObject
from secretsync.secrecy import SecretBytes

_UNCARRIED: Final = "[\x7f-\x9f\ufffe\uffff]"


class Folder:
    """Where the paths of generators start; `confined` keeps them below it, links included.

    One for each run: each file is read and decrypted once, and what naming it again adds is counted.
    """

    def __init__(self, root: str = ".", *, confined: bool = True) -> None:
        self.root = root
        self.confined = confined
        self.plain: dict[str, tuple[bytes, SecretBytes | None]] = {}
        self.manifests: dict[tuple[str, str, str | None], tuple[list[Mapping], int]] = {}
        self._files = self._objects = self._size = self._repeated = 0

    def count_files(self, number: int, context: RenderContext) -> None:
        """Count files that are named. Raises: LimitError."""
        self._files += number
        if self._files > context.options.max_files:
            raise LimitError(f"more than {context.options.max_files} files")

    def count_objects(self, number: int, context: RenderContext) -> None:
        """Count objects, of which the files that were read allow so many: a short list may not make thousands.

        Raises:
            LimitError: there are more.
        """
        self._objects += number
        if self._objects > (most := context.options.limits.for_text(self._size).documents):
            raise LimitError(f"more than {most} objects from {self._size} bytes of files")

    def repeat(self, size: int, context: RenderContext) -> None:
        """Count the bytes of a file that is named again. Raises: LimitError."""
        self._repeated += size
        if self._repeated > context.options.limits.size:
            raise LimitError(f"files named again add more than {context.options.limits.size} bytes")

    def once(self, path: str, context: RenderContext) -> bytes:
        """Return the bytes of a file that is read for the first time. Raises: as `read`; LimitError for all together."""
        data = self.read(path, context.options.limits)
        self._size += len(data)
        if self._size > context.options.max_total:
            raise LimitError(f"more than {context.options.max_total} bytes in all files", location=path)
        return data

    def read(self, path: str, limits: Limits) -> bytes:
        """Return a regular file's bytes.

        Raises:
            EscapeError: the path or a link on it leads out of the folder, or to something that is no regular file.
            FileAccessError, LimitError: it is missing, unreadable or too large.
        """
        if self.confined:
            return files.read_confined(self.root, path, limits.size)
        absolute = os.path.abspath(os.path.join(self.root, path))
        return files.read_confined(os.sep, os.path.relpath(absolute, os.sep), limits.size)


def generate(generator: Generator, folder: Folder, context: RenderContext) -> list[Mapping]:
    """Return the objects of a generator, at least one; Lists are taken apart.

    Raises:
        SecretsyncError: a file cannot be read or decrypted, or an object cannot be made; placed at the file or object.
    """
    number = len(generator.files) + sum(len(m.files) + len(m.binary_files) + len(m.envs) for m in generator.made)
    try:
        folder.count_files(number, context)
    except LimitError as error:
        raise (error.at(generator.name) if generator.name else error) from None
    found = [obj for path in generator.files for obj in _manifests(path, folder, context)]
    found += [_made(made, folder, context) for made in generator.made]
    if not found:
        raise ManifestError("generates no object", location=generator.name or None)
    return found


def _manifests(path: str, folder: Folder, context: RenderContext) -> list[Mapping]:
    """Return the objects of one encrypted file of manifests."""
    key = (path, context.options.mode, context.options.scope)
    try:
        if key in folder.manifests:
            folder.repeat(folder.manifests[key][1], context)
        else:
            folder.manifests[key] = _opened(path, folder, context)
        objects = folder.manifests[key][0]
        folder.count_objects(len(objects), context)
    except SecretsyncError as error:
        raise (error if (error.location or "").startswith(path) else error.at(path)) from None
    return objects


def _opened(path: str, folder: Folder, context: RenderContext) -> tuple[list[Mapping], int]:
    """Return the objects of a file that is read for the first time, and its size."""
    if not is_nested(path):
        raise ManifestError("no manifest: its name ends in none of .yaml, .yml and .json", location=path)
    data = folder.once(path, context)
    try:
        _, loaded = pipeline.load_input(Input(path, path), data, context)
        if not all(sops.is_encrypted(document) or not count(document) for document in loaded.documents):
            raise MetadataError("is not encrypted", hint=f"secretsync encrypt -i {argument(path)}")
        documents, _ = pipeline.transform(loaded.documents, context)
    except SecretsyncError as error:
        raise error.at(path) from None
    return [obj for document in documents for obj in _objects(document)], len(data)


def _objects(document: Mapping) -> Iterator[Mapping]:
    items = items_of(document)
    if items is not None:
        for item in items.items:
            if type(item) is Mapping:
                yield from _objects(item)
    elif count(document):
        yield document


def _made(made: Made, folder: Folder, context: RenderContext) -> Mapping:
    try:
        folder.count_objects(1, context)
    except LimitError as error:
        raise error.at(made.name) from None
    sources = _Sources(folder, context)
    texts, binaries = sources.values(made)
    fields = ("stringData", "data") if made.kind == "Secret" else ("data", "binaryData")
    obj: dict[str, object] = {"apiVersion": "v1", "kind": made.kind, "metadata": made.metadata}
    if made.type:
        obj["type"] = made.type
    obj |= {
        name: dict(sorted(values.items())) for name, values in zip(fields, (texts, binaries), strict=True) if values
    }
    after = from_plain(obj)
    assert isinstance(after, Mapping)
    opened = OpenedObject(
        made.name, _concealed(after, fields, dict(made.literals)), after, joined(sources.keys) if sources.keys else None
    )
    try:
        finished = pipeline.finisher(context.options.mode)(opened, context)
    except SecretsyncError as error:
        raise (error if error.location else error.at(made.name)) from None
    pipeline.check(after, finished, made.name, context)
    return finished


def _concealed(obj: Mapping, fields: tuple[str, str], literals: dict[str, str]) -> Mapping:
    """Return the object as if all but its literals were ciphertext: the modes take what differs for decrypted."""
    items: list[object] = []
    for entry in obj.entries():
        if entry.key.value in fields and isinstance(entry.value, Mapping):
            items.append(Entry(entry.key, Mapping([_hidden(value, literals) for value in entry.value.entries()])))
        else:
            items.append(entry)
    return Mapping(items)  # type: ignore[arg-type]  # entries, all of them


def _hidden(value: Entry, literals: dict[str, str]) -> Entry:
    is_literal = isinstance(value.value, Scalar) and literals.get(str(value.key.value)) == value.value.value
    return value if is_literal else Entry(value.key, Scalar(""))


class _Sources:
    """The files that one object is made of, and the data keys they were under, by path."""

    def __init__(self, folder: Folder, context: RenderContext) -> None:
        self._folder = folder
        self._context = context
        self.keys: dict[str, SecretBytes | None] = {}

    def values(self, made: Made) -> tuple[dict[str, str], dict[str, str]]:
        """Return the values that are text, and the base64 of those that are not or are to be binary; the last counts."""
        texts: dict[str, str] = dict(made.literals)
        binaries = {key: _base64(self._decrypted(path)) for key, path in made.binary_files}
        for key, path in made.files:
            plain = self._decrypted(path)
            text = _text(plain)
            if text is None:
                binaries[key] = _base64(plain)
            else:
                texts[key] = text
        for path in made.envs:
            texts |= self._environment(path)
        return texts, binaries

    def _environment(self, path: str) -> dict[str, str]:
        try:
            return envfile.parse(self._decrypted(path).decode())
        except UnicodeDecodeError:
            raise ParseError("is not valid UTF-8", location=path) from None
        except ParseError as error:
            raise (error if (error.location or "").startswith(path) else error.at(path)) from None

    def _decrypted(self, path: str) -> bytes:
        """Return what `sops decrypt` prints for this file."""
        known = self._folder.plain.get(path)
        try:
            if known is None:
                known = self._folder.plain[path] = self._read(path)
            else:
                self._folder.repeat(len(known[0]), self._context)
        except SecretsyncError as error:
            raise (error if (error.location or "").startswith(path) else error.at(path)) from None
        plain, self.keys[path] = known
        return plain

    def _read(self, path: str) -> tuple[bytes, SecretBytes | None]:
        """Return the plaintext of a file that is read for the first time, and its data key."""
        raw = self._folder.once(path, self._context)
        store = store_named(store_for_path(path))
        try:
            decrypted = sops.decrypt(
                store.load(raw, limits=self._context.options.limits, encrypted=True), self._context.keys
            )
            self._context.warnings.extend(f"{path} {warning}" for warning in decrypted.warnings)
            return store.dump(decrypted.documents), decrypted.data_key
        except SecretsyncError as error:
            raise error.at(path) from None


def is_uncarried(text: str) -> bool:
    """Whether an engine that goes through JSON and YAML would choke on `text`, or change it.

    JSON leaves these characters raw; YAML forbids them, or takes them (U+0085) for the end of a line.
    """
    return not (text.isascii() and "\x7f" not in text) and re.search(_UNCARRIED, text) is not None


def _text(plain: bytes) -> str | None:
    """Return content that can stand as text in a manifest, else None."""
    try:
        text = plain.decode()
    except UnicodeDecodeError:
        return None
    return None if is_uncarried(text) else text


def _base64(data: bytes) -> str:
    return b2a_base64(data, newline=False).decode()
