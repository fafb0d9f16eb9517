"""`check` as a gate: what is accepted and by whom, what git has staged, and that nobody switches off what judges him."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from secretsync import age
from tests.cli.conftest import Invoke, Outcome

PLAIN = "apiVersion: v1\nkind: Secret\nmetadata: {{name: {0}}}\nstringData: {{password: hunter2-{0}}}\n"
IGNORE = "# secretsync: ignore plaintext-secret data of a test\n"
CONFIG = ".secretsync.yaml"
BASELINE = "known.json"


class Shop:
    """A repository with a commit on `main`, and its user's git."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "-q", "-b", "main")
        self.git("config", "user.name", "Test")
        self.git("config", "user.email", "test@example.org")

    def git(self, *arguments: str | Path, cwd: Path | None = None) -> str:
        """Run git and return what it printed."""
        environ = {"PATH": os.environ["PATH"], "HOME": str(self.root.parent), "GIT_CONFIG_NOSYSTEM": "1"}
        command = ["git", *map(str, arguments)]
        return subprocess.run(
            command, cwd=cwd or self.root, env=environ, capture_output=True, check=True, text=True
        ).stdout

    def write(self, path: str, text: str) -> None:
        """Write a file."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def commit(self) -> None:
        """Commit everything."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "change")


@pytest.fixture
def shop(folder: Path) -> Shop:
    """Return a repository in the working directory, with one harmless file."""
    made = Shop(folder)
    made.write("README.md", "# Shop\n")
    made.commit()
    return made


def _sum(outcome: Outcome) -> str:
    return outcome.out.decode().splitlines()[-1]


def _files(outcome: Outcome) -> list[str]:
    """Return the files of the findings of a report in JSON."""
    return [finding["file"] for finding in json.loads(outcome.out)["findings"]]


def test_ignored_files_are_counted_and_not_examined(invoke: Invoke, shop: Shop) -> None:
    shop.write("test/a.yaml", PLAIN.format("a"))
    shop.write(CONFIG, "check: {ignore: [test/**]}\n")
    for path in (".", "test/a.yaml", "test", str(shop.root)):
        outcome = invoke("check", path)
        assert outcome.code == 0
        assert _sum(outcome).endswith(" 0 findings, 1 file ignored")


