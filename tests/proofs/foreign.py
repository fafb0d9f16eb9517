"""Every reader of what a repository may hold, each as a function of bytes, and a clock that stops the ones that run away."""

from __future__ import annotations

import gc
import io
import os
import signal
from collections.abc import Callable, Iterator
from collections.abc import Mapping as AnyMapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import process_time
from typing import Any, Final

from secretsync import age, sops
from secretsync.age import armor, header
from secretsync.age.interaction import NOBODY
from secretsync.age.keys import parse_identities, parse_recipient
from secretsync.configuration import Fields
from secretsync.documents.flat.flattening import unflatten
from secretsync.documents.stores import store_named
from secretsync.documents.tree import Comment, Entry, Limits, Mapping, Node, Scalar, Sequence
from secretsync.documents.yaml.comments.unread import unread_comments, without
from secretsync.documents.yaml.resolving import resolve_plain, resolve_tagged
from secretsync.errors import SecretsyncError
from secretsync.hooks import Call, hook_configuration
from secretsync.hooks.helm import command as helm
from secretsync.hooks.helm import stream
from secretsync.hooks.krm import command as krm
from secretsync.hooks.krm import resource_list
from secretsync.keyring import globs, reading
from secretsync.keyring.sources import Snapshot
from secretsync.manifests import envfile
from secretsync.manifests.reading import read as read_manifests
from secretsync.masterkeys import age_files
from secretsync.privatekeys import kinds_of, redacted
from secretsync.rendering import emit, generators
from secretsync.rendering.discover import Input
from secretsync.rendering.formats import Piece
from secretsync.rendering.options import Options
from secretsync.rendering.rendering import render
from secretsync.sealed import pem, privatekeys, resource
from secretsync.sealed.certificate import SealingCertificate
from secretsync.secrecy import SecretBytes
from secretsync.sops import recognition, timestamps, values
from secretsync.sops.config import parse_config
from secretsync.sops.paths import parse_path
from secretsync.sops.selectors import Selector
from tests.unit.sops.golden import FixedKeys
from tests.unit.sops.trees import NOW, ONE

CERTIFICATE: Final = str(Path(__file__).parents[2] / "examples" / "demo-keys" / "sealing.crt")


class OpenKeys(FixedKeys):
    """Stands in for master keys: an envelope is the data key itself, so that each of many files opens."""

    def unwrap(self, kind: str, fields: AnyMapping[str, object]) -> SecretBytes:
        """Return the data key, the golden one for an envelope that is none."""
        try:
            data_key = bytes.fromhex(str(fields.get("enc", "")))
        except ValueError:
            data_key = b""
        return SecretBytes(data_key) if len(data_key) == len(self.data_key) else self.data_key

    def wrap(self, kind: str, recipient: str, data_key: SecretBytes) -> dict[str, object]:
        """Return the data key as its envelope."""
        return {"recipient": recipient, "enc": data_key.expose().hex()}


KEYS: Final = OpenKeys()
Reader = Callable[[bytes], object]


class TooSlowError(BaseException):
    """A reader used up its processor time; not an `Exception`, so that nothing on the way takes it for one of its own."""


def _stop(*_: object) -> None:
    raise TooSlowError


@contextmanager
def processor_seconds(limit: float) -> Iterator[None]:
    """Raise TooSlowError where the block takes longer on the processor, whatever else the machine does."""
    before = signal.signal(signal.SIGPROF, _stop)
    signal.setitimer(signal.ITIMER_PROF, limit)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def cost(reader: Reader, data: bytes, limit: float) -> float:
    """Return the processor seconds that a reader takes for `data`, refused or not. Raises: TooSlowError."""
    gc.collect()
    gc.disable()  # it comes and goes as it likes, which is not what is measured
    try:
        with processor_seconds(limit), suppress(SecretsyncError):
            start = process_time()
            reader(data)
        return process_time() - start
    finally:
        gc.enable()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _rendered(mode: str, **options: Any) -> Reader:
    chosen = Options(mode=mode, cert_file=CERTIFICATE if mode == "seal" else None, keys_from=None, **options)  # type: ignore[arg-type]

    def run(data: bytes) -> bytes:
        return render([Input("f.yaml", "f.yaml", content=data)], chosen, keys=KEYS, now=NOW).stream()  # type: ignore[arg-type]

    return run


def _encrypted(store: str) -> Reader:
    def run(data: bytes) -> bytes:
        source = store_named(store).load(data)
        if store == "yaml":
            without(source.text, unread_comments(source))
        return sops.encrypt(source, groups=ONE, selector=None, keys=KEYS, now=NOW)

    return run


def _decrypted(store: str) -> Reader:
    return lambda data: sops.decrypt(store_named(store).load(data, encrypted=True), KEYS)


