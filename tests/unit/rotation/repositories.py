"""A repository with a key ring and encrypted files, made anew for a test, and the engine set up to work on it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from secretsync import age, sops
from secretsync.documents.stores import store_for_path, store_named
from secretsync.git import Repository
from secretsync.keyring import Checkout, Snapshot
from secretsync.keyring.editing import regenerated
from secretsync.masterkeys import MasterKeys
from secretsync.processes import Pool
from secretsync.rotation import applying, evidence
from secretsync.rotation.applying import ApplyOutcome
from secretsync.rotation.file_metadata import options_for
from secretsync.rotation.file_worker import FileWork
from secretsync.rotation.journal import Observer, Operation
from secretsync.rotation.model import Plan
from secretsync.rotation.planning import Planning, make_plan
from secretsync.rotation.run import RunbookRun
from secretsync.rotation.scenario import scenario_named
from secretsync.rotation.survey import Setting
from secretsync.rotation.writing import Controls
from secretsync.sops.operations import editable, open_file
from secretsync.sops.selectors import Selector

NOW: Final = datetime(2026, 11, 24, 23, 50, tzinfo=UTC)

POLICY: Final = """\
rules:
  - paths: ["prod/**"]
    readers: [alice, bob, cluster:prod]
    encrypt: {encrypted_regex: "^(data|stringData)$"}
  - paths: ["dev/**"]
    readers: [alice, bob, carol]
