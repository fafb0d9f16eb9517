"""What a reader takes for twice the text: about twice the time, whatever a repository repeats.

Each reader gets texts of n and 2n fragments, between a beginning and an end in which the fragment means something. A
megabyte of any of them stays below two seconds, which `make proof-growth` asks of all of them. There every reader meets
every fragment `SECRETSYNC_GROWTH_DRAWS` times (once unless given), between what SECRETSYNC_GROWTH_SEED draws.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from time import process_time
from typing import Final

import pytest

from tests.proofs import FULL, size
from tests.proofs.foreign import CERTIFICATE, READERS, Reader, TooSlowError, cost

RATIO: Final = 3  # of the processor time for twice the text; 2 is linear
NOISE: Final = 0.08  # seconds; below, a machine measures itself
MEGABYTE: Final = 1_000_000
START, MOST = 32_000, size(64_000, MEGABYTE)  # bytes of a text
SECONDS: Final = size(4, 20)
ATTEMPTS: Final = 3
SEED: Final = int(os.environ.get("SECRETSYNC_GROWTH_SEED", "9"))
DRAWS: Final = int(os.environ.get("SECRETSYNC_GROWTH_DRAWS", "1"))

_VALUE: Final = "ENC[AES256_GCM,data:aa==,iv:aaaa,tag:aaaa,type:str]"
ENCRYPTED: Final = f"a: {_VALUE}\nsops:\n  mac: {_VALUE}\n  lastmodified: '2026-01-02T03:04:05Z'\n  age:\n"

YAML_HEADS = (
    "", "a: 1\n", "l:\n- x\n", "k: &a b\n", "k: [", "k: {", "k: [&a ", 'k: "', "k: '", "k: |\n  ", "k: # x\n ", "? ",
    "k: v\n...\n", "k:\n  l: # c\n", "k: {a: &a b}\nl:\n",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  a: ", "apiVersion: v1\nkind: List\nitems:\n",
    ENCRYPTED,
)  # fmt: skip
YAML_UNITS = (
    "a", "# c\n", "#c\n\n", "\n", "  \n", "- ", "- x\n", "- # c\n", "[", "{", "{a: b},", "? ", "? a\n", "&a ", "!x ", "# ", "k: v\n",
    "  # d\n", "'", '"', "\\", '"\\/"', "|\n", "- |\n  x\n\n", "---\n", "---#x:\n", "...\n", "--- # c\n", "%YAML 1.1\n", "# a\n\n# b\n",
    "*a ", "*a,", "- *a\n", "\t", "\r", "\r# c", "\u2028# c", "\x85", "  - a\n", "{a},", "\ufeff", "- &x y\n# f\n", "x,", "k{i}: v\n",
    "k{i}: v # c\n", "# c\nk{i}: v\n", "k{i}: v\n# c\n\n", "k{i}:\n  # c\n  a: b\n", "k{i}: |\n  x\n", "k{i}: |+\n  x\n\n", "k{i}: &a{i} x\n",
    "k{i}: *a\n", "k{i}: {a: b} # c\n", "? k{i}\n: v\n", "k{i}:\n- a\n# x\n", "k{i}: [a, b]\n", "---\nk{i}: v\n", "---\nk{i}: v\n...\n# c\n",
    "k{i}: v, ", '"k{i}": "a\\/b"\n', "- [ # c\n  a]\n", "  - {recipient: a{i}, enc: b}\n", "  a{i}: b\n", "- {apiVersion: v1, kind: Secret}\n",
    "ENC[AES256_GCM,data:", ",iv:,tag:,type:", "<<: *a\n", "k{i}: !!binary |\n  AAAA\n", "\nx", "k{i}:\r\n", "AAAA",
)  # fmt: skip
YAML_TAILS = ("", "z: 1\n", "]\n", "}\n", '"\n', "!x y]\n", "\n# e\n")
JSON_HEADS = ("", "{", '{"a": [', '{"a": "', '{"a": ')
JSON_UNITS = (
    "{",
    "[",
    "[[],",
    '"k{i}": 1,',
    '\n  "k{i}": "v",',
    '"k": 1,',
    "1,",
    "1",
    "\\n",
    '\\"',
    "\\u00e4",
    " ",
    '{"a":',
    "\ud7ff",
    "-",
    "1e1",
)
JSON_TAILS = ("", '"z": 1}', '"z"]}', '"}', "0}")
LINE_HEADS = ("", "[s]\n", "a=", 'a="', "a='", 'a = """', "a = `")
LINE_UNITS = (
    "k{i} = v\n", "k{i}=v ; c\n", "k=v\n", "# c\n", "; c\n\n", "\n", "[s{i}]\n", "[s]\nk = v\n", "a\\\n", "\\", "'", '"', "`", '"""', "=", ":",
    "$", "x", "export ", " ", "\r", "sops_age__list_{i}__map_enc=x\n", "__map_a", "__list_{i}", "sops_mac=ENC[\n", "\u2028",
)  # fmt: skip
KEY_UNITS = (
    "-----BEGIN A-----\n", "-----BEGIN PRIVATE KEY-----\n", "-----BEGIN PRIVATE KEY-----\nAAAAAAAAAAAAAAAAAAAA\n", "-----END B-----\n",
    "-----BEGIN ", "-----", "PRIVATE KEY", "AGE-SECRET-KEY-", "AGE-SECRET-KEY-1", "AGE-PLUGIN-", "AGE-PLUGIN-A-1", "age1", "QQQQ", "A" * 64 + "\n", "AAAA\n",
    "\n", " \n", "# c\n", "-> X25519 AAAA\n", "-> a\nAA\n", "-> " + "a " * 8 + "\n", "age-encryption.org/v1\n", "---\n", "ssh-ed25519 AAAA\n",
    "-----BEGIN A-----\nAAAA\n-----END A-----\n", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "ENC[AES256_GCM,", '"mac"', "mac", "\\n", "\\x",
)  # fmt: skip
KEY_HEADS = (
    "",
    "-----BEGIN AGE ENCRYPTED FILE-----\n",
    "age-encryption.org/v1\n",
    "-----BEGIN CERTIFICATE-----\n",
    "AGE-SECRET-KEY-1",
    "age1",
)
KEY_TAILS = ("", "\n-----END AGE ENCRYPTED FILE-----\n", "\n-----END A-----\n", "\n-----END CERTIFICATE-----\n", "]")
WORD_HEADS = (
    "",
    "ENC[AES256_GCM,data:a,iv:b,tag:c,type:d",
    "0",
    "0x",
    "-",
    ".",
    "2024-01-01T00:00:00.",
    "2024-01-01",
    "^",
    "(",
    '["a"]',
    "**/",
)
WORD_UNITS = (
    "**/", "*a", "*", "?", "{a,", "{a,b}", "[a]", "[", "a/", "a", ",iv:,tag:,type:", ",iv:a,tag:b,type:c", "]", "1", "1_", "0", ".1", "e1", ":1", " ", "(a*)*",
    "(a|a)*", "a{1,9}", "(?:a?)", "|a", "\\", '["a"]', "[0]", "__map_", "__list_0", "_", "+", "=", "\n",
)  # fmt: skip
WORD_TAILS = ("", "x", "]", ",type:]", "Z", ")", "b")
RULE_HEADS = (
    "creation_rules:\n", "apiVersion: secretsync/v1\nkind: Policy\nrules:\n", "apiVersion: secretsync/v1\nkind: Groups\ngroups:\n",
    "apiVersion: secretsync/v1\nkind: Principal\nname: alice\nkeys:\n", "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n",
    "apiVersion: secretsync/v1\nkind: HookConfiguration\noutputs:\n  kinds:\n", "apiVersion: v1\nkind: SealedSecretList\nitems:\n",
    "apiVersion: viaduct.ai/v1\nkind: ksops\nmetadata: {name: a}\nfiles:\n",
)  # fmt: skip
RULE_UNITS = (
    "- {path_regex: '(a*)*{i}', age: age1x}\n", "- {path_regex: b, key_groups: [{age: [a]}]}\n", "- {paths: ['**/*{i}'], readers: [a]}\n",
    "- {paths: ['**'], readers: [a, b]}\n", "  g{i}: {members: [a, g]}\n", "- {id: k{i}, type: age, recipient: age1x}\n",
    "- {apiVersion: v1, kind: ConfigMap, metadata: {name: a{i}}}\n", "- {apiVersion: v1, kind: Secret, metadata: {name: a}, stringData: {a: b}}\n",
    "  - K{i}\n", "- a{i}.yaml\n", "- {kind: SealedSecret, apiVersion: bitnami.com/v1alpha1, metadata: {name: a, namespace: b}, spec: {encryptedData: {a: AA}}}\n",
    "- a\n", "# c\n",
)  # fmt: skip

