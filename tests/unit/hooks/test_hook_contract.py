"""What every hook keeps, whichever engine calls it: one class of tests, run by each command of the table and by a toy."""

from __future__ import annotations

import gc
import io
import json
import os
import signal
import sys
import threading
import warnings
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NoReturn

import pytest
import yaml

from secretsync.compat import ksops
from secretsync.errors import LimitError, MacMismatchError, NoIdentityMatchError, PolicyError, SecretsyncError
from secretsync.hooks import COMMANDS, Call, Hook, __main__, context, render_command
from secretsync.hooks.argv import UsageError
from secretsync.hooks.helm import command as helm
from secretsync.hooks.helm import getter, values
from secretsync.hooks.krm import command as krm
from secretsync.late import load
from tests.toys import hook as toy
from tests.unit.render.workshop import CANARY, ENVIRON, IDENTITY, SECRET, encrypted

MANIFEST = SECRET.replace("hunter2", CANARY)
FILE = "db.enc.yaml"
HEAD = f"apiVersion: secretsync/v1\nkind: HookConfiguration\nidentities: {{age: [{IDENTITY}]}}\n"
GENERATOR = {"apiVersion": "viaduct.ai/v1", "kind": "ksops", "metadata": {"name": "g"}, "files": [FILE]}
TRANSFORMER = {"apiVersion": "secretsync/v1", "kind": "SecretTransformer", "metadata": {"name": "t"}}

# mypy holds each module against the Protocol here.
HOOKS: list[Hook] = [render_command, krm, helm, values, getter, toy]


def resource_list(config: Mapping[str, object] | None, *items: object) -> bytes:
    listed = {"apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList", "items": list(items)}
    return json.dumps({**listed, **({"functionConfig": config} if config else {})}).encode()


def never(*_: object) -> NoReturn:
    raise AssertionError("nothing of the process is read")


class FunctionContract:
    """A call in, bytes out. Run by a subclass for each way to call: its arguments, and its input."""

    arguments: tuple[str, ...] = ()

    def stdin(self, manifest: bytes) -> bytes:
        """Return the input by which `manifest`, which lies in FILE as well, gets to the hook."""
        del manifest
        return b""

    def run(self, call: Call) -> bytes:
        """Call the hook."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Work in a folder with an encrypted Secret, without a configuration."""
        place = tmp_path / "work"
        place.mkdir()
        monkeypatch.chdir(place)
        monkeypatch.setattr(context, "DEFAULT_PATH", str(tmp_path / "hook.yaml"))
        (place / "generator.yaml").write_text(yaml.safe_dump(GENERATOR))
        self.put(encrypted(MANIFEST))
        return place

    def put(self, manifest: bytes) -> None:
        """Let the hook be called with `manifest`."""
        Path(FILE).write_bytes(manifest)
        self.manifest = manifest

    def called(self, environ: dict[str, str] | None = None) -> bytes:
        """Call the hook with what was put."""
        read = io.BytesIO(self.stdin(self.manifest)).read
        return self.run(Call(self.arguments, ENVIRON if environ is None else environ, read))

    def test_what_is_secret_comes_out(self) -> None:
        assert CANARY.encode() in self.called()

    def test_the_same_call_gives_the_same_bytes_and_only_the_call_is_asked(
        self, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        expected = self.called()
        for name in ("stdin", "stdout", "stderr"):
            monkeypatch.setattr(sys, name, never)
        monkeypatch.setattr(os, "environ", {})
        assert self.called() == expected
        monkeypatch.undo()
        assert capfd.readouterr() == ("", "")

    def test_it_changes_nothing_that_the_process_shares(self) -> None:
        def shared() -> list[object]:
            handlers = {each: signal.getsignal(each) for each in signal.valid_signals()}
            limits = gc.get_threshold(), gc.isenabled(), sys.getrecursionlimit(), len(warnings.filters)
            streams = sys.stdin, sys.stdout, sys.stderr
            return [handlers, limits, streams, dict(os.environ), os.getcwd(), threading.active_count()]

        before = shared()
        self.called({**ENVIRON, "HELM_PLUGIN_DIR": "/x", "HOME": os.getcwd(), "SECRETSYNC_ERROR_FILE": "said.txt"})
        assert shared() == before
        assert sorted(os.listdir()) == [FILE, "generator.yaml"]

    def test_several_threads_may_call_it_at_once(self) -> None:
        expected = self.called()
        with ThreadPoolExecutor(8) as pool:
            assert {each.result() for each in [pool.submit(self.called) for _ in range(24)]} == {expected}

    def test_what_was_changed_is_refused_in_one_line_that_holds_no_secret(self) -> None:
        self.put(self.manifest.replace(b"namespace: prod", b"namespace: test"))
        with pytest.raises(MacMismatchError) as caught:
            self.called()
        assert "\n" not in str(caught.value)
        assert CANARY not in f"{caught.value} {caught.value.hint}"
        assert CANARY.encode() not in caught.value.answer

    def test_without_a_key_nothing_opens(self) -> None:
        with pytest.raises(NoIdentityMatchError):
            self.called({})

    @pytest.mark.parametrize(
        ("text", "refusal"),
        [
            ("", None),
            ("outputs: {kinds: [Secret]}\n", None),
            ("outputs: {kinds: [ConfigMap]}\n", PolicyError),
            ("outputs: {namespaces: [test]}\n", PolicyError),
            ("limits: {size: 20}\n", LimitError),
        ],
    )
    def test_the_hooks_configuration_decides(
        self, tmp_path: Path, text: str, refusal: type[SecretsyncError] | None
    ) -> None:
        (tmp_path / "hook.yaml").write_text(HEAD + text)
        if refusal is None:
            assert CANARY.encode() in self.called({})
            return
        with pytest.raises(refusal) as caught:
            self.called({})
        assert CANARY.encode() not in caught.value.answer


class HookContract(FunctionContract):
    """A row of the table. Run by a subclass for each command, by its name there."""

    command: str

    def run(self, call: Call) -> bytes:
        """Call what the table names."""
        return self.hook().run(call)

    def hook(self) -> Hook:
        """Return what the table names."""
        hook: Hook = load(COMMANDS[self.command].module)
        return hook

    def test_its_help_is_its_own_and_reads_nothing(self) -> None:
        for word in ("--help", "-h"):
            assert self.run(Call([word], read=never)).decode() == self.hook().USAGE
        assert self.hook().USAGE.startswith(f"usage: secretsync-hook {self.command} ")

    def test_its_help_names_every_option(self) -> None:
        table = getattr(self.hook(), "TABLE", {})
        assert [name for name in table if name not in {"--help", "-h"} and name not in self.hook().USAGE] == []

    def test_an_option_it_does_not_have_is_refused(self) -> None:
        with pytest.raises(UsageError):
            self.run(Call(["--no-such-option"], read=never))

    def test_the_program_calls_it_by_its_words(
        self, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        expected = self.called()
        monkeypatch.setattr(os, "environ", ENVIRON)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(self.stdin(self.manifest))))
        assert __main__.run([*self.command.split(), *self.arguments]) == 0
        assert capfdbinary.readouterr() == (expected, b"")

    def test_the_help_of_the_program_says_what_the_table_says(self) -> None:
        summary = COMMANDS[self.command].summary
        lines = [line.split(maxsplit=1) for line in __main__.usage().splitlines() if line.startswith("  ")]
        assert [self.command, summary] in lines or not summary
        assert " ".join(self.command.split()[:1]) in {line[0] for line in lines}


