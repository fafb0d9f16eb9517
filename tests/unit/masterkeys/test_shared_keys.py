"""One `MasterKeys` for many threads and many files: each data key is asked for once, few are kept, and all go in the end."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier

import pytest

from secretsync import sops
from secretsync.documents.stores import store_named
from secretsync.errors import IncorrectIdentityError
from secretsync.hooks.hook_configuration import HookConfiguration
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.kinds import KINDS
from secretsync.rendering.discover import Input
from secretsync.rendering.options import Options
from secretsync.rendering.rendering import render
from secretsync.secrecy import SecretBytes
from secretsync.sops.datakey import MasterKey
from tests.toys import kind as toy

NOW = datetime(2026, 11, 27, tzinfo=UTC)
THREADS = 8


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the toy into the table, asked by nobody yet."""
    monkeypatch.setitem(KINDS, "toy", toy.KIND)
    toy.ASKED.clear()


@pytest.fixture
def keys() -> MasterKeys:
    """Return keys of ann and bob."""
    return MasterKeys({"TOY_IDENTITIES": "ann,bob"})


def envelopes(number: int, name: str = "toy:ann") -> list[dict[str, object]]:
    """Return envelopes of as many data keys."""
    return [MasterKeys({}).wrap("toy", name, SecretBytes(at.to_bytes(32, "big"))) for at in range(number)]


def test_threads_that_ask_for_the_same_keys_ask_the_service_once_each(keys: MasterKeys) -> None:
    wanted = envelopes(200)
    start = Barrier(THREADS)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)

    def opened(_: int) -> list[int]:
        start.wait()
        return [int.from_bytes(keys.unwrap("toy", one).expose(), "big") for one in wanted]

    try:
        with ThreadPoolExecutor(THREADS) as pool:
            assert list(pool.map(opened, range(THREADS))) == [list(range(200))] * THREADS
    finally:
        sys.setswitchinterval(interval)
    assert toy.ASKED == [1] * 200


def test_few_keys_are_kept_and_the_one_used_last_longest() -> None:
    keys = MasterKeys({"TOY_IDENTITIES": "ann"}, cached=2)
    first, second, third = envelopes(3)
    for one in (first, second, first, third):
        keys.unwrap("toy", one)
    assert keys.known("toy", first) is not None
    assert keys.known("toy", second) is None
    assert keys.known("toy", third) is not None
    assert keys.unwrap("toy", second).expose()[-1] == 1


def test_an_answer_is_not_taken_by_an_envelope_that_names_another_key(keys: MasterKeys) -> None:
    (one,) = envelopes(1)
    keys.unwrap("toy", one)
    assert keys.known("toy", {**one, "toy_name": "toy:bob"}) is None


def test_a_with_statement_ends_the_life_of_its_keys() -> None:
    with MasterKeys({"TOY_IDENTITIES": "ann"}) as keys:
        keys.unwrap("toy", envelopes(1)[0])
    with pytest.raises(Exception, match="closed"):
        keys.unwrap("toy", envelopes(1)[0])


def _files(number: int, *names: str) -> list[Input]:
    source = store_named("yaml").load(b"kind: Secret\napiVersion: v1\nmetadata: {name: a}\nstringData: {a: b}\n")
    group = [MasterKey("toy", name) for name in names]
    data = [sops.encrypt(source, groups=[group], keys=MasterKeys({}), now=NOW) for _ in range(number)]
    return [Input(f"{at}.yaml", f"{at}.yaml", content=one) for at, one in enumerate(data)]


def test_many_files_ask_a_service_together(keys: MasterKeys) -> None:
    rendered = render(_files(20, "toy:ann"), Options(environ={}), keys=keys, now=NOW)
    assert len(rendered.pieces) == 20
    assert toy.ASKED == [20]


def test_files_whose_first_key_is_not_here_ask_for_their_next_ones_together(keys: MasterKeys) -> None:
    render(_files(20, "toy:eve", "toy:ann"), Options(environ={}), keys=keys, now=NOW)
    assert toy.ASKED[:2] == [20, 20]


def test_processes_that_render_take_what_was_asked_before_they_began(keys: MasterKeys) -> None:
    rendered = render(_files(80, "toy:ann"), Options(environ={}, workers=2), keys=keys, now=NOW)
    assert len(rendered.pieces) == 80
    assert toy.ASKED == [80]


def test_a_hook_asks_no_service_that_its_configuration_does_not_name() -> None:
    (one,) = envelopes(1)
    nobody = HookConfiguration("hook.yaml").keys()
    (answer,) = nobody.unwrap_many("toy", [one])
    assert isinstance(answer, IncorrectIdentityError)
    named = HookConfiguration("hook.yaml", identities={"toy": ("/etc/ann",)}).keys()
    assert named.unwrap("toy", one) == SecretBytes(bytes(32))
    assert toy.ASKED == [1]