def test_globs_are_those_of_the_root_wherever_one_stands(
    invoke: Invoke, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write("apps/test/a.yaml", PLAIN.format("a"))
    shop.write("apps/b.yaml", PLAIN.format("b"))
    shop.write(CONFIG, "check: {ignore: [/apps/test]}\n")
    monkeypatch.chdir(shop.root / "apps")
    assert _files(invoke("check", ".", "-o", "json")) == ["b.yaml"]


def test_a_rule_gets_the_level_that_is_set(invoke: Invoke, shop: Shop) -> None:
    shop.write("a.yaml", PLAIN.format("a"))
    for level, code in (("error", 1), ("warning", 1), ("note", 0), ("off", 0)):
        shop.write(CONFIG, f"check: {{rules: {{plaintext-secret: {level}}}}}\n")
        outcome = invoke("check", ".")
        assert outcome.code == code
        assert (f"a.yaml stringData: {level}: " in outcome.out.decode()) == (level != "off")


@pytest.mark.parametrize(
    "text", ["cheque: {}\n", "check: [", "check: {ignore: ['[']}\n", "check: {baseline: none.json}\n"]
)
def test_a_check_whose_configuration_is_not_understood_does_not_pass(invoke: Invoke, shop: Shop, text: str) -> None:
    shop.write(CONFIG, text)
    outcome = invoke("check", ".")
    assert (outcome.code, outcome.out) == (3, b"")
    assert CONFIG in outcome.err or "none.json" in outcome.err


def test_a_configuration_under_another_name_or_that_is_no_file_is_an_error(invoke: Invoke, shop: Shop) -> None:
    shop.write(".secretsync.yml", "check: {}\n")
    assert invoke("check", ".").code == 3
    (shop.root / ".secretsync.yml").unlink()
    (shop.root / CONFIG).mkdir()
    assert invoke("check", ".").code == 12
    (shop.root / CONFIG).rmdir()
    (shop.root / CONFIG).symlink_to("nowhere")
    assert invoke("check", ".").code == 3


def test_a_baseline_knows_what_was_there_and_nothing_new(invoke: Invoke, shop: Shop) -> None:
    shop.write("a.yaml", PLAIN.format("a"))
    outcome = invoke("check", ".", "--write-baseline", BASELINE)
    assert (outcome.code, _sum(outcome)) == (0, "1 file checked, 0 encrypted: 0 findings, 1 suppressed")
    assert "hunter2" not in (shop.root / BASELINE).read_text()
    shop.write("a.yaml", "# moved\n---\na: 1\n---\n" + PLAIN.format("a").replace("hunter2", "hunter3"))
    assert invoke("check", ".", "--baseline", BASELINE).code == 0
    for name, text in (("b.yaml", PLAIN.format("b")), ("a.yaml", PLAIN.format("a") + "---\n" + PLAIN.format("a"))):
        before = (shop.root / "a.yaml").read_text()
        shop.write(name, text)
        outcome = invoke("check", ".", "--baseline", BASELINE, "-o", "json")
        assert outcome.code == 1
        assert set(_files(outcome)) == {name}
        shop.write("b.yaml", "a: 1\n")
        shop.write("a.yaml", before)


def test_the_baseline_of_the_configuration_is_found_from_any_folder_and_may_be_written_first(
    invoke: Invoke, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.write("apps/a.yaml", PLAIN.format("a"))
    shop.write(CONFIG, f"check: {{baseline: {BASELINE}}}\n")
    missing = invoke("check", ".")
    assert (missing.code, missing.out) == (3, b"")
    assert f"{BASELINE}: there is no such baseline" in missing.err
    assert invoke("check", ".", "--write-baseline", BASELINE).code == 0
    monkeypatch.chdir(shop.root / "apps")
    assert invoke("check", ".").code == 0
    assert invoke("check", str(shop.root / "apps" / "a.yaml")).code == 0


def test_a_baseline_that_is_missing_or_malformed_is_an_error(invoke: Invoke, shop: Shop) -> None:
    assert invoke("check", ".", "--baseline", "none.json").code == 3
    shop.write(BASELINE, '{"version": 1,\n "findings": [{"rule": "suspekt", "file": "a"}]}')
    outcome = invoke("check", ".", "--baseline", BASELINE)
    assert outcome.code == 3
    assert f"{BASELINE} line 2 findings[0].rule" in outcome.err


def test_a_baseline_knows_strangers_by_their_keys(invoke: Invoke, shop: Shop, recipient: str) -> None:
    first, second = (str(age.generate()) for _ in range(2))
    shop.write(".sops.yaml", f"creation_rules: [{{age: {recipient}}}]\n")
    for stranger in (first, second):
        shop.write("a.yaml", "a: 1\n")
        rules = shop.root / ".sops.yaml"
        rules.rename(shop.root / "away")
        assert invoke("encrypt", "-i", "--age", f"{recipient},{stranger}", "a.yaml").code == 0
        (shop.root / "away").rename(rules)
        if stranger == first:
            assert invoke("check", ".", "--write-baseline", BASELINE).code == 0
    outcome = invoke("check", ".", "--baseline", BASELINE)
    assert outcome.code == 1
    assert second in outcome.out.decode()


def test_an_accepted_finding_is_counted_and_a_suppression_in_sarif(invoke: Invoke, shop: Shop) -> None:
    shop.write("a.yaml", IGNORE + PLAIN.format("a"))
    outcome = invoke("check", ".")
    assert (outcome.code, _sum(outcome)) == (0, "1 file checked, 0 encrypted: 0 findings, 1 suppressed")
    (result,) = json.loads(invoke("check", ".", "-o", "sarif").out)["runs"][0]["results"]
    assert result["suppressions"] == [{"kind": "inSource", "status": "accepted", "justification": "data of a test"}]


@pytest.mark.parametrize("rule", ["private-key-in-repository", "extra-recipient"])
def test_private_keys_and_strangers_cannot_be_accepted_in_the_file(
    invoke: Invoke, shop: Shop, recipient: str, rule: str
) -> None:
    comment = f"# secretsync: ignore {rule} I say so\n"
    shop.write(".sops.yaml", f"creation_rules: [{{age: {recipient}}}]\n")
    shop.write("a.yaml", f"{comment}key: {age.generate().expose()}\n")
    outcome = invoke("check", ".")
    assert outcome.code == 1
    assert "[private-key-in-repository]" in outcome.out.decode()
    assert "[ignore-comment]" in outcome.out.decode()


def test_standard_input_is_judged_too(invoke: Invoke, shop: Shop) -> None:
    assert invoke("check", "-", stdin=PLAIN.format("a").encode()).code == 1
    assert invoke("check", "-", stdin=(IGNORE + PLAIN.format("a")).encode()).code == 0


# --- a revision that has been reviewed ----------------------------------------------------------------------------


def test_a_change_does_not_switch_its_own_gate_off(invoke: Invoke, shop: Shop) -> None:
    shop.write("a.yaml", "a: 1\n")
    shop.commit()
    plain = PLAIN.format("a")
    ways = {
        CONFIG: ("check: {rules: {plaintext-secret: off}}\n", plain),
        ".secretsync.yaml ": ("", IGNORE + plain),
        f"{CONFIG}  ": ("check: {ignore: ['*.yaml']}\n", plain),
    }
    for name, (text, manifest) in ways.items():
        shop.git("checkout", "-q", "-B", "change", "main")
        shop.write(name.strip(), text or "check: {}\n")
        shop.write("a.yaml", manifest)
        shop.commit()
        assert invoke("check", ".").code == 0
        outcome = invoke("check", ".", "--config-from", "main", "-o", "json")
        assert (outcome.code, _files(outcome)) == (1, ["a.yaml"])


def test_a_baseline_that_a_change_brings_does_not_count(invoke: Invoke, shop: Shop) -> None:
    shop.write(CONFIG, f"check: {{baseline: {BASELINE}}}\n")
    assert invoke("check", ".", "--write-baseline", BASELINE).code == 0
    shop.commit()
    shop.git("checkout", "-q", "-b", "change")
    shop.write("a.yaml", PLAIN.format("a"))
    assert invoke("check", ".", "--write-baseline", BASELINE).code == 0
    shop.commit()
    assert invoke("check", ".").code == 0
    assert invoke("check", ".", "--config-from", "main").code == 1
    assert invoke("check", ".", "--config-from", "main", "--baseline", BASELINE).code == 1
    assert invoke("check", ".", "--config-from", "main", "--baseline", shop.root / BASELINE).code == 1
    outside = shop.root.parent / "known.json"
    outside.write_bytes((shop.root / BASELINE).read_bytes())
    assert invoke("check", ".", "--config-from", "main", "--baseline", outside).code == 0


def test_what_has_been_reviewed_counts(invoke: Invoke, shop: Shop) -> None:
    shop.write("test/a.yaml", PLAIN.format("a"))
    shop.write("b.yaml", IGNORE + PLAIN.format("b"))
    shop.write(CONFIG, "check: {ignore: [test/]}\n")
    shop.commit()
    shop.git("rm", "-q", CONFIG)
    shop.write("b.yaml", "# moved down\n" + IGNORE + PLAIN.format("b"))
    assert invoke("check", ".").code == 1
    outcome = invoke("check", ".", "--config-from", "HEAD")
    assert (outcome.code, _sum(outcome)) == (0, "1 file checked, 0 encrypted: 0 findings, 1 suppressed, 1 file ignored")


def test_a_comment_does_not_move_to_another_object_unseen(invoke: Invoke, shop: Shop) -> None:
    shop.write("b.yaml", IGNORE + PLAIN.format("b"))
    shop.commit()
    shop.write("b.yaml", IGNORE + PLAIN.format("other"))
    assert invoke("check", ".", "--config-from", "HEAD").code == 1


def test_a_mistake_in_the_reviewed_configuration_names_the_revision(invoke: Invoke, shop: Shop) -> None:
    shop.write(CONFIG, "cheque: {}\n")
    shop.commit()
    shop.write(CONFIG, "check: {}\n")
    outcome = invoke("check", ".", "--config-from", "HEAD")
    assert outcome.code == 3
    assert f"HEAD:{CONFIG} line 1 cheque" in outcome.err


def test_a_revision_that_is_not_there_is_an_error(invoke: Invoke, shop: Shop) -> None:
    for name in ("origin/main", "", "--all"):
        outcome = invoke("check", ".", f"--config-from={name}")
        assert (outcome.code, outcome.out) == (10, b""), name


def test_a_reviewed_configuration_that_is_a_link_is_an_error(invoke: Invoke, shop: Shop) -> None:
    shop.write("other.yaml", "check: {}\n")
    (shop.root / CONFIG).symlink_to("other.yaml")
    shop.commit()
    assert invoke("check", ".").code == 0
    assert invoke("check", ".", "--config-from", "HEAD").code == 3


# --- rules of the revision that has been reviewed ------------------------------------------------------------------

ALICE, EVE = str(age.generate()), str(age.generate())
RULES = f"creation_rules:\n  - path_regex: \\.enc\\.\n    age: {ALICE}\n"


def _told(outcome: Outcome) -> set[tuple[str, str, str]]:
    found = json.loads(outcome.out)["findings"]
    return {(each["file"], each["rule"], each["level"]) for each in found}


def test_a_change_takes_no_file_out_of_the_rules(invoke: Invoke, shop: Shop) -> None:
    shop.write(".sops.yaml", RULES)
    shop.commit()
    narrow = RULES + "    encrypted_regex: ^nothing$\n"
    for text in (RULES.replace("enc", "other"), narrow, f"creation_rules: [{{age: {ALICE}}}]\n", None):
        shop.git("checkout", "-q", "-B", "change", "main")
        shop.write("app.enc.env", "PASSWORD=hunter2\n")
        if text is None:
            (shop.root / ".sops.yaml").unlink()
        else:
            shop.write(".sops.yaml", text)
        shop.commit()
        assert invoke("check", ".").code == 0
        outcome = invoke("check", ".", "--config-from", "main", "-o", "json")
        expected = {("app.enc.env", "not-encrypted", "error"), (".sops.yaml", "rules-changed", "note")}
        assert (outcome.code, _told(outcome)) == (1, expected)


def test_a_policy_allows_private_keys_once_it_is_merged(invoke: Invoke, shop: Shop) -> None:
    policy = "apiVersion: secretsync/v1\nkind: Policy\nrules:\n  - {paths: ['**/*.enc.*'], readers: [ann]}\n"
    key = f"keys:\n  - {{id: ann-1, type: age, recipient: {ALICE}}}\n"
    shop.write("keys/people/ann.yaml", f"apiVersion: secretsync/v1\nkind: Principal\nname: ann\n{key}")
    shop.write("keys/policy.yaml", policy)
    shop.commit()
    shop.git("checkout", "-q", "-b", "change")
    shop.write("keys/policy.yaml", policy + "defaults: {allow_private_keys: ['**/key.txt']}\n")
    shop.write("tests/key.txt", age.generate().expose())
    shop.commit()
    assert invoke("check", ".").code == 0
    told = invoke("check", ".", "--config-from", "main", "-o", "json")
    expected = {("tests/key.txt", "private-key-in-repository", "error"), ("keys/policy.yaml", "rules-changed", "note")}
    assert (told.code, _told(told)) == (1, expected)
    assert invoke("check", ".", "--config-from", "change").code == 0


def test_a_new_recipient_is_judged_by_the_rules_at_hand_and_the_change_is_told(invoke: Invoke, shop: Shop) -> None:
    shop.write(".sops.yaml", RULES)
    shop.write("a.enc.yaml", "a: 1\n")
    assert invoke("encrypt", "-i", "a.enc.yaml").code == 0
    shop.commit()
    shop.git("checkout", "-q", "-b", "change")
    shop.write("a.enc.yaml", "a: 1\n")
    shop.write(".sops.yaml", RULES.rstrip() + f",{EVE}\n")
    assert invoke("encrypt", "-i", "a.enc.yaml").code == 0
    shop.commit()
    told = invoke("check", ".", "--config-from", "main", "-o", "json")
    assert (told.code, _told(told)) == (0, {(".sops.yaml", "rules-changed", "note")})
    shop.git("checkout", "-q", "main")
    shop.write(CONFIG, "check: {rules: {rules-changed: error}}\n")
    shop.commit()
    shop.git("checkout", "-q", "change")
    assert invoke("check", ".", "--config-from", "main").code == 1


def test_a_configuration_that_a_change_puts_beside_its_files_is_told(invoke: Invoke, shop: Shop) -> None:
    shop.write("a.yaml", "a: 1\n")
    shop.commit()
    shop.write("apps/.sops.yaml", f"creation_rules: [{{age: {EVE}}}]\n")
    shop.write("apps/a.yaml", "a: 1\n")
    told = invoke("check", ".", "--config-from", "main", "-o", "json")
    assert (told.code, _told(told)) == (0, {("apps/.sops.yaml", "rules-changed", "note")})


def test_rules_that_do_not_read_in_the_reviewed_revision_say_nothing(invoke: Invoke, shop: Shop) -> None:
    shop.write(".sops.yaml", "creation_rules: [\n")
    shop.commit()
    shop.write(".sops.yaml", RULES)
    assert invoke("check", ".", "--config-from", "main").code == 0


# --- what git has staged ------------------------------------------------------------------------------------------


def test_the_index_is_judged_and_not_the_work_tree(invoke: Invoke, shop: Shop) -> None:
    shop.write("a.yaml", PLAIN.format("a"))
    shop.write("b.yaml", PLAIN.format("b"))
    shop.git("add", "a.yaml")
    shop.write("a.yaml", "a: 1\n")
    assert _files(invoke("check", "--staged", "-o", "json")) == ["a.yaml"]
    shop.git("add", "a.yaml")
    shop.write("a.yaml", PLAIN.format("a"))
    assert invoke("check", "--staged").code == 0


def test_without_a_path_only_what_differs_from_the_last_commit_is_judged(invoke: Invoke, shop: Shop) -> None:
    shop.write("old.yaml", PLAIN.format("old"))
    shop.commit()
    shop.write("apps/new.yaml", PLAIN.format("new"))
    shop.git("add", "-A")
    shop.git("rm", "-q", "--cached", "README.md")
    assert _files(invoke("check", "--staged", "-o", "json")) == ["apps/new.yaml"]
    assert _files(invoke("check", "--staged", "old.yaml", "-o", "json")) == ["old.yaml"]
    assert _files(invoke("check", "--staged", ".", "-o", "json")) == ["apps/new.yaml", "old.yaml"]
    assert invoke("check", "--staged", "none.yaml").code == 3
    assert invoke("check", "--staged", "..").code == 3


def test_names_are_relative_to_where_one_stands(invoke: Invoke, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.write("apps/a.yaml", PLAIN.format("a"))
    shop.write("b.yaml", PLAIN.format("b"))
    shop.git("add", "-A")
    monkeypatch.chdir(shop.root / "apps")
    assert _files(invoke("check", "--staged", "-o", "json")) == ["a.yaml", "../b.yaml"]
    assert _files(invoke("check", "--staged", ".", "-o", "json")) == ["a.yaml"]


def test_configuration_and_comments_are_those_that_are_staged(invoke: Invoke, shop: Shop) -> None:
    shop.write("a.yaml", PLAIN.format("a"))
    shop.git("add", "-A")
    shop.write(CONFIG, "check: {ignore: [a.yaml]}\n")
    assert invoke("check", "--staged").code == 1
    shop.git("add", CONFIG)
    assert invoke("check", "--staged").code == 0
    assert invoke("check", "--staged", "--config-from", "HEAD").code == 1
    shop.write(CONFIG, "cheque: {}\n")
    shop.git("add", CONFIG)
    outcome = invoke("check", "--staged")
    assert outcome.code == 3
    assert f":{CONFIG} line 1 cheque" in outcome.err


def test_before_the_first_commit_everything_that_is_staged_is_judged(invoke: Invoke, folder: Path) -> None:
    made = Shop(folder)
    made.write("a.yaml", PLAIN.format("a"))
    assert invoke("check", "--staged").code == 0
    made.git("add", "-A")
    assert invoke("check", "--staged").code == 1


def test_links_submodules_and_files_only_announced_are_no_trouble(invoke: Invoke, shop: Shop) -> None:
    (shop.root / "link.yaml").symlink_to("/nowhere")
    shop.write("later.yaml", PLAIN.format("later"))
    shop.git("add", "link.yaml")
    shop.git("update-index", "--add", "--cacheinfo", f"160000,{shop.git('rev-parse', 'HEAD').strip()},inner")
    shop.git("add", "-N", "later.yaml")
    assert invoke("check", "--staged").code == 0
    assert invoke("check", "--staged", "link.yaml").code == 0


def test_a_merge_that_is_not_finished_is_an_error(invoke: Invoke, shop: Shop) -> None:
    shop.write("a.yaml", "a: 0\n")
    shop.commit()
    for branch, text in (("one", "a: 1\n"), ("two", "a: 2\n")):
        shop.git("checkout", "-q", "-b", branch, "main")
        shop.write("a.yaml", text)
        shop.commit()
    with pytest.raises(subprocess.CalledProcessError):
        shop.git("merge", "one")
    outcome = invoke("check", "--staged")
    assert outcome.code == 10
    assert "a.yaml: a merge left it in several versions" in outcome.err


def test_staged_excludes_what_looks_at_folders_and_a_path_is_needed_otherwise(invoke: Invoke, shop: Shop) -> None:
    assert invoke("check", "--staged", "--as", "flux").code == 3
    assert invoke("check").code == 2


HOOK = "#!/bin/sh\nenv | grep ^GIT_ > ../seen\n{folder}exec {program} check --staged\n"


@pytest.mark.parametrize("linked", [False, True], ids=["main", "linked"])
@pytest.mark.parametrize("inner", [False, True], ids=["top", "subfolder"])
def test_a_hook_judges_the_commit_that_git_makes(shop: Shop, program: str, linked: bool, inner: bool) -> None:
    """`git commit FILE` makes an index of its own, and tells its hooks by GIT_INDEX_FILE where it is."""
    tree = shop.root
    if linked:
        tree = shop.root.parent / "linked"
        shop.git("worktree", "add", "-q", tree)
    (tree / "apps").mkdir()
    hook = shop.root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(HOOK.format(folder="cd apps\n" if inner else "", program=program))
    hook.chmod(0o755)
    for name in ("bad", "good"):
        (tree / f"{name}.yaml").write_text(PLAIN.format(name))
    shop.git("add", "-A", cwd=tree)
    (tree / "good.yaml").write_text("a: 1\n")
    shop.git("commit", "-q", "-m", "only one", "good.yaml", cwd=tree)
    assert "GIT_INDEX_FILE" in (tree / ".." / "seen").read_text()
    with pytest.raises(subprocess.CalledProcessError) as caught:
        shop.git("commit", "-q", "-m", "all", "-a", cwd=tree)
    assert "bad.yaml stringData: error" in caught.value.stderr + caught.value.stdout


@pytest.fixture
def program() -> str:
    """Return the installed command."""
    return str(Path(sys.executable).with_name("secretsync"))