class TestRender(HookContract):
    command, arguments = "render", (FILE,)


class TestRenderOfAStream(HookContract):
    command, arguments = "render", ("-",)

    def stdin(self, manifest: bytes) -> bytes:
        return manifest


class TestKrmGenerator(HookContract):
    command = "krm"

    def stdin(self, manifest: bytes) -> bytes:
        del manifest
        return resource_list(GENERATOR)


class TestKrmTransformer(HookContract):
    command = "krm"

    def stdin(self, manifest: bytes) -> bytes:
        return resource_list(TRANSFORMER, yaml.safe_load(manifest))


class TestHelmPostRenderer(HookContract):
    command = "helm"

    def stdin(self, manifest: bytes) -> bytes:
        return manifest


class TestHelmValues(HookContract):
    command, arguments = "helm values", (FILE,)


class TestHelmGetter(HookContract):
    command, arguments = "helm get", ("", "", "", f"secrets://{FILE}")


class TestToy(HookContract):
    """A hook that no module knows: one row of the table makes it one."""

    command = toy.NAME

    @pytest.fixture(autouse=True)
    def registered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Give the table its row."""
        monkeypatch.setitem(COMMANDS, toy.NAME, toy.ENTRY)

    def stdin(self, manifest: bytes) -> bytes:
        return json.dumps({"manifests": manifest.decode()}).encode()


class TestKsops(FunctionContract):
    """`ksops` has a name and a command line of its own; what it does is a hook all the same."""

    def run(self, call: Call) -> bytes:
        return ksops.run(call)

    def stdin(self, manifest: bytes) -> bytes:
        del manifest
        return resource_list(None, GENERATOR)


class TestKsopsAsAPlugin(TestKsops):
    arguments = ("generator.yaml",)


def test_every_command_of_the_table_runs_the_contract() -> None:
    assert {each.command for each in HookContract.__subclasses__()} >= COMMANDS.keys()
