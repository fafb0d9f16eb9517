"""What a key could ever open: live, changed since, deleted; nothing forgotten, no value shown."""

from __future__ import annotations

from functools import partial

import pytest

from secretsync.git import Repository
from secretsync.keyring import SealingPin, load_from
from secretsync.keyring.linting import lint
from secretsync.processes import Pool
from secretsync.rotation.exposure import Exposure, exposed, recipients_of
from secretsync.rotation.file_metadata import options_for
from secretsync.rotation.file_worker import FileWork
from secretsync.rotation.planning import snapshot
from secretsync.rotation.sealed_planning import foreign_home
from secretsync.rotation.versions import SEALING
from secretsync.sops.datakey import MasterKey
from secretsync.sops.operations import json_value, set_value
from secretsync.sops.recipients import update_keys
from tests.unit.rotation.repositories import FILES, NOW, Sandbox


def _exposure(sandbox: Sandbox, name: str, who: str) -> Exposure:
    repository = Repository.containing(sandbox.root)
    head = repository.resolve("HEAD")
    ring = load_from(snapshot(repository, head))
    recipients, policy = recipients_of(ring, name), ring.policy
    with Pool(FileWork(repository, sandbox.keys(who))) as pool:
        return exposed(repository, pool, head, recipients, policy=policy)


def _states(sandbox: Sandbox, name: str = "bob", who: str = "alice") -> dict[str, str]:
    """Return the state of each value, and where else it stands."""
    found = {}
    for one in _exposure(sandbox, name, who).values:
        homes = [" ".join((home.path, home.place, *home.refs)) for home in one.elsewhere]
        found[f"{one.path} {one.place}"] = "; ".join((f"{one.state} {' '.join(homes[:1])}".strip(), *homes[1:]))
    return found


def _unread(sandbox: Sandbox, name: str = "bob", who: str = "alice") -> list[tuple[str, str]]:
    return [(one.path, one.why) for one in _exposure(sandbox, name, who).unread]


def test_values_are_live_changed_or_deleted(sandbox: Sandbox) -> None:
    changed = FILES["prod/db.yaml"].replace("hunter2-prod", "a-new-one")
    sandbox.write({"prod/db.yaml": sandbox.encrypt("prod/db.yaml", changed, "alice", "prod")})
    (sandbox.root / "prod/api.yaml").unlink()
    sandbox.commit()
    states = _states(sandbox)
    assert states["prod/db.yaml stringData.password"] == "changed"
    assert states["prod/db.yaml stringData.user"] == "live"
    assert states["prod/api.yaml stringData.token"] == "deleted"
    assert states["dev/app.env PASSWORD"] == "live"


def test_a_value_that_moved_is_live_where_it_is_now(sandbox: Sandbox) -> None:
    (sandbox.root / "prod/api.yaml").unlink()
    sandbox.write({"prod/new.yaml": sandbox.encrypt("prod/new.yaml", FILES["prod/api.yaml"], "alice", "prod")})
    sandbox.commit()
    assert _states(sandbox)["prod/api.yaml stringData.token"] == "live prod/new.yaml stringData.token"


def test_a_version_under_a_known_data_key_counts_though_it_names_somebody_else(sandbox: Sandbox) -> None:
    """Taking a recipient out without a new data key takes nothing away: the next value is theirs as well."""
    path = sandbox.root / "dev/app.env"
    options = options_for("dev/app.env", path.read_bytes(), sandbox.keys())
    others = [[MasterKey("age", sandbox.recipient("alice")), MasterKey("age", sandbox.recipient("carol"))]]
    without_bob = update_keys(path.read_bytes(), others, options, now=NOW).data
    path.write_bytes(set_value(without_bob, ("PASSWORD",), json_value('"newer"'), options, now=NOW).data)
    sandbox.commit()
    assert _states(sandbox)["dev/app.env PASSWORD"] == "live"


def test_what_no_key_here_opens_is_live_only_as_the_same_ciphertext(sandbox: Sandbox) -> None:
    sandbox.write({"dev/app.env": sandbox.encrypt("dev/app.env", "PASSWORD=other\n", "alice", "bob", "carol")})
    sandbox.write({"dev/app.env": sandbox.encrypt("dev/app.env", "PASSWORD=more\n", "alice", "carol")})
    sandbox.commit()
    states = _states(sandbox, who="dave")
    assert states["prod/db.yaml stringData.password"] == "live"
    assert states["dev/app.env PASSWORD"] == "unknown"


