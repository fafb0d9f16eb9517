"""The verbs on encrypted files: edit, set, unset, rotate, updatekeys, filestatus, exec-env, exec-file, explain."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from secretsync import age, files
from secretsync.cli import _batch, _memory_folder
from tests.cli.conftest import Invoke

PROGRAM = Path(sys.executable).parent / "secretsync"


def lines_changed(before: str, after: str) -> list[str]:
    """Return the keys of the lines of `after` that `before` does not have."""
    return [line.strip().split(":")[0] for line in after.splitlines() if line not in before.splitlines()]


def test_set_changes_the_value_and_what_must_follow(invoke: Invoke, encrypted: Path) -> None:
    before = encrypted.read_text()
    assert invoke("set", encrypted, '["stringData"]["user"]', '"other"').code == 0
    assert set(lines_changed(before, encrypted.read_text())) <= {"user", "lastmodified", "mac"}
    assert invoke("decrypt", "--extract", '["stringData"]["user"]', encrypted).out == b"other"


def test_set_keeps_integers(invoke: Invoke, encrypted: Path) -> None:
    assert invoke("set", encrypted, '["stringData"]["port"]', "5432").code == 0
    assert b"port: 5432\n" in invoke("decrypt", encrypted).out


def test_set_takes_the_value_from_stdin_or_a_file(invoke: Invoke, encrypted: Path, folder: Path) -> None:
    assert invoke("set", "--value-stdin", encrypted, '["stringData"]["user"]', stdin=b'"piped"').code == 0
    assert b"user: piped" in invoke("decrypt", encrypted).out
    (folder / "value").write_text('"filed"')
    assert invoke("set", "--value-file", encrypted, '["stringData"]["user"]', "value").code == 0
    assert b"user: filed" in invoke("decrypt", encrypted).out


def test_set_idempotent_writes_nothing_new(invoke: Invoke, encrypted: Path) -> None:
    before = encrypted.read_bytes()
    assert invoke("set", "--idempotent", encrypted, '["stringData"]["user"]', '"canary-user-9Kd1"').code == 0
    assert encrypted.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("set", "{}", "nonsense", "1"), 7),
        (("set", "{}", '["a"]', "nonsense"), 7),
        (("set", "{}", '["a"]'), 100),
        (("set", "--value-file", "--value-stdin", "{}", '["a"]'), 8),
        (("unset", "{}", '["absent"]'), 1),
        (("unset", "{}", "nonsense"), 7),
        (("decrypt", "--extract", "nonsense", "{}"), 91),
        (("decrypt", "--extract", '["absent"]', "{}"), 1),
        (("set", "absent.yaml", '["a"]', "1"), 100),
        (("decrypt", "--decryption-order", "age,age", "{}"), 112),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_a_wrong_path_or_value_changes_nothing(
    invoke: Invoke, encrypted: Path, arguments: tuple[str, ...], code: int
) -> None:
    before = encrypted.read_bytes()
    outcome = invoke(*(argument.format(encrypted) for argument in arguments))
    assert (outcome.code, outcome.out) == (code, b""), outcome.err
    assert encrypted.read_bytes() == before


def test_unset_removes_a_value(invoke: Invoke, encrypted: Path) -> None:
    assert invoke("unset", encrypted, '["stringData"]["url"]').code == 0
    assert b"url:" not in invoke("decrypt", encrypted).out
    assert invoke("unset", "--idempotent", encrypted, '["stringData"]["url"]').code == 0


def test_filestatus_needs_no_key(invoke: Invoke, encrypted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    (encrypted.parent / "plain.yaml").write_text("a: b\n")
    assert invoke("filestatus", encrypted).out == b'{"encrypted":true}\n'
    assert invoke("filestatus", encrypted.parent / "plain.yaml").out == b'{"encrypted":false}\n'


def test_rotate_makes_all_ciphertext_new_and_keeps_the_values(invoke: Invoke, encrypted: Path) -> None:
    before, plain = encrypted.read_text(), invoke("decrypt", encrypted).out
    assert invoke("rotate", "-i", encrypted).code == 0
    enc = re.compile(r",data:([^,]+)")
    assert set(enc.findall(before)) & set(enc.findall(encrypted.read_text())) == set()
    assert invoke("decrypt", encrypted).out == plain


def test_rotate_adds_and_removes_recipients(
    invoke: Invoke, encrypted: Path, recipient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = age.generate()
    assert invoke("rotate", "-i", "--add-age", str(other), "--rm-age", recipient, encrypted).code == 0
    assert invoke("decrypt", encrypted).code == 128
    monkeypatch.setenv("SOPS_AGE_KEY", other.expose())
    assert invoke("decrypt", encrypted).code == 0


def test_rotate_keeps_recipients_that_no_rule_names_only_when_told_to(
    invoke: Invoke, encrypted: Path, folder: Path
) -> None:
    (folder / ".sops.yaml").write_text(f"creation_rules:\n  - age: {age.generate()}\n")
    before = encrypted.read_bytes()
    outcome = invoke("rotate", "-i", encrypted)
    assert (outcome.code, encrypted.read_bytes()) == (11, before)
    assert "creation_rules[0] of .sops.yaml names no such key for it" in outcome.err
    assert "hint: secretsync updatekeys" in outcome.err
    outcome = invoke("rotate", "-i", "--keep-recipients", encrypted)
    assert outcome.code == 0
    assert encrypted.read_bytes() != before
    assert re.search(r"warning: .*is a recipient of the file and not of the matching rule", outcome.err)


def test_rotate_prints_one_file_and_refuses_to_print_several(invoke: Invoke, encrypted: Path) -> None:
    before = encrypted.read_bytes()
    outcome = invoke("rotate", encrypted)
    assert outcome.code == 0
    assert outcome.out.startswith(b"apiVersion: v1\n")
    assert encrypted.read_bytes() == before
    assert invoke("rotate", encrypted, encrypted).code == 8


def test_updatekeys_takes_the_rule_and_keeps_every_value(invoke: Invoke, encrypted: Path, folder: Path) -> None:
    recipient = re.findall(r"recipient: (\S+)", encrypted.read_text())[0]
    other = str(age.generate())
    (folder / ".sops.yaml").write_text(f"creation_rules:\n  - age: {recipient},{other}\n")
    before = encrypted.read_text()
    dry = invoke("updatekeys", "--dry-run", encrypted)
    assert dry.code == 0
    assert f"adds {other}" in dry.err
    assert encrypted.read_text() == before
    assert invoke("updatekeys", "--yes", encrypted).code == 0
    after = encrypted.read_text()
    assert [line for line in before.splitlines() if line not in after.splitlines()] == []
    assert other in after
    assert "already up to date" in invoke("updatekeys", "--yes", encrypted).err


def test_updatekeys_asks_and_without_a_terminal_refuses(invoke: Invoke, encrypted: Path, folder: Path) -> None:
    (folder / ".sops.yaml").write_text(f"creation_rules:\n  - age: {age.generate()}\n")
    before = encrypted.read_bytes()
    outcome = invoke("updatekeys", encrypted)
    assert outcome.code == 1
    assert "--yes" in outcome.err
    assert encrypted.read_bytes() == before


def test_a_verb_over_many_files_goes_on_after_a_failure(invoke: Invoke, encrypted: Path, folder: Path) -> None:
    many = folder / "many"
    many.mkdir()
    for number in range(2 * _batch._FILES_PER_PROCESS * (os.cpu_count() or 1)):
        (many / f"{number}.yaml").write_bytes(encrypted.read_bytes())
    broken = many / "7.yaml"
    broken.write_text(broken.read_text().replace("name: database", "name: other"))
    (many / "plain.yaml").write_text("a: b\n")
    before = {path: path.read_bytes() for path in many.iterdir()}
    outcome = invoke("rotate", "-i", many)
    assert outcome.code == _batch.SOME_FAILED
    assert next(line for line in outcome.err.splitlines() if ": error: " in line).startswith(
        f"secretsync: error: {broken}"
    )
    assert {path for path in many.iterdir() if path.read_bytes() == before[path]} == {broken, many / "plain.yaml"}
    assert invoke("check", many).out.endswith(b"1 finding\n")


def test_a_folder_stands_for_each_encrypted_file_in_it_once(
    invoke: Invoke, encrypted: Path, folder: Path, recipient: str
) -> None:
    many = folder / "many"
    (many / ".github").mkdir(parents=True)
    (many / ".env").write_text("A=1\n")
    assert invoke("encrypt", "-i", "--age", recipient, many / ".env").code == 0
    (many / ".github" / "a.yaml").write_bytes(encrypted.read_bytes())
    (many / "link.yaml").symlink_to(".github/a.yaml")
    (many / "dangling.yaml").symlink_to("nowhere")
    (many / f"{files.TEMPORARY_PREFIX}left.tmp").write_bytes(encrypted.read_bytes())
    os.mkfifo(many / "pipe.yaml")
    assert _batch.Chosen(["many"]).names == ["many/.env", "many/.github/a.yaml"]
    assert _batch.Chosen(["many/link.yaml", "many", "many/.env"]).names == ["many/link.yaml", "many/.env"]
    (many / ".github" / "z.yaml").symlink_to("../.env")
    assert _batch.Chosen(["many"]).names == ["many/.env", "many/.github/a.yaml"]


@pytest.mark.parametrize("verb", [("updatekeys", "-y"), ("rotate", "-i")], ids=" ".join)
def test_a_link_that_leads_out_of_a_folder_is_refused_and_the_other_files_are_done(
    invoke: Invoke, encrypted: Path, folder: Path, recipient: str, verb: tuple[str, ...]
) -> None:
    many = folder / "many"
    (many / "own").mkdir(parents=True)
    other = str(age.generate())
    (folder / ".sops.yaml").write_text(f"creation_rules:\n  - age: {recipient},{other}\n")
    (many / "own" / "a.yaml").write_bytes(encrypted.read_bytes())
    (many / "README").symlink_to("../readme")
    (folder / "readme").write_text("nothing encrypted")
    assert invoke(*verb, "--dry-run", "many").code == 0
    (many / "link.yaml").symlink_to(os.path.relpath(encrypted, many))
    before = encrypted.read_bytes()
    outcome = invoke(*verb, "many")
    assert (outcome.code, outcome.out) == (1, b"")
    assert "many/link.yaml: leads out of 'many'" in outcome.err
    assert encrypted.read_bytes() == before
    assert encrypted.read_bytes() != (many / "own" / "a.yaml").read_bytes()
    assert sorted(os.listdir(many)) == ["README", "link.yaml", "own"]


@pytest.mark.parametrize("verb", [("updatekeys", "-y"), ("rotate", "-i")], ids=" ".join)
def test_a_link_that_is_named_itself_keeps_its_target(
    invoke: Invoke, encrypted: Path, folder: Path, recipient: str, verb: tuple[str, ...]
) -> None:
    (folder / ".sops.yaml").write_text(f"creation_rules:\n  - age: {recipient},{age.generate()}\n")
    (folder / "elsewhere").mkdir()
    link = folder / "elsewhere" / "link.yaml"
    link.symlink_to(os.path.relpath(encrypted, link.parent))
    before = encrypted.read_bytes()
    assert invoke(*verb, link).code == 0
    assert link.is_symlink()
    assert encrypted.read_bytes() != before


def test_set_takes_a_negative_number_as_sops_does(invoke: Invoke, encrypted: Path) -> None:
    assert invoke("set", encrypted, '["stringData"]["port"]', "-5").code == 0
    assert b"port: -5\n" in invoke("decrypt", encrypted).out


def test_an_argument_too_many_is_not_shown_because_it_may_be_part_of_a_value(invoke: Invoke, encrypted: Path) -> None:
    outcome = invoke("set", encrypted, '["stringData"]["user"]', "correct", "horse-battery")
    assert outcome.code == 2
    assert "horse" not in outcome.err


def test_set_refuses_the_reserved_entry_and_what_is_not_utf8(invoke: Invoke, encrypted: Path) -> None:
    before = encrypted.read_bytes()
    assert invoke("set", encrypted, '["sops"]["mac"]', '"x"').code == 203
    assert invoke("set", encrypted, '["a"]', os.fsdecode(b'"\xff"')).code == 7
    assert encrypted.read_bytes() == before


def test_an_edit_that_cannot_be_read_opens_again(invoke: Invoke, encrypted: Path, folder: Path) -> None:
    """On a terminal: the first outcome is no YAML, the second is reserved, the third is taken."""
    editor = folder / "editor"
    editor.write_text(
        f"#!/bin/sh\necho x >> {folder}/runs\ncase $(wc -l < {folder}/runs) in\n"
        '1) echo "a: [" > "$1";;\n2) grep -q "a: \\[" "$1" && echo "sops: x" > "$1";;\n*) echo "a: b" > "$1";;\nesac\n'
    )
    editor.chmod(0o700)
    pid, terminal = pty.fork()
    if not pid:
        os.execve(PROGRAM, [str(PROGRAM), "edit", str(encrypted)], {**os.environ, "EDITOR": str(editor)})
    shown = b""
    for returns in (1, 2):
        while shown.count(b"press Enter") < returns:
            shown += os.read(terminal, 4096)
        os.write(terminal, b"\n")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(terminal)
    assert invoke("decrypt", encrypted).out.strip() == b"a: b"


def test_a_missing_file_of_several_does_not_keep_the_others(invoke: Invoke, encrypted: Path) -> None:
    before = encrypted.read_bytes()
    outcome = invoke("rotate", "-i", "absent.yaml", encrypted)
    assert outcome.code == _batch.SOME_FAILED
    assert "error: absent.yaml: no such file" in outcome.err
    assert encrypted.read_bytes() != before


def test_a_dry_run_that_fails_does_not_claim_that_anything_was_done(invoke: Invoke, encrypted: Path) -> None:
    outcome = invoke("rotate", "--dry-run", "absent.yaml", encrypted)
    assert outcome.err.endswith(": 1 of 2 files failed\n")


def test_exec_env_runs_with_the_values_and_without_our_keys(invoke: Invoke, folder: Path, recipient: str) -> None:
    (folder / "x.yaml").write_text("A: 1\nB: two words\nC: true\n")
    assert invoke("encrypt", "-i", "--age", recipient, "x.yaml").code == 0
    outcome = subprocess.run(
        [PROGRAM, "exec-env", "x.yaml", 'echo "$A|$B|$C|$SOPS_AGE_KEY_FILE"; exit 7'],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (outcome.returncode, outcome.stdout, outcome.stderr) == (7, "1|two words|true|\n", "")


def test_exec_env_refuses_what_cannot_be_a_variable(invoke: Invoke, encrypted: Path) -> None:
    outcome = invoke("exec-env", encrypted, "true")
    assert (outcome.code, outcome.out) == (1, b"")
    assert "metadata: a list or mapping cannot be a variable" in outcome.err


@pytest.mark.parametrize("flags", [[], ["--no-fifo", "--filename", "secret.yaml"]], ids=["pipe", "file"])
def test_exec_file_shows_the_plaintext_to_the_command_alone(encrypted: Path, invoke: Invoke, flags: list[str]) -> None:
    plain = invoke("decrypt", encrypted).out.decode()
    outcome = subprocess.run(
        [PROGRAM, "exec-file", *flags, encrypted, "cat {}; echo {} >&2; stat -c %a $(dirname {}) >&2"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    path, mode = outcome.stderr.split()
    assert (outcome.returncode, outcome.stdout, mode) == (0, plain, "700")
    assert not Path(path).parent.exists()


def edit(path: Path, editor: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `secretsync edit` with a shell command as the editor; `$1` is the file."""
    environment = {**os.environ, "EDITOR": f"sh -c '{editor}' editor"}
    return subprocess.run(
        [PROGRAM, "edit", *arguments, path], capture_output=True, text=True, check=False, env=environment,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_edit_changes_what_was_edited(invoke: Invoke, encrypted: Path) -> None:
    before = encrypted.read_text()
    assert edit(encrypted, 'sed -i s/canary-user-9Kd1$/other/ "$1"').returncode == 0
    assert set(lines_changed(before, encrypted.read_text())) <= {"user", "lastmodified", "mac"}
    assert b"user: other\n" in invoke("decrypt", encrypted).out


@pytest.mark.parametrize(
    ("editor", "code"),
    [("true", 200), ("false", 201), ('echo "a: [" > "$1"', 2), (': > "$1"', 92), ('echo "sops: 1" > "$1"', 203)],
    ids=["unchanged", "failing", "syntax", "empty", "reserved"],
)
def test_an_edit_that_fails_leaves_the_file(encrypted: Path, editor: str, code: int) -> None:
    before = encrypted.read_bytes()
    outcome = edit(encrypted, editor)
    assert (outcome.returncode, outcome.stdout) == (code, ""), outcome.stderr
    assert encrypted.read_bytes() == before


def test_edit_makes_a_new_file(invoke: Invoke, folder: Path, recipient: str) -> None:
    outcome = edit(folder / "new.yaml", 'echo "a: b" > "$1"', "--age", recipient)
    assert outcome.returncode == 0, outcome.stderr
    assert invoke("decrypt", "new.yaml").out == b"a: b\n"


def test_edit_keeps_both_versions_if_the_file_changed_meanwhile(invoke: Invoke, encrypted: Path) -> None:
    outcome = edit(encrypted, f'sed -i s/canary-user-9Kd1$/mine/ "$1"; echo theirs > {encrypted}')
    assert outcome.returncode == 2
    assert encrypted.read_text() == "theirs\n"
    kept = encrypted.with_name("secret.yaml.edited")
    assert str(kept) in outcome.stderr
    kept.rename(encrypted)
    assert b"user: mine\n" in invoke("decrypt", encrypted).out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_no_plaintext_is_left_when_edit_is_ended(encrypted: Path, folder: Path, number: signal.Signals) -> None:
    before = encrypted.read_bytes()
    mark = folder / "path"
    environment = {**os.environ, "EDITOR": f"sh -c 'echo \"$1\" > {mark}; sleep 30' editor"}
    process = subprocess.Popen([PROGRAM, "edit", encrypted], env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while not (mark.exists() and mark.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    path = Path(mark.read_text().strip())
    assert path.exists()
    process.send_signal(number)
    process.wait(10)
    while path.parent.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not path.parent.exists()
    assert encrypted.read_bytes() == before


def test_a_folder_on_disk_is_announced(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(_memory_folder, "_memory_backed", lambda: None)
    with _memory_folder.private_folder() as folder:
        assert os.stat(folder).st_mode & 0o777 == 0o700
    assert "plaintext lies on disk" in capsys.readouterr().err
    assert not os.path.exists(folder)


def test_explain_says_who_and_what(invoke: Invoke, encrypted: Path, recipient: str, folder: Path) -> None:
    (folder / ".sops.yaml").write_text(f"creation_rules:\n  - encrypted_regexp: x\n    age: {recipient}\n")
    outcome = invoke("explain", encrypted)
    assert outcome.code == 0
    text = outcome.out.decode()
    assert f"age {recipient}  (you)" in text
    assert re.search(r"^  encrypted +stringData.password$", text, re.MULTILINE)
    assert re.search(r"^  clear +metadata.name$", text, re.MULTILINE)
    assert "did you mean 'encrypted_regex'?" in outcome.err
    assert "canary" not in text


def test_explain_says_that_a_file_is_encrypted_in_part(invoke: Invoke, encrypted: Path) -> None:
    text = encrypted.read_text()
    assert "in part" not in invoke("explain", encrypted).out.decode()
    encrypted.write_text(text.replace("stringData:\n", "stringData:\n  token: canary-token-1\n"))
    told = invoke("explain", encrypted).out.decode()
    assert re.search(
        r"^note: encrypted in part: 1 of the \d values .* in the clear: stringData.token$", told, re.MULTILINE
    )
    assert "canary" not in told


def test_a_bad_recipient_is_told_with_its_rule(invoke: Invoke, encrypted: Path, recipient: str, folder: Path) -> None:
    good = f"  - path_regex: other\n    age: {recipient}\n"
    (folder / ".sops.yaml").write_text(f"creation_rules:\n{good}  - age: age1notgood\n")
    (folder / "x.yaml").write_text("a: 1\n")
    for command in (("encrypt", "x.yaml"), ("updatekeys", "-y", encrypted)):
        assert f"(creation_rules[1] of {folder / '.sops.yaml'})" in invoke(*command).err
    given = invoke("encrypt", "--age", "age1notgood", "x.yaml").err
    assert "cannot be used" in given
    assert "creation_rules" not in given


def test_explain_of_a_plain_file_says_what_encrypt_would_do(invoke: Invoke, folder: Path, recipient: str) -> None:
    (folder / ".sops.yaml").write_text(f"creation_rules:\n  - encrypted_suffix: _secret\n    age: {recipient}\n")
    (folder / "x.yaml").write_text("a_secret: 1\nb: 2\n")
    found = json.loads(invoke("explain", "--json", "x.yaml").out)
    assert (found["encrypted"], found["access"][0]["name"]) == (False, recipient)
    assert {leaf["path"]: leaf["selected"] for leaf in found["leaves"]} == {"a_secret": True, "b": False}


def test_encrypt_reuses_the_ciphertext_of_an_earlier_version(invoke: Invoke, encrypted: Path, recipient: str) -> None:
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], cwd=encrypted.parent, check=True)
    before = encrypted.read_text()
    plain = invoke("decrypt", encrypted).out.decode()
    encrypted.write_text(plain.replace("user: canary-user-9Kd1\n", "user: other\n"))
    options = ("--age", recipient, "--encrypted-regex", "^(data|stringData)$", "--reuse", "HEAD")
    assert invoke("encrypt", "-i", *options, encrypted).code == 0
    assert {"user"} <= set(lines_changed(before, encrypted.read_text()))
    assert not {"password", "url"} & set(lines_changed(before, encrypted.read_text()))
    assert b"user: other\n" in invoke("decrypt", encrypted).out


def test_encrypt_names_a_revision_that_is_not_there(invoke: Invoke, folder: Path, recipient: str) -> None:
    (folder / "x.yaml").write_text("a: b\n")
    outcome = invoke("encrypt", "-i", "--age", recipient, "--reuse", "HEAD", "x.yaml")
    assert (outcome.code, (folder / "x.yaml").read_text()) == (10, "a: b\n")