"""
READERS: Final = {"prod": ("alice", "bob", "prod"), "dev": ("alice", "bob", "carol")}

FILES: Final = {
    "prod/db.yaml": "# the database\nkind: Secret\nmetadata: {name: db}\nstringData:\n  user: shop\n  password: hunter2-prod\n",
    "prod/api.yaml": "kind: Secret\nmetadata: {name: api}\nstringData:\n  token: t0ken-prod # rotate me\n",
    "dev/app.json": '{\n  "password": "hunter2-dev",\n  "port": 5432\n}\n',
    "dev/app.env": "PASSWORD=hunter2-env\n",
}


@dataclass
class Sandbox:
    """A repository, the identities of its people, and shorthand for what a test does with them."""

    root: Path
    names: tuple[str, ...] = ("alice", "bob", "carol", "prod", "dave")
    identities: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.identities = {name: age.generate() for name in self.names}
        for name, identity in self.identities.items():
            (self.root.parent / f"{name}.key").write_text(f"{identity.expose()}\n")
        self.root.mkdir()
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Test")
        self.git("config", "user.email", "test@example.org")

    def recipient(self, name: str) -> str:
        """Return somebody's age recipient."""
        return str(self.identities[name])

    def key_file(self, name: str) -> Path:
        """Return the file with somebody's identity."""
        return self.root.parent / f"{name}.key"

    def git(self, *arguments: str) -> str:
        """Run git in the repository."""
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.root.parent), "GIT_CONFIG_NOSYSTEM": "1"}
        ended = subprocess.run(
            ["git", *arguments], cwd=self.root, env=environ, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.strip()

    def write(self, contents: Mapping[str, bytes | str]) -> None:
        """Write files."""
        for path, data in contents.items():
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data.encode() if isinstance(data, str) else data)

    def commit(self, message: str = "change") -> str:
        """Commit everything."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def keys(self, name: str = "alice") -> MasterKeys:
        """Return what somebody's machine holds."""
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root.parent),
            "SOPS_AGE_KEY_FILE": str(self.key_file(name)),
        }
        return MasterKeys(environ)

    def encrypt(self, path: str, text: str, *readers: str) -> bytes:
        """Return a file encrypted for `readers`, whatever the policy says."""
        selector = Selector("encrypted_regex", "^(data|stringData)$") if path.startswith("prod/") else None
        source = store_named(store_for_path(path)).load(text.encode())
        groups = [[("age", self.recipient(name)) for name in readers]]
        return sops.encrypt(source, groups=groups, keys=MasterKeys({}), now=NOW, selector=selector)

    def shared(self, path: str, text: str, *groups: tuple[str, ...], threshold: int = 2) -> bytes:
        """Return a file whose data key is shared between groups of readers."""
        source = store_named(store_for_path(path)).load(text.encode())
        named = [[("age", self.recipient(name)) for name in group] for group in groups]
        return sops.encrypt(source, groups=named, keys=MasterKeys({}), now=NOW, threshold=threshold)

    def ring(self) -> dict[str, str]:
        """Return the files of the key ring."""
        found = {"keys/policy.yaml": POLICY}
        for name in ("alice", "bob", "carol", "prod"):
            folder, kind = ("clusters", "prod") if name == "prod" else ("people", name)
            key = f"  - id: {name}-1\n    type: age\n    recipient: {self.recipient(name)}\n"
            head = f"apiVersion: secretsync/v1\nkind: Principal\nname: {kind}\nowner: {name}@example.org\n"
            found[f"keys/{folder}/{name}.yaml"] = f"{head}keys:\n{key}"
        return found

    def fill(self, files: Mapping[str, str] = FILES) -> None:
        """Commit the key ring, and files as the policy wants them."""
        self.write(self.ring())
        ring = Snapshot({path: text.encode() for path, text in self.ring().items()})
        self.write({path: data for path, data in regenerated(ring, {}, today=NOW.date()).items() if data is not None})
        self.write({path: self.encrypt(path, text, *READERS[path.partition("/")[0]]) for path, text in files.items()})
        self.write({"README.md": "A shop.\n"})
        self.commit("begin")

    def change_ring(self, contents: Mapping[str, str]) -> None:
        """Commit files of the key ring, with the lock and `.sops.yaml` that follow from them."""
        self.write(contents)
        following = regenerated(Checkout(self.root), {}, today=NOW.date())
        self.write({path: data for path, data in following.items() if data is not None})
        self.commit("change the key ring")

    def plan(
        self, scenario: str, *, who: str = "alice", at: datetime = NOW, allow_partial: bool = False, **given: str
    ) -> Plan:
        """Make a plan with somebody's keys."""
        repository = Repository.containing(self.root)
        keys = self.keys(who)
        with Pool(FileWork(repository, keys)) as pool:
            values = {name.replace("_", "-"): value for name, value in given.items()}
            how = Planning(allow_partial)
            return make_plan(scenario_named(scenario), values, Setting(repository, keys, pool, at), how=how)

    def resumed(
        self, scenario: str, *, who: str = "alice", name: str | None = None, reviewed: Plan | None = None
    ) -> dict[str, Any]:
        """Go on with what was begun here or stands on a branch, with somebody's keys, and return the evidence."""
        with RunbookRun(Repository.containing(self.root), self.keys(who)) as run:
            return run.resume(scenario, name, reviewed=reviewed)

    def clone(self, name: str, *options: str) -> Sandbox:
        """Return another clone, of the same people."""
        made = copy(self)
        made.root = self.root.parent / name
        self.git("clone", "-q", *options, f"file://{self.root}", str(made.root))
        made.git("config", "user.name", name)
        made.git("config", "user.email", f"{name}@example.org")
        return made

    def apply(
        self,
        plan: Plan,
        *,
        who: str = "alice",
        held: tuple[str, ...] = (),
        branch: str = "",
        observer: Observer | None = None,
        stopped: Callable[[], bool] = lambda: False,
        resume: bool = False,
    ) -> ApplyOutcome:
        """Carry a plan out, or on."""
        repository = Repository.containing(self.root)
        operation = Operation(repository, plan.operation, branch=branch, observer=observer)
        controls = Controls(stopped, lambda _done, _total: None)
        with Pool(FileWork(repository, self.keys(who), held=[self.identities[name] for name in held])) as pool:
            if resume:
                outcome = applying.resume(operation, repository, pool, controls)
            else:
                outcome = applying.apply(plan, operation, repository, pool, controls)
        evidence.write(evidence.gather(plan, operation, outcome, repository), operation.folder)
        return outcome

    def merge(self, outcome: ApplyOutcome) -> None:
        """Merge what was carried out."""
        self.git("merge", "-q", "--ff-only", outcome.branch)

    def text(self, path: str, who: str = "alice", ref: str = "HEAD") -> bytes:
        """Return a file of a commit, decrypted with somebody's keys."""
        repository = Repository.containing(self.root)
        data = repository.read(repository.resolve(ref), path)
        return editable(open_file(data, options_for(path, data, self.keys(who))))
