"""`verify` against what a merge can do to an operation: honest ways to main are good, whatever is slipped in is named.

Each forgery is tried on each way to main that can carry it, in the clone of the operator, in one that has only the plan,
and in one that has only the evidence.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from secretsync.errors import ProofError, RepositoryError
from secretsync.git import Repository
from secretsync.keyring import Checkout
from secretsync.keyring.editing import regenerated
from secretsync.rotation import promises
from secretsync.rotation.journal import Operation
from secretsync.rotation.judging import Judgement
from secretsync.rotation.model import dump
from secretsync.rotation.promises import Promise
from secretsync.rotation.run import RunbookRun
from secretsync.rotation.scenario import scenario_named
from tests.proofs import size
from tests.unit.rotation.repositories import FILES, NOW, READERS, Sandbox

SEED: Final = 20261127


class Done(NamedTuple):
    """A repository with an operation that is done and not merged."""

    sandbox: Sandbox
    branch: str
    plan: bytes
    evidence: bytes
    scenario: str


@pytest.fixture(scope="module")
def removal(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """Return a repository where bob was removed on a branch; it has commits before, and an older value of each file."""
    sandbox = Sandbox(tmp_path_factory.mktemp("removal") / "shop")
    sandbox.fill({path: text.replace("hunter2", "older") for path, text in FILES.items()})
    sandbox.write({path: sandbox.encrypt(path, FILES[path], *READERS[path.partition("/")[0]]) for path in FILES})
    sandbox.commit("new values")
    return _carried_out(sandbox, "remove", subject="bob")


def _carried_out(sandbox: Sandbox, scenario: str, **given: str) -> Done:
    repository = Repository.containing(sandbox.root)
    with RunbookRun(repository, sandbox.keys()) as run:
        values = {name.replace("_", "-"): value for name, value in given.items()}
        now = NOW.replace(year=NOW.year + 30) if scenario == "age-out" else NOW
        plan = run.plan(scenario_named(scenario), values, now=now)
        assert plan.problems == []
        found = run.apply(plan)
    folder = Path(Operation(repository, found["operation"]).folder)
    return Done(sandbox, found["branch"], dump(plan), (folder / "evidence.json").read_bytes(), scenario)


@pytest.fixture
def done(removal: Done, tmp_path: Path) -> Done:
    """Return a copy of the repository, to be merged in one way or another."""
    root = tmp_path / "shop"
    shutil.copytree(removal.sandbox.root, root, symlinks=True)
    copy = Sandbox.__new__(Sandbox)
    copy.__dict__.update(removal.sandbox.__dict__ | {"root": root})
    for name, identity in copy.identities.items():
        copy.key_file(name).write_text(f"{identity.expose()}\n")
    return removal._replace(sandbox=copy)


def _judged(done: Done, *, at: str = "", who: str = "alice", given: Promise | None = None) -> Judgement:
    repository = Repository.containing(done.sandbox.root)
    before = _everything(done.sandbox)
    with RunbookRun(repository, done.sandbox.keys(who)) as run:
        found = run.verify(done.scenario, None, given, at=at)
    assert _everything(done.sandbox) == before, "verify looks and never writes"
    return found


def _everything(sandbox: Sandbox) -> list[tuple[str, int]]:
    return [(str(path), path.lstat().st_mtime_ns) for path in sorted(sandbox.root.rglob("*"))]


def _knowers(done: Done) -> list[Promise | None]:
    """Return the three ways in which somebody can know what was promised."""
    return [None, promises.of_plan(done.plan, "plan"), promises.of_evidence(done.evidence, "evidence")]


# Honest ways to main. Each is given the repository with main checked out.


def _fast_forward(done: Done) -> None:
    done.sandbox.git("merge", "-q", "--ff-only", done.branch)


def _merge(done: Done) -> None:
    done.sandbox.git("merge", "-q", "--no-ff", "-m", "merge", done.branch)


def _squash(done: Done) -> None:
    done.sandbox.git("merge", "-q", "--squash", done.branch)
    done.sandbox.git("commit", "-q", "-m", "bob leaves (#12)")


def _rebase(done: Done) -> None:
    done.sandbox.git("checkout", "-q", "-b", "moved", done.branch)
    done.sandbox.git("rebase", "-q", "main")
    done.sandbox.git("checkout", "-q", "main")
    done.sandbox.git("merge", "-q", "--ff-only", "moved")
    done.sandbox.git("branch", "-q", "-D", "moved")


def _cherry_pick(done: Done) -> None:
    done.sandbox.git("cherry-pick", f"main..{done.branch}")


WAYS: Final[dict[str, Callable[[Done], None]]] = {
    "fast-forward": _fast_forward,
    "merge": _merge,
    "squash": _squash,
    "rebase": _rebase,
    "cherry-pick": _cherry_pick,
}


def _unrelated(done: Done, name: str) -> None:
    """Commit what people do all day: a page, a new secret for those who may read it."""
    secret = done.sandbox.encrypt("dev/x.yaml", "token: t0\n", "alice", "carol")
    done.sandbox.write({f"docs/{name}.md": "A page.\n", f"dev/{name}.yaml": secret})
    done.sandbox.commit(f"work on {name}")


@pytest.mark.parametrize("way", WAYS)
def test_an_operation_is_good_whatever_honest_way_it_came_to_main(done: Done, way: str) -> None:
    assert _judged(done).failures == []
    if way != "fast-forward":
        _unrelated(done, "before")
        assert _judged(done).failures == [], "main moved, and the branch is what it was"
    WAYS[way](done)
    done.sandbox.git("branch", "-q", "-D", done.branch)
    merged = done.sandbox.git("rev-parse", "HEAD")
    for given in _knowers(done):
        assert _judged(done, given=given).failures == []
    _unrelated(done, "after")
    done.sandbox.git("checkout", "-q", "--detach")
    for given in _knowers(done):
        assert _judged(done, at="main", given=given).failures == []
        assert _judged(done, at=merged, given=given).failures == []


@pytest.mark.parametrize("way", [*WAYS][-size(1, len(WAYS)) :])
def test_who_opens_nothing_is_told_what_could_not_be_proved(done: Done, way: str) -> None:
    WAYS[way](done)
    for given, is_good in ((promises.of_plan(done.plan, "plan"), False), (_knowers(done)[2], True)):
        found = _judged(done, at="main", who="dave", given=given)
        statuses = {check.id: check.status for check in found.checks}
        assert (found.failures == []) == is_good, "evidence knows what was written, a plan does not"
        assert statuses["files"] == ("passed" if is_good else "unknown")
        assert statuses["V1"] == "unknown"
        assert "passed" not in {statuses["V3"], statuses["V4"], statuses["V5"], statuses["V9"]}


def test_an_exchanged_value_is_not_good_for_who_opens_nothing(done: Done) -> None:
    _evil_squash(done, _other_value)
    for given in _knowers(done):
        with pytest.raises(ProofError) as raised:
            _judged(done, at="main", who="dave", given=given).require_good()
        assert "dev/app.json" in str(raised.value) or "--evidence" in str(raised.value.hint)


def test_a_value_that_was_changed_since_is_honest(done: Done) -> None:
    _merge(done)
    done.sandbox.write({"dev/app.json": done.sandbox.encrypt("dev/app.json", '{"password": "new"}', "alice", "carol")})
    done.sandbox.commit("a new password")
    for given in _knowers(done):
        found = _judged(done, at="main", given=given)
        assert found.failures == []
        assert any("dev/app.json: changed since by commit" in note for check in found.checks for note in check.notes)


def test_a_reader_who_was_added_since_is_honest(done: Done) -> None:
    _squash(done)
    policy = (
        (done.sandbox.root / "keys/policy.yaml").read_text().replace("[alice, carol]", "[alice, carol, cluster:prod]")
    )
    done.sandbox.change_ring({"keys/policy.yaml": policy})
    done.sandbox.write({"dev/app.env": done.sandbox.encrypt("dev/app.env", "PASSWORD=x\n", "alice", "carol", "prod")})
    done.sandbox.commit("prod reads dev")
    for given in _knowers(done):
        assert _judged(done, at="main", given=given).failures == []


def test_a_ring_that_others_changed_meanwhile_is_merged_honestly(done: Done) -> None:
    """Both sides have a new lock; whoever merges has it written anew."""
    done.sandbox.change_ring({"keys/groups.yaml": "groups:\n  on-call: {members: [carol]}\n"})
    with pytest.raises(AssertionError):
        done.sandbox.git("merge", "-q", "--no-ff", "-m", "merge", done.branch)
    done.sandbox.git("checkout", "-q", "--theirs", "keys/keyring.lock")
    following = regenerated(Checkout(done.sandbox.root), {}, today=NOW.date())
    done.sandbox.write({path: data for path, data in following.items() if data is not None})
    done.sandbox.commit("merge")
    for given in _knowers(done):
        assert _judged(done, at="main", given=given).failures == []


def test_a_branch_that_main_was_merged_into_is_good(done: Done) -> None:
    _unrelated(done, "before")
    done.sandbox.git("checkout", "-q", done.branch)
    done.sandbox.git("merge", "-q", "-m", "update", "main")
    done.sandbox.git("checkout", "-q", "main")
    assert _judged(done).failures == []
    _merge(done)
    assert _judged(done, at="main").failures == []


def test_a_page_that_both_sides_changed_is_noted_and_no_fault(done: Done) -> None:
    readme = done.sandbox.root / "README.md"
    done.sandbox.git("checkout", "-q", "-b", "feature", "main")
    done.sandbox.write({"README.md": "# A shop.\n"})
    done.sandbox.commit("a heading")
    done.sandbox.git("checkout", "-q", "main")
    _squash(done)
    done.sandbox.write({"README.md": "A shop!\n"})
    done.sandbox.commit("joy")
    with pytest.raises(AssertionError):
        done.sandbox.git("merge", "-q", "--no-ff", "feature")
    readme.write_text("# A shop!\n")
    done.sandbox.commit("merge")
    for given in _knowers(done):
        found = _judged(done, at="main", given=given)
        assert found.failures == []
        assert any("README.md: changed on both sides" in note for check in found.checks for note in check.notes)


@pytest.mark.parametrize(
    "slipped", ["another value", "a manifest", "another mode", "the policy widened, and the lock with it"]
)
def test_what_an_updated_branch_has_from_no_parent_is_named(done: Done, slipped: str) -> None:
    path = _evil_update(done, SLIPPED[slipped])
    found = _judged(done, at="HEAD")
    told = [failure for check in found.checks if check.id == "nothing-else" for failure in check.failures]
    assert any(failure.startswith(f"{path}: merge ") for failure in told)


def test_an_updated_branch_to_which_main_follows_is_good(done: Done) -> None:
    _unrelated(done, "before")
    done.sandbox.git("checkout", "-q", "--detach", done.branch)
    done.sandbox.git("merge", "-q", "-m", "update", "main")
    updated = done.sandbox.git("rev-parse", "HEAD")
    done.sandbox.git("checkout", "-q", "main")
    done.sandbox.git("merge", "-q", "--ff-only", updated)
    for given in _knowers(done):
        assert _judged(done, at="HEAD", given=given).failures == []


def _leaked(sandbox: Sandbox) -> dict[str, str]:
    return {"subject": "bob-1", "recipient": sandbox.recipient("dave"), "key-id": "bob-2"}


def _joining(sandbox: Sandbox) -> dict[str, str]:
    policy = sandbox.ring()["keys/policy.yaml"].replace("alice, bob, carol]", "alice, bob, carol, group:new]")
    sandbox.change_ring({"keys/policy.yaml": policy, "keys/groups.yaml": "groups:\n  new: {members: [carol]}\n"})
    return {"subject": "dave", "recipient": sandbox.recipient("dave"), "groups": "new"}


def _astray(sandbox: Sandbox) -> dict[str, str]:
    sandbox.write({"dev/app.env": sandbox.encrypt("dev/app.env", FILES["dev/app.env"], "alice", "bob", "dave")})
    sandbox.commit()
    return {"unknown": "drop"}


def _older(sandbox: Sandbox) -> dict[str, str]:
    sandbox.git("commit", "-q", "--allow-empty", "-m", "later")
    return {"max-age": "1"}


RUNBOOKS: Final[dict[str, tuple[str, Callable[[Sandbox], dict[str, str]]]]] = {
    "compromised": ("compromised", _leaked),
    "add": ("add", _joining),
    "align": ("align", _astray),
    "age-out": ("age-out", _older),
    "migrate": ("migrate", _leaked),
    "extend": ("expiring", lambda _: {"subject": "carol-1", "stage": "extend", "expires": "2099-11-24"}),
}


@pytest.mark.parametrize("runbook", [*RUNBOOKS][: size(2, len(RUNBOOKS))])
def test_every_runbook_is_good_in_a_squash_and_with_its_successor(tmp_path: Path, runbook: str) -> None:
    sandbox = Sandbox(tmp_path / "shop")
    sandbox.fill()
    scenario, prepare = RUNBOOKS[runbook]
    done = _carried_out(sandbox, scenario, **prepare(sandbox))
    assert done.plan
    assert _judged(done).failures == []
    _squash(done)
    sandbox.git("branch", "-q", "-D", done.branch)
    for given in _knowers(done):
        assert _judged(done, given=given).failures == []
    later = _carried_out(sandbox, "remove", subject="carol")
    _merge(later)
    for given in _knowers(done):
        assert _judged(done, at="main", given=given).failures == []
    assert _judged(later, at="main").failures == []


def test_a_shallow_clone_cannot_tell_and_says_so(done: Done, tmp_path: Path) -> None:
    _merge(done)
    _unrelated(done, "after")
    clone = tmp_path / "clone"
    done.sandbox.git("clone", "-q", "--depth", "1", f"file://{done.sandbox.root}", str(clone))
    promise = promises.of_plan(done.plan, "plan")
    with RunbookRun(Repository.containing(clone), done.sandbox.keys()) as run:
        with pytest.raises(RepositoryError, match="which the plan starts from, is not here"):
            run.verify("remove", None, promise)
        base = promise.plan.base
        done.sandbox.git("-C", str(clone), "fetch", "-q", "--depth", "1", "origin", base)
        found = run.verify("remove", None, promise)
    assert {check.id: check.status for check in found.checks}["nothing-else"] == "unknown"
    assert found.failures != []


# What is slipped in. Each changes the working tree, and names what has to be named.


def _for_bob(done: Done) -> str:
    done.sandbox.write({"dev/new.yaml": done.sandbox.encrypt("dev/new.yaml", "p: q\n", "alice", "carol", "bob")})
    return "dev/new.yaml"


def _manifest(done: Done) -> str:
    done.sandbox.write({"dev/role.yaml": "kind: ClusterRoleBinding\n"})
    return "dev/role.yaml"


def _link(done: Done) -> str:
    (done.sandbox.root / "dev/link").symlink_to("/etc/passwd")
    return "dev/link"


def _removed(done: Done) -> str:
    (done.sandbox.root / "prod/api.yaml").unlink()
    return "prod/api.yaml"


def _forgiven(done: Done) -> str:
    (done.sandbox.root / "keys/retired/bob.yaml").unlink()
    return "keys/retired/bob.yaml"


def _widened(done: Done) -> str:
    policy = done.sandbox.root / "keys/policy.yaml"
    policy.write_text(policy.read_text().replace("[alice, carol]", "[alice, carol, cluster:prod]"))
    return "keys/policy.yaml"


def _widened_and_locked(done: Done) -> str:
    path = _widened(done)
    following = regenerated(Checkout(done.sandbox.root), {}, today=NOW.date())
    done.sandbox.write({path: data for path, data in following.items() if data is not None})
    return path


def _rule(done: Done) -> str:
    rules = done.sandbox.root / ".sops.yaml"
    rules.write_text(f"{rules.read_text()}  - age: {done.sandbox.recipient('bob')}\n")
    return ".sops.yaml"


def _replayed(done: Done) -> str:
    first = done.sandbox.git("rev-list", "--max-parents=0", "main")
    done.sandbox.git("checkout", "-q", first, "--", "dev/app.env")
    return "dev/app.env"


def _as_before(done: Done) -> str:
    done.sandbox.git("checkout", "-q", _base(done), "--", "prod/db.yaml")
    return "prod/db.yaml"


def _other_value(done: Done) -> str:
    done.sandbox.write({"dev/app.json": done.sandbox.encrypt("dev/app.json", '{"password": "mine"}', "alice", "carol")})
    return "dev/app.json"


def _let_in(done: Done) -> str:
    done.sandbox.write(
        {"prod/db.yaml": done.sandbox.encrypt("prod/db.yaml", FILES["prod/db.yaml"], "alice", "prod", "dave")}
    )
    return "prod/db.yaml"


def _executable(done: Done) -> str:
    (done.sandbox.root / "prod/db.yaml").chmod(0o755)
    return "prod/db.yaml"


def _page(done: Done) -> str:
    done.sandbox.write({"README.md": "A shop with a back door.\n"})
    return "README.md"


def _base(done: Done) -> str:
    return promises.of_plan(done.plan, "plan").plan.base


SLIPPED: Final[dict[str, Callable[[Done], str]]] = {
    "a file for bob": _for_bob,
    "a manifest": _manifest,
    "a link": _link,
    "a planned file removed": _removed,
    "the retired key deleted": _forgiven,
    "the policy widened": _widened,
    "the policy widened, and the lock with it": _widened_and_locked,
    "a rule added": _rule,
    "an older ciphertext": _replayed,
    "a file as before": _as_before,
    "another value": _other_value,
    "a stranger let in": _let_in,
    "another mode": _executable,
    "a page that nobody changed": _page,
}


def _evil_merge(done: Done, slip: Callable[[Done], str]) -> str:
    done.sandbox.git("merge", "-q", "--no-ff", "--no-commit", done.branch)
    path = slip(done)
    done.sandbox.commit("merge")
    return path


def _evil_update(done: Done, slip: Callable[[Done], str]) -> str:
    """Update the branch with what main is by now, slip something in, and let main follow: the branch is first parent."""
    _unrelated(done, "meanwhile")
    done.sandbox.git("checkout", "-q", "--detach", done.branch)
    done.sandbox.git("merge", "-q", "--no-ff", "--no-commit", "main")
    path = slip(done)
    done.sandbox.commit("Update branch")
    updated = done.sandbox.git("rev-parse", "HEAD")
    done.sandbox.git("checkout", "-q", "main")
    done.sandbox.git("merge", "-q", "--ff-only", updated)
    return path


def _evil_update_merged(done: Done, slip: Callable[[Done], str]) -> str:
    """Merge such an updated branch without more ado."""
    before = done.sandbox.git("rev-parse", "main")
    path = _evil_update(done, slip)
    updated = done.sandbox.git("rev-parse", "HEAD")
    done.sandbox.git("reset", "-q", "--hard", before)
    done.sandbox.git("merge", "-q", "--no-ff", "-m", "merge", updated)
    return path


def _evil_squash(done: Done, slip: Callable[[Done], str]) -> str:
    done.sandbox.git("merge", "-q", "--squash", done.branch)
    path = slip(done)
    done.sandbox.commit("bob leaves")
    return path


def _evil_amended(done: Done, slip: Callable[[Done], str]) -> str:
    """Rebase with something in one of the commits, whose trailers stay."""
    _unrelated(done, "meanwhile")
    _rebase(done)
    path = slip(done)
    done.sandbox.git("add", "-A")
    done.sandbox.git("commit", "-q", "--amend", "--no-edit")
    return path


def _on_the_branch(done: Done, slip: Callable[[Done], str]) -> str:
    done.sandbox.git("checkout", "-q", done.branch)
    path = slip(done)
    done.sandbox.commit("a suggestion")
    done.sandbox.git("checkout", "-q", "main")
    return path


def _on_the_branch_with_trailers(done: Done, slip: Callable[[Done], str]) -> str:
    done.sandbox.git("checkout", "-q", done.branch)
    message = done.sandbox.git("log", "-1", "--format=%B")
    path = slip(done)
    done.sandbox.commit(message)
    done.sandbox.git("checkout", "-q", "main")
    return path


def _branch_merged(done: Done, slip: Callable[[Done], str]) -> str:
    path = _on_the_branch(done, slip)
    _merge(done)
    done.sandbox.git("branch", "-q", "-D", done.branch)
    return path


FORGED: Final[dict[str, Callable[[Done, Callable[[Done], str]], str]]] = {
    "evil merge": _evil_merge,
    "evil update": _evil_update,
    "evil update, merged": _evil_update_merged,
    "evil squash": _evil_squash,
    "amended": _evil_amended,
    "on the branch": _on_the_branch,
    "on the branch, with trailers": _on_the_branch_with_trailers,
    "branch merged": _branch_merged,
}

_ALL: Final = [(way, slipped) for way in FORGED for slipped in SLIPPED]
_SAMPLE: Final = [*zip(FORGED, random.Random(SEED).sample(sorted(SLIPPED), len(FORGED)), strict=True)]


@pytest.mark.parametrize(("way", "slipped"), _ALL if size(0, 1) else _SAMPLE)
def test_what_is_slipped_in_is_named_whoever_judges(done: Done, way: str, slipped: str) -> None:
    path = FORGED[way](done, SLIPPED[slipped])
    at = "" if way.startswith("on the branch") else "main"
    for given in _knowers(done):
        found = _judged(done, at=at, given=given)
        told = "\n".join(failure for check in found.checks for failure in check.failures)
        assert found.failures
        assert path in told
        with pytest.raises(ProofError):
            found.require_good()