def test_a_file_on_another_branch_counts(sandbox: Sandbox) -> None:
    sandbox.git("checkout", "-q", "-b", "side")
    sandbox.write({"dev/side.env": sandbox.encrypt("dev/side.env", "X=1\n", "alice", "bob", "carol")})
    sandbox.commit()
    sandbox.git("checkout", "-q", "main")
    assert _states(sandbox)["dev/side.env X"] == "live dev/side.env X refs/heads/side"


def test_the_plan_for_a_leaver_lists_the_live_values_with_owners_and_dates(sandbox: Sandbox) -> None:
    plan = sandbox.plan("remove", subject="bob")
    tasks = {task.what: (task.owner, task.due) for task in plan.tasks}
    assert tasks["change at their source, and then in prod/db.yaml: stringData.password, stringData.user"] == (
        "test@example.org",
        "2026-12-01",
    )
    assert not any("hunter2" in task.what for task in plan.tasks)


def _remade(sandbox: Sandbox, path: str, text: str, *readers: str) -> None:
    """Commit a file without bob."""
    sandbox.write({path: sandbox.encrypt(path, text, *(readers or ("alice", "carol")))})
    sandbox.commit()


def test_a_value_is_live_at_the_head_of_any_branch_and_elsewhere_at_a_tag(sandbox: Sandbox) -> None:
    sandbox.git("branch", "release")
    sandbox.git("tag", "-m", "first", "v1")
    sandbox.git("update-ref", "refs/remotes/origin/main", "HEAD")
    _remade(sandbox, "dev/app.env", "PASSWORD=another-one\n")
    place = "dev/app.env PASSWORD"
    assert _states(sandbox)[place] == f"live {place} refs/heads/release refs/remotes/origin/main"
    sandbox.git("branch", "-q", "-f", "release", "main")
    sandbox.git("update-ref", "-d", "refs/remotes/origin/main")
    assert _states(sandbox)[place] == f"elsewhere {place} refs/tags/v1"
    sandbox.git("tag", "-d", "v1")
    assert _states(sandbox)[place] == "changed"


def _with_live_refs(sandbox: Sandbox, *globs: str) -> None:
    """Change a value on main that `release/1`, `wip/release/1` and two remotes still hold, and narrow what is live."""
    for ref in ("heads/release/1", "heads/wip/release/1", "remotes/origin/main", "remotes/eu/team/main"):
        sandbox.git("update-ref", f"refs/{ref}", "HEAD")
    sandbox.git("config", "remote.eu/team.url", "nowhere")
    policy = (sandbox.root / "keys/policy.yaml").read_text()
    sandbox.change_ring({"keys/policy.yaml": f"live_refs: [{', '.join(globs)}]\n{policy}"})
    _remade(sandbox, "dev/app.env", "PASSWORD=another-one\n")


@pytest.mark.parametrize(
    ("glob", "live"),
    [
        ("main", "refs/remotes/eu/team/main refs/remotes/origin/main"),
        ("origin/main", "refs/remotes/origin/main"),
        ("release/*", "refs/heads/release/1"),
        ('"**"', "refs/heads/release/1 refs/heads/wip/release/1 refs/remotes/eu/team/main refs/remotes/origin/main"),
        ("refs/remotes/**", "refs/remotes/eu/team/main refs/remotes/origin/main"),
        ("refs/heads/*/*/*", "refs/heads/wip/release/1"),
    ],
)
def test_the_policy_says_which_branches_are_live(sandbox: Sandbox, glob: str, live: str) -> None:
    place = "dev/app.env PASSWORD"
    _with_live_refs(sandbox, glob)
    assert _states(sandbox)[place] == f"live {place} {live}"


def test_what_only_other_branches_hold_is_elsewhere_and_they_are_told(sandbox: Sandbox) -> None:
    place = "dev/app.env PASSWORD"
    _with_live_refs(sandbox, "refs/heads/main")
    others = "refs/heads/release/1 refs/heads/wip/release/1 refs/remotes/eu/team/main refs/remotes/origin/main"
    assert _states(sandbox)[place] == f"elsewhere {place} {others}"
    found = _exposure(sandbox, "bob", "alice").branches
    assert list(found.other) == others.split()
    assert (
        found.remark
        == "live are HEAD and the policy's live_refs (refs/heads/main); 4 other refs of branches count as elsewhere"
    )


def test_head_is_live_though_its_branch_is_left_out(sandbox: Sandbox) -> None:
    _with_live_refs(sandbox, "release/*")
    assert _states(sandbox)["dev/app.json password"] == "live"


def test_a_branch_that_is_not_here_takes_nothing_off_the_list(sandbox: Sandbox) -> None:
    _with_live_refs(sandbox, "prod")
    assert _states(sandbox)["dev/app.env PASSWORD"].startswith("live ")
    remark = _exposure(sandbox, "bob", "alice").branches.remark
    assert remark == "no branch here is one of the policy's live_refs (prod): every branch counts as live"


