"""Every runbook under settings of git and kinds of clones: what comes of it is what comes of it in a plain repository.

What is compared: every file of the branch, encrypted ones by what they say and for whom; the working tree and index of
the user before and after. The real sops opens the result with a key that stays or came, and with none that went.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from secretsync import age
from secretsync.errors import PlanProblemError
from secretsync.git import Repository
from secretsync.manifests.secret import decode_base64
from secretsync.processes import Pool
from secretsync.rotation import applying
from secretsync.rotation.applying import ApplyOutcome
from secretsync.rotation.file_worker import FileWork
from secretsync.rotation.journal import Operation
from secretsync.rotation.model import Plan
from secretsync.rotation.planning import make_plan
from secretsync.rotation.scenario import SCENARIOS, scenario_named
from secretsync.rotation.sealed_files import sealed_items
from secretsync.rotation.survey import Setting
from secretsync.rotation.writing import Controls
from secretsync.sealed import items, privatekeys
from tests.peers import run
from tests.proofs import FULL
from tests.unit.rotation.repositories import FILES, NOW, READERS, Sandbox
from tests.unit.rotation.test_resealing import key_pem, sealed_manifest

SEED: Final = 20261127
PAIRS: Final = 12
SEALED: Final = "prod/db.sealed.yaml"
Given = dict[str, str]


class Scene(NamedTuple):
    """A runbook with its parameters; `gone` open nothing of `paths` afterwards, `stay` do."""

    given: Callable[[Sandbox], Given]
    gone: tuple[str, ...] = ()
    stay: tuple[str, ...] = ("alice",)
    paths: tuple[str, ...] = tuple(FILES)
    at: datetime = NOW
    prepared: Callable[[Sandbox], None] = lambda _: None


def _newcomer(sandbox: Sandbox) -> None:
    sandbox.identities["new"] = age.generate()
    sandbox.key_file("new").write_text(f"{sandbox.identities['new'].expose()}\n")


def _with_both(sandbox: Sandbox) -> None:
    _newcomer(sandbox)
    plan = sandbox.plan("migrate", subject="bob-1", recipient=sandbox.recipient("new"), key_id="bob-2")
    sandbox.merge(sandbox.apply(plan))


def _out_of_policy(sandbox: Sandbox) -> None:
    wrong = {"dev/app.env": ("alice", "bob", "carol", "prod"), "dev/app.json": ("alice", "bob")}
    wrong["prod/api.yaml"] = ("alice", "bob", "prod", "dave")
    sandbox.write({path: sandbox.encrypt(path, FILES[path], *readers) for path, readers in wrong.items()})
    sandbox.commit()


def _sealed(sandbox: Sandbox) -> None:
    sandbox.write({SEALED: sealed_manifest()})
    sandbox.commit()


SCENES: Final = {
    "add": Scene(
        lambda s: {"subject": "carol", "recipient": s.recipient("dave"), "key-id": "carol-2", "history": "closed"},
        stay=("alice", "dave"),
        paths=("dev/app.json", "dev/app.env"),
    ),
    "remove": Scene(lambda _: {"subject": "bob"}, gone=("bob",)),
    "compromised": Scene(
        lambda s: {"subject": "bob-1", "recipient": s.recipient("new"), "key-id": "bob-2"},
        gone=("bob",),
        stay=("alice", "new"),
        prepared=_newcomer,
    ),
    "expiring": Scene(
        lambda s: {"subject": "bob-1", "recipient": s.recipient("new"), "key-id": "bob-2", "stage": "dual"},
        stay=("alice", "bob", "new"),
        prepared=_newcomer,
    ),
    "migrate": Scene(
        lambda _: {"subject": "bob-1", "stage": "retire"}, gone=("bob",), stay=("alice", "new"), prepared=_with_both
    ),
    "align": Scene(lambda _: {"unknown": "drop"}, gone=("dave",), paths=("prod/api.yaml",), prepared=_out_of_policy),
    "reseal": Scene(lambda _: {"subject": "prod", "certificate": key_pem("new")[0]}, prepared=_sealed),
    "age-out": Scene(lambda _: {"max-age": "365", "budget": "2"}, at=NOW + timedelta(days=4000)),
}


# --- settings and clones: each makes of a repository another one that says the same -------------------------------


class Place:
    """A copy of a repository that a setting changes, and the environment that the program is started in."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.environ: dict[str, str] = {}
        self.beside = sandbox.root.parent
        self.user("user.name", "Test")
        self.user("user.email", "test@example.org")

    def git(self, *arguments: str) -> str:
        return self.sandbox.git(*arguments)

    def user(self, name: str, value: str) -> None:
        """Set what the user has in their own configuration, which every repository of theirs obeys."""
        self.git("config", "--global", name, value)

    def here(self, name: str, value: str) -> None:
        self.git("config", name, value)

    def checked_out_anew(self) -> None:
        for path in self.git("ls-files").split("\n"):
            (self.sandbox.root / path).unlink()
        self.git("checkout", "-q", "-f", "HEAD", "--", ".")

    def moved_to(self, folder: Path) -> None:
        self.sandbox.root = folder

    def cloned(self, *options: str, gone: bool = False) -> None:
        self.here("uploadpack.allowFilter", "true")
        clone = self.beside / "clone"
        self.git("clone", "-q", *options, f"file://{self.sandbox.root}", str(clone))
        if gone:
            self.sandbox.root.rename(self.beside / "away")
        self.moved_to(clone)