TEXTS: Final = {
    "yaml": (YAML_HEADS, YAML_UNITS, YAML_TAILS), "json": (JSON_HEADS, JSON_UNITS, JSON_TAILS), "lines": (LINE_HEADS, LINE_UNITS, ("", '"', "\n")),
    "keys": (KEY_HEADS, KEY_UNITS, KEY_TAILS), "words": (WORD_HEADS, WORD_UNITS, WORD_TAILS), "rules": (RULE_HEADS, RULE_UNITS, ("",)),
}  # fmt: skip
_EVERY: Final = tuple(TEXTS)
READS: Final = {
    **dict.fromkeys(("encrypt json", "decrypt json", "change json", "thin out json", "decrypt binary"), ("json",)),
    **dict.fromkeys(("encrypt dotenv", "decrypt dotenv", "encrypt ini", "decrypt ini", "env file"), ("lines",)),
    **dict.fromkeys(("rules", "policy", "person", "groups", "retired", "configuration", "fields", "generator"), ("rules", "yaml")),
    **dict.fromkeys(("encrypt yaml", "decrypt yaml", "change", "thin out", "comment", "join"), ("yaml",)),
    **dict.fromkeys(("reveal", "redact", "seal", "to JSON", "krm", "helm", "helm stream", "manifests", "sealed secret"), ("yaml", "rules", "json")),
    **dict.fromkeys(("glob", "selector", "value", "number", "scalar", "instant", "path", "metadata path"), ("words",)),
    **dict.fromkeys(("private keys", "message", "pem", "unsealing keys", "certificate"), ("keys", "lines")),
    **dict.fromkeys(("armor", "age header", "age file", "identities", "recipient", "identity file"), ("keys",)),
    "recognition": _EVERY, "encrypt binary": ("keys",),
}  # fmt: skip