def test_fewer_live_branches_are_found_against_the_lock(sandbox: Sandbox) -> None:
    policy = (sandbox.root / "keys/policy.yaml").read_text()

    def findings(line: str) -> list[str]:
        (sandbox.root / "keys/policy.yaml").write_text(line + policy)
        found = lint(sandbox.root, [], today=NOW.date()).findings
        return [f"{one.place}: {one.message}" for one in found if one.rule == "weaker-defaults"]

    assert findings("live_refs: [main]\n") == ["live_refs: only main are live from now on, and before every branch"]
    sandbox.change_ring({"keys/policy.yaml": f"live_refs: [main, dev]\n{policy}"})
    assert findings("live_refs: [main, dev, more]\n") == findings("") == []
    assert findings("live_refs: [dev]\n") == ["live_refs: only dev are live from now on, and before dev, main"]


def test_a_value_is_told_by_itself_under_another_name_in_another_store_and_in_base64(sandbox: Sandbox) -> None:
    (sandbox.root / "dev/app.env").unlink()
    text = "data:\n  pw: aHVudGVyMi1lbnY=\nkind: Secret\n"
    sandbox.write({"prod/moved.yaml": sandbox.encrypt("prod/moved.yaml", text, "alice")})
    _remade(sandbox, "dev/copy.json", '{"other": "hunter2-env"}')
    assert _states(sandbox)["dev/app.env PASSWORD"] == "live dev/copy.json other; prod/moved.yaml data.pw"


def test_short_and_common_values_are_told_as_coincidence(sandbox: Sandbox) -> None:
    common = "".join(f"N{number}=production\n" for number in range(11))
    _remade(sandbox, "dev/first.env", "PIN=1234\nSTAGE=production\nLONG=a-value-of-its-own\n", "alice", "bob")
    _remade(sandbox, "dev/first.env", "PIN=5678\nSTAGE=gone\nLONG=changed\n")
    _remade(sandbox, "dev/second.env", f"PORT=1234\n{common}NAME=a-value-of-its-own\n")
    states = _states(sandbox)
    assert states["dev/first.env PIN"] == "coincidence dev/second.env PORT"
    assert states["dev/first.env STAGE"].startswith("coincidence dev/second.env N0")
    assert states["dev/first.env LONG"] == "live dev/second.env NAME"


def test_both_sides_of_an_unresolved_merge_are_read(sandbox: Sandbox) -> None:
    ours, theirs = (sandbox.encrypt("dev/app.env", f"PASSWORD={word}\n", "bob", "alice") for word in ("left", "right"))
    sandbox.write({"dev/app.env": b"<<<<<<< ours\n%b=======\n%b>>>>>>> theirs\n" % (ours, theirs)})
    sandbox.commit()
    _remade(sandbox, "dev/app.env", "PASSWORD=resolved-anew\n")
    _remade(sandbox, "dev/left.env", "PASSWORD=left\n")
    assert _states(sandbox)["dev/app.env PASSWORD"] == "coincidence dev/left.env PASSWORD"
    assert _unread(sandbox) == []


def test_a_version_that_replaced_a_link_counts(sandbox: Sandbox) -> None:
    link = sandbox.root / "dev/link.env"
    link.symlink_to("app.env")
    sandbox.commit()
    link.unlink()
    _remade(sandbox, "dev/link.env", "SECRET=behind-a-link\n", "alice", "bob")
    _remade(sandbox, "dev/link.env", "SECRET=behind-a-link\n")
    assert _states(sandbox)["dev/link.env SECRET"] == "live"


def test_a_version_in_the_clear_counts_for_everybody(sandbox: Sandbox) -> None:
    text = "metadata: {name: x}\nstringData:\n  one: never-encrypted\n  two: still-the-same\n"
    sandbox.write({"prod/x.yaml": text, "README.md": "prose: still-the-same\n"})
    sandbox.commit()
    _remade(sandbox, "prod/x.yaml", text.replace("never-encrypted", "another-one"), "alice")
    found = {one.place: one for one in _exposure(sandbox, "carol", "alice").values if one.path == "prod/x.yaml"}
    assert {place: (one.state, one.in_clear) for place, one in found.items()} == {
        "stringData.one": ("changed", True),
        "stringData.two": ("live", True),
    }


