"""Texts of all formats, made from their own fragments and cut up: each reader ends in time, with a result or an error of ours.

What sealing and redacting let out holds no decrypted value, plain or as base64. `make proof-fuzz` runs for an hour, or
for `SECRETSYNC_FUZZ_SECONDS`; another `SECRETSYNC_FUZZ_SEED` makes other texts. What once found something stays in `FOUND`.
"""

from __future__ import annotations

import os
import random
from base64 import b64encode
from collections.abc import Iterator
from time import monotonic
from typing import Final

import pytest

from secretsync.errors import SecretsyncError
from tests.proofs import FULL
from tests.proofs.foreign import KEYS, READERS, TooSlowError, processor_seconds
from tests.proofs.test_growth import READS, TEXTS
from tests.unit.sops.trees import encrypt

SEED: Final = int(os.environ.get("SECRETSYNC_FUZZ_SEED", "20261127"))
SECONDS: Final = float(os.environ.get("SECRETSYNC_FUZZ_SECONDS", "3600"))
SAMPLE: Final = 600  # texts beside all other tests; a count, so that each run has the same ones
LIMIT: Final = 2.0  # seconds of processor for one text
LONGEST: Final = 40_000

CANARY: Final = "hunter-canary-two"
_SECRET: Final = (
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db # c\n  namespace: prod\ntype: Opaque\nstringData:\n"
    f"  password: {CANARY}\n  list: |\n    {CANARY}\n    x\ndata:\n  key: {b64encode(CANARY.encode()).decode()}\n"
)
_LIST: Final = "apiVersion: v1\nkind: List\nitems:\n- " + _SECRET.replace("\n", "\n  ").rstrip(" ")
_REGEX: Final = ("encrypted_regex", "^(data|stringData)$")
_PLAIN: Final = {
    "yaml": (_SECRET, _LIST, _SECRET + "---\n" + _SECRET.replace("db", "other")),
    "json": (
        f'{{"apiVersion": "v1", "kind": "Secret", "metadata": {{"name": "a", "namespace": "b"}}, "stringData": {{"p": "{CANARY}"}}}}',
        f'{{"data": "{CANARY}", "n": [1, 2.5]}}',
    ),
    "dotenv": (f"# c\nA={CANARY}\nB=two\n",),
    "ini": (f"; c\n[s]\na = {CANARY}\n",),
    "binary": (f"\x00 {CANARY}",),
}
WHOLE: Final = [
    encrypt(text, *chosen, store=store, keys=KEYS, mac_only=mac_only).encode()
    for store, texts in _PLAIN.items()
    for text in texts
    for chosen in ((("", ""), _REGEX) if store in {"yaml", "json"} else (("", ""),))
    for mac_only in ((False, True) if chosen is _REGEX else (False,))
]
"""Sound files of every store: mutations of them get further than texts from fragments, where no MAC covers them most."""


def _json_whole() -> bytes:
    return next(text for text in WHOLE if text.startswith(b'{"apiVersion": "ENC['))


SEALED: Final = {"seal", "redact"}
FOUND: Final[dict[str, tuple[str, bytes]]] = {
    "a complaint of RE2 that quotes a line break": ("glob", b"[z-\n]"),
    "a key of several lines": ("seal", _json_whole().replace(b'"stringData"', b'"string\\nData"')),
    "a tag at the very end": ("thin out", b"a: [!x"),
    "an integer of many digits": ("manifests", b'{"a": ' + b"1" * 5000 + b"}"),
    "metadata without a floor": ("metadata path", b"a" + b"__map_a" * 1000),
}
"""What found something once: the reader, and the text."""


def _fragments(chance: random.Random, name: str) -> bytes:
    heads, units, tails = TEXTS[chance.choice(READS[name])]
    between = (chance.choice(units) * chance.choice((1, 1, 1, 2, 3, 400)) for _ in range(chance.randint(0, 9)))
    text = "".join((chance.choice(heads), *between, chance.choice(tails)))
    return text.replace("{i}", chance.choice(("", "1", "22"))).encode("utf-8", "surrogatepass")


def _mutated(chance: random.Random, name: str) -> bytes:
    data = chance.choice(WHOLE)
    for _ in range(chance.randint(1, 4)):
        start = chance.randint(0, len(data))
        if chance.random() < 0.3:
            start = data.rfind(b"\n", 0, start) + 1
        stop = min(len(data), start + chance.choice((0, 0, 1, 4, 30, 200)))
        other = chance.choice(WHOLE)
        place = chance.randint(0, len(other))
        piece = chance.choice(
            (b"", data[start:stop] * 2, _fragments(chance, name)[:80], other[place : place + 60], chance.randbytes(2))
        )
        data = data[:start] + piece + data[stop:]
    return data


def _texts(seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield readers and texts for them, the same ones for the same seed, without end."""
    chance = random.Random(seed)
    names = sorted(READERS)
    while True:
        name = chance.choice(names)
        make = _mutated if chance.random() < 0.6 else _fragments
        yield name, make(chance, name)[:LONGEST]


def _problem(name: str, data: bytes) -> str:
    """Return what is wrong with how a reader takes a text, nothing where all is well."""
    try:
        with processor_seconds(LIMIT):
            result = READERS[name](data)
    except SecretsyncError as error:
        return "more than one line" if "\n" in str(error) else ""
    except TooSlowError:
        return f"more than {LIMIT} s"
    except Exception as error:  # noqa: BLE001  # what must not get out is what is looked for
        return f"{type(error).__name__}: {error}"
    if name in SEALED and isinstance(result, bytes):
        values = (CANARY.encode(), b64encode(CANARY.encode()).rstrip(b"=")[:-1])
        return "a decrypted value gets out" if any(value in result and value not in data for value in values) else ""
    return ""


def _report(texts: Iterator[tuple[str, bytes]]) -> list[tuple[str, str, bytes]]:
    return [(name, problem, data) for name, data in texts if (problem := _problem(name, data))]


@pytest.mark.skipif(FULL, reason="all of it runs")
@pytest.mark.parametrize("part", range(3))
def test_a_sample_of_texts_ends_in_a_result_or_an_error_of_ours(part: int) -> None:
    source = _texts(SEED + part)
    assert _report(next(source) for _ in range(SAMPLE // 3)) == []


@pytest.mark.skipif(not FULL, reason="an hour: make proof-fuzz")
def test_texts_without_end_end_in_a_result_or_an_error_of_ours() -> None:
    until = monotonic() + SECONDS
    source, found, count = _texts(SEED), [], 0
    while monotonic() < until:
        count += 1
        name, data = next(source)
        if problem := _problem(name, data):
            found.append((name, problem, data))
            print(f"\n{count}: {name}: {problem}: {data!r}", flush=True)
    print(f"{count} texts")
    assert found == []


def test_the_whole_files_open() -> None:
    """Mutations of files that nobody can open would show nothing."""
    manifests = [text for text in WHOLE if text.startswith((b"apiVersion: v1", b'{"apiVersion": "v1"'))]
    assert len(manifests) == 8
    for text in manifests:
        assert CANARY.encode() in READERS["reveal"](text)  # type: ignore[operator]
        assert b"SealedSecret" in READERS["seal"](text)  # type: ignore[operator]


@pytest.mark.parametrize("case", FOUND.values(), ids=FOUND)
def test_what_once_found_something_is_read(case: tuple[str, bytes]) -> None:
    assert _problem(*case) == ""