def _colours(place: Place) -> None:
    for name in ("ui", "grep", "diff", "branch", "status"):
        place.user(f"color.{name}", "always")


def _autocrlf(place: Place) -> None:
    place.user("core.autocrlf", "true")
    place.checked_out_anew()


def _eol(place: Place) -> None:
    place.sandbox.write({".git/info/attributes": "* text eol=crlf\n"})
    place.checked_out_anew()


def _filtered(place: Place) -> None:
    place.sandbox.write({".git/info/attributes": "* filter=f ident diff=f merge=f\n"})
    for name in ("clean", "smudge", "process"):
        place.here(f"filter.f.{name}", "false")
    place.here("filter.f.required", "true")
    place.here("diff.f.textconv", "false")


def _sparse(place: Place) -> None:
    place.git("sparse-checkout", "set", "--no-cone", "/README.md")


def _worktree(place: Place) -> None:
    place.git("worktree", "add", "-q", str(place.beside / "linked"))
    place.moved_to(place.beside / "linked")


def _separate(place: Place) -> None:
    place.git("init", "-q", f"--separate-git-dir={place.beside / 'elsewhere.git'}")


def _inside(place: Place) -> None:
    outer = place.beside / "outer"
    outer.mkdir()
    place.git("-C", str(outer), "init", "-q")
    place.git(
        "-C",
        str(outer),
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        f"file://{place.sandbox.root}",
        "shop",
    )
    for key in place.beside.glob("*.key"):
        shutil.copy(key, outer)
    place.moved_to(outer / "shop")


def _with_submodule(place: Place) -> None:
    other = place.beside / "other"
    other.mkdir()
    place.git("-C", str(other), "init", "-q")
    place.git("-C", str(other), "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "--allow-empty", "-m", "x")
    place.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", f"file://{other}", "vendor")
    place.git("commit", "-q", "-m", "a submodule")


def _sha256(place: Place) -> None:
    old = place.sandbox.root
    new = place.beside / "sha256"
    place.git("init", "-q", "-b", "main", "--object-format=sha256", str(new))
    for commit in place.git("rev-list", "--reverse", "main").split():
        for each in new.iterdir():
            if each.name != ".git":
                shutil.rmtree(each) if each.is_dir() else each.unlink()
        place.git("--work-tree", str(new), "checkout", "-q", commit, "--", ".")
        place.git("-C", str(new), "add", "-A")
        place.git(
            "-C", str(new), "-c", "user.name=Test", "-c", "user.email=test@example.org", "commit", "-q", "-m", "x"
        )
    place.moved_to(new)
    place.here("user.name", "Test")
    place.here("user.email", "test@example.org")
    shutil.rmtree(old)


def _diffs(place: Place) -> None:
    for name, value in (
        ("diff.noprefix", "true"),
        ("diff.external", "false"),
        ("diff.renames", "copies"),
        ("diff.ignoreSubmodules", "all"),
        ("diff.orderFile", "/nowhere"),
        ("diff.relative", "true"),
    ):
        place.user(name, value)


def _logs(place: Place) -> None:
    for name, value in (
        ("log.showSignature", "true"),
        ("log.date", "relative"),
        ("log.decorate", "full"),
        ("log.follow", "true"),
        ("format.pretty", "raw"),
        ("core.abbrev", "4"),
    ):
        place.user(name, value)


def _signed(place: Place) -> None:
    key = place.beside / "signer"
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key])
    place.user("gpg.format", "ssh")
    place.user("user.signingKey", f"{key}.pub")
    place.user("commit.gpgSign", "true")
    place.user("log.showSignature", "true")