def _rewritten(change: Callable[[Mapping], Mapping], store: str = "yaml") -> Reader:
    def run(data: bytes) -> bytes:
        source = store_named(store).load(data)
        return store_named(store).rewrite(source, [change(document) for document in source.documents])

    return run


def _thinned(document: Mapping) -> Mapping:
    return Mapping(document.items[1::2], document.span, document.flow)


def _changed(node: Any) -> Any:
    if isinstance(node, Scalar):
        return Scalar("new\nlines\n")
    items = [
        item
        if isinstance(item, Comment)
        else Entry(item.key, _changed(item.value))
        if isinstance(item, Entry)
        else _changed(item)
        for item in node.items
    ]
    kind: type[Node] = Mapping if isinstance(node, Mapping) else Sequence
    return kind(items, node.span, node.flow)  # type: ignore[arg-type]


def _commented(document: Mapping) -> Mapping:
    return Mapping([Comment(" new"), *document.items, Entry(Scalar("new"), Scalar("v"))], document.span, document.flow)


def _called(action: Callable[[Call], bytes]) -> Reader:
    return lambda data: action(Call(environ=os.environ, read=io.BytesIO(data).read))


def _joined(data: bytes) -> bytes:
    return emit.join([Piece("f.yaml", "yaml", text, 1) for text in (data, b"a: 1", data)])


def _ring(path: str) -> Reader:
    return lambda data: reading.load_from(Snapshot({path: data}))


def _scalar(data: bytes) -> object:
    text = _text(data)
    try:
        return resolve_plain(text), resolve_tagged("tag:yaml.org,2002:float", text, plain=True)
    except ValueError:
        return None


def _generator(data: bytes) -> object:
    return [generators.read(resource_list.plain(document)) for document in store_named("yaml").load(data).documents]


def _operations() -> dict[str, Reader]:
    return {
        "glob": lambda data: globs.matches(_text(data), "a/" * 200 + "b.yaml"),
        "selector": lambda data: Selector("encrypted_regex", _text(data)).matches("a" * 1000),
        "value": lambda data: values.parse(_text(data)),
        "number": lambda data: [values.decode(data, name) for name in ("int", "float", "time", "bool")],
        "scalar": _scalar,
        "instant": lambda data: timestamps.full_precision(_text(data)),
        "path": lambda data: parse_path(_text(data)),
        "metadata path": lambda data: unflatten([(_text(data), Scalar("v"))]),
        "fields": lambda data: Fields.parse(data, "f.yaml").names(),
        "generator": _generator,
    }


READERS: Final[dict[str, Reader]] = {
    "reveal": _rendered("reveal"),
    "redact": _rendered("redact"),
    "seal": _rendered("seal"),
    "to JSON": _rendered("reveal", output="json"),
    "join": _joined,
    "encrypt yaml": _encrypted("yaml"),
    "encrypt json": _encrypted("json"),
    "encrypt dotenv": _encrypted("dotenv"),
    "encrypt ini": _encrypted("ini"),
    "encrypt binary": _encrypted("binary"),
    **{f"decrypt {store}": _decrypted(store) for store in ("yaml", "json", "dotenv", "ini", "binary")},
    "thin out": _rewritten(_thinned),
    "thin out json": _rewritten(_thinned, "json"),
    "change": _rewritten(_changed),
    "change json": _rewritten(_changed, "json"),
    "comment": _rewritten(_commented),
    "krm": _called(krm.run),
    "helm": _called(helm.run),
    "helm stream": lambda data: stream.taken_off(data, "reveal", Limits()),
    "manifests": read_manifests,
    "sealed secret": lambda data: [resource.parse(manifest) for _, manifest in read_manifests(data)],
    "configuration": lambda data: hook_configuration.parse(data, "hook.yaml"),
    "rules": lambda data: parse_config(data, ".sops.yaml").rule_for("a/b.yaml"),
    "policy": _ring("keys/policy.yaml"),
    "person": _ring("keys/people/alice.yaml"),
    "groups": _ring("keys/groups.yaml"),
    "retired": _ring("keys/retired/alice.yaml"),
    "env file": lambda data: envfile.parse(_text(data)),
    "private keys": kinds_of,
    "message": lambda data: redacted(_text(data)),
    "pem": pem.blocks,
    "unsealing keys": privatekeys.load,
    "certificate": lambda data: SealingCertificate.load(data, now=NOW),
    "recognition": lambda data: [
        recognition.store_of_content(data),
        recognition.ciphertexts(data),
        recognition.carried_store(data),
    ],
    "armor": armor.decode,
    "age header": lambda data: header.parse(io.BytesIO(data).readline),
    "age file": lambda data: age.decrypt(data, []),
    "identities": lambda data: parse_identities(_text(data)),
    "recipient": lambda data: parse_recipient(_text(data)),
    "identity file": lambda data: age_files.parsed(data, "keys.txt", NOBODY),
    **_operations(),
}
"""What a person, a hook or a check does with foreign text; each may refuse it with one of our errors."""