def _texts(kind: str, chance: random.Random) -> Iterator[tuple[str, str, str]]:
    """Yield every fragment of a kind of text `DRAWS` times, between a beginning and an end that are drawn."""
    heads, units, tails = TEXTS[kind]
    for unit, _ in product(units, range(DRAWS)):
        yield chance.choice(heads), unit, chance.choice(tails)


def _cases() -> list[tuple[str, str, str, str]]:
    chance = random.Random(SEED)
    found = [(name, *fragments) for name in READERS for kind in READS[name] for fragments in _texts(kind, chance)]
    chance.shuffle(found)
    return found[: size(60, len(found))]


def _maker(head: str, unit: str, tail: str) -> Callable[[int], bytes]:
    def make(count: int) -> bytes:
        units = "".join(unit.replace("{i}", str(index)) for index in range(count)) if "{i}" in unit else unit * count
        return (head + units + tail).encode("utf-8", "surrogatepass")

    return make


def _megabyte(fragments: tuple[str, str, str]) -> bytes:
    """Return as many fragments as make a megabyte; their numbers grow, so that a few would tell too little."""
    make = _maker(*fragments)
    return make(int(MEGABYTE / (len(make(20_000)) / 20_000)))


def _measured(reader: Reader, make: Callable[[int], bytes]) -> Iterator[tuple[int, float, float]]:
    """Yield bytes and the costs of n and 2n fragments, for sizes that cost enough to be compared."""
    count = max(1, START // (len(make(64)) // 64 + 1))
    while True:
        text = make(2 * count)
        single, double = cost(reader, make(count), SECONDS), cost(reader, text, SECONDS)
        if double >= NOISE:
            yield len(text), single, double
        if len(text) * 2 > MOST or double >= NOISE:
            return
        count *= 4


def _complaint(name: str, fragments: tuple[str, str, str]) -> str:
    """Return what is wrong with a reader and its text; nothing where it is linear. The best of some attempts counts."""
    for attempt in range(ATTEMPTS):
        try:
            worst = [
                (length, one, two)
                for length, one, two in _measured(READERS[name], _maker(*fragments))
                if two > RATIO * one
            ]
        except TooSlowError:
            return f"{name}: more than {SECONDS} s for {fragments}"
        if not worst:
            return ""
        if attempt == ATTEMPTS - 1:
            length, one, two = worst[0]
            return f"{name}: {one:.2f} s, and {two:.2f} s for twice the text ({length} bytes) of {fragments}"
    return ""


def test_every_reader_is_in_the_table() -> None:
    assert READS.keys() == READERS.keys()


@pytest.mark.parametrize("part", range(4))
def test_twice_the_text_takes_about_twice_the_time(part: int) -> None:
    assert [text for name, *fragments in _cases()[part::4] if (text := _complaint(name, (*fragments,)))] == []  # type: ignore[arg-type]


KNOWN: Final = {
    "a tag behind comments": ("reveal", "kind: x\nl: [&a ", "# ", "\n  !x y]\n"),
    "parts of a value": ("value", "ENC[AES256_GCM,data:a", ",iv:a,tag:a,type:", ""),
    "folders of a glob": ("glob", "", "**/", "x"),
    "stars of a glob": ("glob", "", "*a", "x"),
    "begin lines": ("pem", "", "-----BEGIN A-----\n", ""),
    "keys of a person": (
        "person",
        "apiVersion: secretsync/v1\nkind: Principal\nname: alice\nkeys:\n",
        "- {id: k{i}, type: age, recipient: age1x}\n",
        "",
    ),
    "keys of a section": ("encrypt ini", "[s]\n", "k{i} = v\n", ""),
    "comments at the end": ("encrypt yaml", "a: 1\n", "# c\n", ""),
    "blank lines": ("private keys", "PRIVATE", "\n", ""),
    "begin lines in a message": ("message", "PRIVATE KEY", "-----BEGIN A-----\n", "\n-----END A-----\n"),
    "digits of a number": ("number", "", "1", "x"),
    "ciphertext without an end": ("recognition", "", "ENC[AES256_GCM,", ""),
    "removed comments": ("thin out", "? ", "# c\n", "z: 1\n"),
    "copies of an anchor": ("change", "k: &a b\nl:\n", "- *a\n", ""),
    "one long line": ("change json", "{", '"k{i}": 1,', '"z": 1}'),
}


@pytest.mark.parametrize("case", KNOWN.values(), ids=KNOWN)
def test_what_once_took_minutes_is_linear(case: tuple[str, str, str, str]) -> None:
    name, *fragments = case
    assert _complaint(name, (*fragments,)) == ""  # type: ignore[arg-type]


def _slowness() -> float:
    """Return how much slower this machine is, now, than one on which the loop takes a twentieth of a second."""
    start = process_time()
    sum(number & 3 for number in range(1_000_000))
    return max(1.0, (process_time() - start) / 0.05)


@pytest.mark.skipif(not FULL, reason="a sample would say nothing new: make proof-growth")
@pytest.mark.parametrize("name", ["reveal", "redact", "seal", "krm", "helm"])
def test_a_megabyte_of_anything_takes_a_hook_less_than_two_seconds(name: str) -> None:
    slow = []
    for kind in READS[name]:
        for fragments in _texts(kind, random.Random(SEED)):
            data = _megabyte(fragments)
            if all((taken := cost(READERS[name], data, 20) / _slowness()) > 2 for _ in range(ATTEMPTS)):
                slow.append((fragments, taken))
    assert slow == []


DENSE: Final = {
    "flow mappings": ("yaml", "a: [", "{a},", "]\n"),
    "flow sequences": ("yaml", "a: [", "[],", "]\n"),
    "block sequences": ("yaml", "a:\n", "- - x\n", ""),
    "items": ("yaml", "apiVersion: v1\nkind: List\nitems:\n", "- {apiVersion: v1, kind: Secret}\n", ""),
    "keys": ("yaml", "", "k{i}: v\n", ""),
    "objects": ("json", '{"a":[', "{},", "{}]}"),
    "keys of JSON": ("json", "{", '"k{i}":1,', '"z":1}'),
}


@pytest.mark.parametrize("case", DENSE.values(), ids=DENSE)
@pytest.mark.parametrize("mode", ["reveal", "seal"])
def test_the_densest_megabyte_takes_a_hook_two_seconds_and_200_mb(
    tmp_path: Path, mode: str, case: tuple[str, ...]
) -> None:
    suffix, *fragments = case
    (tmp_path / f"f.{suffix}").write_bytes(_megabyte((*fragments,)))  # type: ignore[arg-type]
    arguments = ["--mode", mode, *(["--cert", CERTIFICATE] if mode == "seal" else []), f"f.{suffix}"]
    command = [sys.executable, "-I", "-m", "secretsync.hooks", "render", *arguments]
    taken = 0.0
    for _ in range(ATTEMPTS):
        code, memory, seconds = _used(command, tmp_path)
        assert code in {0, 4, 11}  # rendered; more nodes than its size may hold; no data key to seal with
        assert memory < 200 * 1024  # KiB
        if (taken := seconds / _slowness()) < 2:
            break
    assert taken < 2


_LAUNCHER: Final = """
import os, sys
null = os.open(os.devnull, os.O_WRONLY)
actions = [(os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)]
_, status, usage = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=actions), 0)
print(os.waitstatus_to_exitcode(status), usage.ru_maxrss, usage.ru_utime + usage.ru_stime)
"""


def _used(command: list[str], folder: Path) -> tuple[int, int, float]:
    """Return exit code, KiB and processor seconds; by a small process, since a child inherits the peak of its parent."""
    launcher = [sys.executable, "-I", "-S", "-c", _LAUNCHER, *command]
    code, memory, seconds = subprocess.run(launcher, cwd=folder, capture_output=True, check=True).stdout.split()
    return int(code), int(memory), float(seconds)