def _refusing(place: Place) -> None:
    hooks = place.beside / "hooks"
    hooks.mkdir()
    for name in ("pre-commit", "commit-msg", "reference-transaction", "post-checkout", "post-index-change"):
        (hooks / name).write_text("#!/bin/sh\nexit 1\n")
        (hooks / name).chmod(0o755)
    place.user("core.hooksPath", str(hooks))


def _monitored(place: Place) -> None:
    place.here("core.fsmonitor", "false; exit 1")
    place.here("core.untrackedCache", "true")
    place.here("core.splitIndex", "true")


def _packed(place: Place) -> None:
    place.git("gc", "-q")
    place.git("pack-refs", "--all", "--prune")
    place.git("commit-graph", "write", "--reachable")
    place.git("multi-pack-index", "write")


def _pointed_elsewhere(place: Place) -> None:
    other = place.beside / "other"
    other.mkdir()
    place.git("-C", str(other), "init", "-q")
    place.environ |= {
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": str(other / "index"),
        "GIT_OBJECT_DIRECTORY": str(other / ".git/objects"),
    }


def _replaced(place: Place) -> None:
    """A replaced file, and a replaced commit: what git shows is not what is there."""
    blob = place.git("rev-parse", "HEAD:dev/app.json")
    place.git("replace", blob, place.git("rev-parse", "HEAD:README.md"))
    other = place.git("commit-tree", "-m", "x", place.git("rev-parse", "HEAD:dev"))
    place.git("replace", "HEAD", other)


def _grafted(place: Place) -> None:
    place.sandbox.write({".git/info/grafts": f"{place.git('rev-parse', 'HEAD')}\n"})


def _told_by_environment(place: Place) -> None:
    told = {"color.ui": "always", "core.quotePath": "true", "core.autocrlf": "true", "diff.noprefix": "true"}
    place.environ["GIT_CONFIG_COUNT"] = str(len(told))
    for number, (name, value) in enumerate(told.items()):
        place.environ |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}


def _other_pathspecs(place: Place) -> None:
    place.environ |= {"GIT_ICASE_PATHSPECS": "1", "GIT_GLOB_PATHSPECS": "1", "GIT_DEFAULT_HASH": "sha256"}
    place.environ |= {"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de", "GIT_PAGER": "false", "GIT_EXTERNAL_DIFF": "false"}


def _bits(place: Place) -> None:
    place.git("update-index", "--assume-unchanged", "dev/app.json", "README.md")
    place.git("update-index", "--skip-worktree", "prod/db.yaml")


def _ignored(place: Place) -> None:
    place.sandbox.write({".git/info/exclude": "*\n"})
    (place.beside / "excludes").write_text("*\n")
    place.user("core.excludesFile", str(place.beside / "excludes"))


def _somebody_elses(place: Place) -> None:
    place.user("safe.directory", "*")
    if os.geteuid() == 0:
        run(["chown", "-R", "65534:65534", place.sandbox.root])


def _packing(place: Place) -> None:
    for name, value in (
        ("core.bigFileThreshold", "1"),
        ("core.compression", "0"),
        ("feature.manyFiles", "true"),
        ("index.version", "4"),
        ("transfer.fsckObjects", "true"),
        ("core.logAllRefUpdates", "always"),
        ("fetch.unpackLimit", "1"),
        ("gc.auto", "1"),
    ):
        place.user(name, value)


