"""Exposure against a brute-force model: histories with branches, tags, merges, moves, copies and renamed keys."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from secretsync.git import Repository
from secretsync.masterkeys import MasterKeys
from secretsync.processes import Pool
from secretsync.rotation.exposure import exposed, recipients_called
from secretsync.rotation.file_worker import FileWork
from tests.proofs import size
from tests.unit.rotation.repositories import Sandbox

STEPS: Final = 14
HISTORIES: Final = size(sample=4, full=200)


class _Content(NamedTuple):
    values: tuple[tuple[str, str], ...]
    is_bobs: bool


class _History:
    """A random history, and beside it what the model knows of it: the files at each ref, and all that ever were."""

    def __init__(self, sandbox: Sandbox, seed: int) -> None:
        self.sandbox = sandbox
        self.random = random.Random(seed)
        self.count = 0
        self.files: dict[str, _Content] = {}
        self.refs: dict[str, dict[str, _Content]] = {}
        self.ever: set[tuple[str, _Content]] = set()
        self.branch = "main"
        self._write("f0.json")
        self._commit()

    def run(self) -> None:
        for _ in range(STEPS):
            step = self.random.choice(("write", "write", "move", "copy", "delete", "rename", "branch", "tag", "merge"))
            getattr(self, f"_{step}_step")()

    def _fresh(self) -> str:
        self.count += 1
        return f"value-number-{self.count}"

    def _put(self, path: str, content: _Content) -> None:
        store = json.dumps(dict(content.values))
        if path.endswith(".env"):
            store = "".join(f"{name}={value}\n" for name, value in content.values)
        readers = ("alice", "bob") if content.is_bobs else ("alice",)
        self.sandbox.write({path: self.sandbox.encrypt(path, store, *readers)})
        self.files[path] = content

    def _write(self, path: str) -> None:
        old = dict(self.files[path].values) if path in self.files else {"one": "", "two": ""}
        values = {name: value if value and self.random.random() < 0.4 else self._fresh() for name, value in old.items()}
        self._put(path, _Content(tuple(values.items()), self.random.random() < 0.5))

    def _commit(self) -> None:
        self.sandbox.git("add", "-A")
        self.sandbox.git("commit", "-q", "--allow-empty", "-m", "x")
        self.ever |= set(self.files.items())
        self.refs[f"refs/heads/{self.branch}"] = dict(self.files)

    def _any(self) -> str:
        return self.random.choice(sorted(self.files))

    def _new(self) -> str:
        self.count += 1
        return f"f{self.count}.{self.random.choice(('json', 'env'))}"

    def _write_step(self) -> None:
        self._write(self._any() if self.files and self.random.random() < 0.7 else self._new())
        self._commit()

    def _move_step(self) -> None:
        if self.files:
            content = self._delete(self._any())
            self._put(self._new(), content)
            self._commit()

    def _copy_step(self) -> None:
        if self.files:
            self._put(self._new(), self.files[self._any()]._replace(is_bobs=False))
            self._commit()

    def _rename_step(self) -> None:
        if self.files:
            path = self._any()
            values = tuple(
                (self.random.choice(("a", "b", "c")) + name, value) for name, value in self.files[path].values
            )
            self._put(path, _Content(values, is_bobs=False))
            self._commit()

    def _delete(self, path: str) -> _Content:
        (self.sandbox.root / path).unlink()
        return self.files.pop(path)

    def _delete_step(self) -> None:
        if self.files:
            self._delete(self._any())
            self._commit()

    def _branch_step(self) -> None:
        self.branch = self.random.choice(("main", "side", "other"))
        name = f"refs/heads/{self.branch}"
        if name in self.refs:
            self.sandbox.git("checkout", "-q", self.branch)
            self.files = dict(self.refs[name])
        else:
            self.sandbox.git("checkout", "-q", "-b", self.branch)
            self.refs[name] = dict(self.files)

    def _tag_step(self) -> None:
        self.count += 1
        self.sandbox.git("tag", f"v{self.count}")
        self.refs[f"refs/tags/v{self.count}"] = dict(self.files)

    def _merge_step(self) -> None:
        other = self.random.choice([name for name in sorted(self.refs) if name.startswith("refs/heads/")])
        self.sandbox.git("merge", "-q", "-s", "ours", "--no-ff", "-m", "merge", other)
        self.refs[f"refs/heads/{self.branch}"] = dict(self.files)

    def expected(self) -> dict[tuple[str, str], str]:
        """Return the state of every value by looking at everything."""
        heads = [files for name, files in self.refs.items() if name.startswith("refs/heads/")]
        live = {value for files in heads for one in files.values() for _, value in one.values}
        places = {(path, name) for files in heads for path, one in files.items() for name, _ in one.values}
        kept = {value for files in self.refs.values() for one in files.values() for _, value in one.values}
        seen: dict[tuple[str, str], set[str]] = {}
        for path, content in self.ever:
            for name, value in content.values if content.is_bobs else ():
                seen.setdefault((path, name), set()).add(value)
        return {
            place: "live"
            if some & live
            else "elsewhere"
            if some & kept
            else "changed"
            if place in places
            else "deleted"
            for place, some in seen.items()
        }


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_exposure_is_what_a_look_at_everything_says(tmp_path: Path, seed: int) -> None:
    sandbox = Sandbox(tmp_path / "shop")
    history = _History(sandbox, seed)
    history.run()
    repository = Repository.containing(sandbox.root)
    keys: MasterKeys = sandbox.keys("alice")
    with Pool(FileWork(repository, keys)) as pool:
        found = exposed(repository, pool, repository.resolve("HEAD"), recipients_called([sandbox.recipient("bob")]))
    assert {(one.path, one.place): one.state for one in found.values} == history.expected()
    assert found.unread == []