def test_what_says_what_an_object_is_is_no_value(sandbox: Sandbox) -> None:
    text = (
        "apiVersion: v1\nkind: Secret\ntype: Opaque\nmetadata:\n  name: db\n  labels: {app: db}\n"
        "  annotations: {note: a-password}\nstringData:\n  type: a-kind-of-secret\n"
    )
    _remade(sandbox, "dev/whole.yaml", text, "alice", "bob")
    places = [one for one in _states(sandbox) if one.startswith("dev/whole.yaml")]
    assert places == ["dev/whole.yaml metadata.annotations.note", "dev/whole.yaml stringData.type"]


def test_damaged_files_are_named_where_they_name_the_key(sandbox: Sandbox) -> None:
    whole = sandbox.encrypt("prod/db.yaml", FILES["prod/db.yaml"], "alice", "bob").decode()
    others = sandbox.encrypt("prod/db.yaml", FILES["prod/db.yaml"], "alice", "carol").decode()
    sandbox.write({"prod/cut.yaml": whole.replace("stringData:", "stringData: ["), "prod/carol.yaml": f"[{others}"})
    sandbox.write({"lfs.bin": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"})
    sandbox.commit()
    assert _unread(sandbox) == [
        ("lfs.bin", "is a pointer of Git LFS, and its content lies elsewhere"),
        ("prod/cut.yaml", "holds ciphertext and cannot be read"),
    ]


def test_files_that_no_key_here_opens_are_named(sandbox: Sandbox) -> None:
    why = "opens with no key here, and is compared by its ciphertext alone"
    assert _unread(sandbox, who="carol") == [("prod/api.yaml", why), ("prod/db.yaml", why)]


def test_what_a_tag_of_a_tree_or_a_file_holds_counts(sandbox: Sandbox) -> None:
    tree = sandbox.git("rev-parse", "HEAD:dev")
    sandbox.write({"x.env": sandbox.encrypt("x.env", "X=only-in-a-tag\n", "alice", "bob")})
    blob = sandbox.git("hash-object", "-w", "x.env")
    (sandbox.root / "x.env").unlink()
    sandbox.git("tag", "tree", tree)
    sandbox.git("tag", "file.env", blob)
    states = _states(sandbox)
    assert states["app.env PASSWORD"] == "live dev/app.env PASSWORD"
    assert states["refs/tags/file.env X"] == "elsewhere refs/tags/file.env X refs/tags/file.env"


def test_items_of_another_clusters_files_do_not_count_and_are_told(sandbox: Sandbox) -> None:
    """By the paths of its pin, or by a folder that is called as it is; one with the same key counts."""
    item = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: a}\nspec: {encryptedData: {a: AgAx}}\n"
    paths = ("apps/p/a.yaml", "apps/s/a.yaml", "prod/b.yaml", "staging/b.yaml", "other/c.yaml", "twin/d.yaml")
    sandbox.write(dict.fromkeys(paths, item))
    sandbox.commit()
    pins = [
        SealingPin("prod", "sealing/prod/1.pem", "1" * 64, paths=("apps/p/**", "prod/**")),
        SealingPin("staging", "sealing/staging/2.pem", "2" * 64, paths=("apps/s/**",)),
        SealingPin("staging", "sealing/staging/3.pem", "3" * 64),
        SealingPin("twin", "sealing/twin/1.pem", "1" * 64),
    ]
    repository = Repository.containing(sandbox.root)
    head = repository.resolve("HEAD")
    for name, others in (
        ("prod", {"apps/s/a.yaml", "staging/b.yaml"}),
        ("staging", {"apps/p/a.yaml", "prod/b.yaml", "twin/d.yaml"}),
    ):
        with Pool(FileWork(repository, sandbox.keys("alice"))) as pool:
            found = exposed(repository, pool, head, {SEALING}, foreign=partial(foreign_home, pins=pins, subject=name))
        assert {one.path for one in found.values} == set(paths) - others
        assert {one.path for one in found.unread if "do not count" in one.why} == others


def test_sealed_items_count_for_whoever_had_a_sealing_key(sandbox: Sandbox) -> None:
    head = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: shop}\nspec:\n"
    sandbox.write({"sealed.yaml": f"{head}  encryptedData: {{a: AgAx, b: AgAy}}\n"})
    sandbox.commit()
    sandbox.write({"sealed.yaml": f"{head}  encryptedData: {{a: AgAx, b: AgAz}}\n"})
    sandbox.commit()
    sandbox.write({"sealed.yaml": f"{head}  encryptedData: {{a: AgAx}}\n"})
    sandbox.commit()
    states = _states(sandbox, "prod")
    assert states["sealed.yaml shop/db a"] == "live"
    assert states["sealed.yaml shop/db b"] == "unknown"
    assert not any("sealed" in one for one in _states(sandbox, "bob"))