def _set(name: str, value: str) -> Callable[[Place], None]:
    return lambda place: place.user(name, value)


def _quietly(_: str) -> None:
    """Take what a command printed."""


def _shared(place: Place) -> None:
    clone = place.beside / "clone"
    place.git("clone", "-q", "--shared", str(place.sandbox.root), str(clone))
    place.moved_to(clone)


SETTINGS: Final[dict[str, Callable[[Place], None]]] = {
    "colours": _colours,
    "autocrlf": _autocrlf,
    "autocrlf input": _set("core.autocrlf", "input"),
    "safecrlf": _set("core.safecrlf", "true"),
    "eol attributes": _eol,
    "filters": _filtered,
    "sparse": _sparse,
    "linked worktree": _worktree,
    "separate git folder": _separate,
    "in a submodule": _inside,
    "submodule beside": _with_submodule,
    "detached": lambda place: _quietly(place.git("checkout", "-q", "--detach")),
    "SHA-256": _sha256,
    "diff settings": _diffs,
    "log settings": _logs,
    "signed commits": _signed,
    "refusing hooks": _refusing,
    "fsmonitor": _monitored,
    "quoted paths": _set("core.quotePath", "true"),
    "ignored case": _set("core.ignoreCase", "true"),
    "precomposed": _set("core.precomposeUnicode", "true"),
    "no file modes": _set("core.fileMode", "false"),
    "no links": _set("core.symlinks", "false"),
    "Latin-1 messages": _set("i18n.commitEncoding", "ISO-8859-1"),
    "status settings": _set("status.showUntrackedFiles", "no"),
    "packing": _packing,
    "alternates": _shared,
    "full clone": lambda place: place.cloned(),
    "shallow": lambda place: place.cloned("--depth", "1"),
    "single branch": lambda place: place.cloned("--single-branch", "--no-tags"),
    "partial, remote away": lambda place: place.cloned("--filter=blob:none", gone=True),
    "treeless, remote there": lambda place: place.cloned("--filter=tree:0"),
    "packed": _packed,
    "another GIT_DIR": _pointed_elsewhere,
    "replace refs": _replaced,
    "grafts": _grafted,
    "GIT_CONFIG_COUNT": _told_by_environment,
    "variables": _other_pathspecs,
    "index bits": _bits,
    "all ignored": _ignored,
    "somebody else's": _somebody_elses,
}
CUT_OFF: Final = {"shallow"}
"""Where history is cut off, the age of a data key is unknown and no reason to rotate; a partial clone has what it shows."""


# --- carrying out, and what came of it ----------------------------------------------------------------------------


def _carried_out(sandbox: Sandbox, name: str) -> tuple[Plan, ApplyOutcome]:
    scene = SCENES[name]
    repository = Repository.containing(sandbox.root)
    unsealing = [key for each in ("new", "old") for key in privatekeys.load(key_pem(each)[1].encode())]
    held = [sandbox.identities[each] for each in scene.gone]
    with Pool(FileWork(repository, sandbox.keys(), held=held, unsealing=unsealing)) as pool:
        setting = Setting(repository, sandbox.keys(), pool, scene.at)
        plan = make_plan(scenario_named(name), scene.given(sandbox), setting)
        assert plan.problems == []
        operation = Operation(repository, plan.operation)
        controls = Controls(lambda: False, lambda _done, _total: None)
        return plan, applying.apply(plan, operation, repository, pool, controls)


def _result(sandbox: Sandbox, branch: str) -> dict[str, Any]:
    """Return every file of a branch: bytes, or of encrypted ones what they say and for whom."""
    repository = Repository.containing(sandbox.root)
    commit = repository.resolve(branch)
    found: dict[str, Any] = {}
    with repository.reader() as reader:
        for path, entry in repository.entries(commit).items():
            if entry.mode == "160000" or path == ".gitmodules":
                continue
            data = reader.read(entry.id)
            named = {who for who in sandbox.identities if sandbox.recipient(who).encode() in data}
            if path in FILES:
                found[path] = (entry.mode, sandbox.text(path, ref=branch), named)
            elif path == SEALED:
                key = privatekeys.load(key_pem("new")[1].encode())
                opened = [items.unseal(decode_base64(one.text), key, one.resource.label) for one in sealed_items(data)]
                found[path] = (entry.mode, opened)
            else:
                found[path] = (entry.mode, data)
    return found


def _state(sandbox: Sandbox) -> tuple[str, ...]:
    """Return what the user sees of their own working tree."""
    seen = ("rev-parse HEAD", "ls-files --stage", "diff --stat", "stash list", "worktree list --porcelain")
    unfiltered = [word for name in ("clean", "process", "required") for word in ("-c", f"filter.f.{name}=")]
    plain = ("--no-replace-objects", "-c", "diff.external=", *unfiltered)
    return tuple(sandbox.git(*plain, *each.split()) for each in seen)


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Sandbox, dict[str, Any]]]:
    """Return a function from a runbook to a repository that is ready for it, and what comes of it there."""
    made: dict[str, tuple[Sandbox, dict[str, Any]]] = {}

    def base(name: str) -> tuple[Sandbox, dict[str, Any]]:
        if name not in made:
            sandbox = Sandbox(tmp_path_factory.mktemp(f"base-{name}") / "shop")
            sandbox.fill()
            SCENES[name].prepared(sandbox)
            plain = _copied(sandbox, tmp_path_factory.mktemp(f"plain-{name}"))
            made[name] = sandbox, _result(plain, _carried_out(plain, name)[1].branch)
        return made[name]

    return base


def _copied(sandbox: Sandbox, to: Path) -> Sandbox:
    shutil.copytree(sandbox.root.parent, to, symlinks=True, dirs_exist_ok=True)
    copy = object.__new__(Sandbox)
    copy.root, copy.names, copy.identities = to / "shop", sandbox.names, dict(sandbox.identities)
    return copy


def _chosen() -> list[tuple[str, str]]:
    every = [(name, setting) for name in SCENES for setting in SETTINGS]
    if FULL:
        return every
    chance = random.Random(SEED)
    settings = chance.sample(sorted(SETTINGS), PAIRS)
    return [(chance.choice(sorted(SCENES)), setting) for setting in settings]


def test_every_runbook_has_a_scene() -> None:
    assert SCENES.keys() == SCENARIOS.keys()
    assert len(SETTINGS) >= 25


@pytest.mark.parametrize(("name", "setting"), _chosen())
def test_a_runbook_comes_to_the_same_whatever_git_is_told(
    name: str,
    setting: str,
    bases: Callable[[str], tuple[Sandbox, dict[str, Any]]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    peer: Callable[[str], Path],
) -> None:
    sops = peer("sops")
    base, expected = bases(name)
    place = Place(_copied(base, tmp_path))
    SETTINGS[setting](place)
    for variable, value in {"HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1", **place.environ}.items():
        monkeypatch.setenv(variable, value)
    sandbox = place.sandbox
    before = _state(sandbox)
    if name == "age-out" and setting in CUT_OFF:
        with pytest.raises(PlanProblemError, match="nothing to do"):
            _carried_out(sandbox, name)
        return
    _, outcome = _carried_out(sandbox, name)
    assert outcome.ending == "done"
    assert _state(sandbox) == before
    assert _result(sandbox, outcome.branch) == expected
    _asked(sops, sandbox, outcome.branch, SCENES[name])


def _asked(binary: Path, sandbox: Sandbox, branch: str, scene: Scene) -> None:
    """Let the real sops open the files of a branch with each key that stays, and with each that went."""
    repository = Repository.containing(sandbox.root)
    folder = sandbox.root.parent / "asked"
    for path in scene.paths:
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(repository.read(repository.resolve(branch), path))
        readers = READERS[path.partition("/")[0]]
        for who in (*scene.stay, *scene.gone):
            if who in scene.gone or who in {*readers, "new", "dave"}:
                environ = {"SOPS_AGE_KEY_FILE": str(sandbox.key_file(who)), "HOME": str(folder)}
                ended = run([binary, "decrypt", target], env=environ, cwd=folder, check=False)
                assert (ended.code == 0) == (who in scene.stay), f"{who} and {path}"
                assert ended.code == 0 or ended.stdout == b""
