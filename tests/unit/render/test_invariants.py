"""The invariants of the design, each by its name: what an engine may rely on whatever it renders."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from secretsync.documents.tree import Limits
from secretsync.errors import (
    ConfigError,
    DuplicateKeyError,
    EscapeError,
    FileAccessError,
    IntegrityError,
    LimitError,
    ManifestError,
    PlaintextError,
    SecretsyncError,
)
from secretsync.rendering import Input
from secretsync.rendering.output import write_folder
from tests.unit.render.workshop import (
    CANARY,
    CONFIG,
    ENVIRON,
    IDENTITY,
    SEALED,
    SECRET,
    certificate,
    encrypted,
    rendered,
    stream,
)

ODD = "---\r\nkind: ConfigMap\r\nmetadata:   { name:  a }\r\n# end\r\n---   # next\r\n\r\nkind: Service\r\nspec: {}\r\n"


# --- 1. all or nothing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken", ["a: [", "kind: Secret\nkind: Secret\n", "- a\n- list\n"], ids=["yaml", "key", "list"]
)
def test_all_or_nothing_one_bad_file_and_nothing_is_rendered(broken: str) -> None:
    with pytest.raises(SecretsyncError, match=r"^1\.yaml"):
        rendered(CONFIG, broken, CONFIG)


def test_all_or_nothing_a_tampered_document_takes_the_others_with_it() -> None:
    bad = encrypted(SECRET).replace(b"namespace: prod", b"namespace: test")
    with pytest.raises(IntegrityError):
        rendered(CONFIG, bad)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n---\n", "---\n# c\n...\n"])
def test_all_or_nothing_no_object_is_an_error(text: str) -> None:
    with pytest.raises(ManifestError, match="holds no object"):
        rendered(text)
    assert stream(text, allow_empty=True) == text


@pytest.mark.parametrize("mode", ["reveal", "seal", "redact"])
def test_all_or_nothing_objects_in_equal_objects_out(mode: str, tmp_path: Path) -> None:
    both = encrypted(SECRET).decode() + "---\n" + CONFIG + "---\n" + SEALED
    result = rendered(both, CONFIG, mode=mode, cert_file=certificate(tmp_path))
    assert [piece.objects for piece in result.pieces] == [3, 1]
    assert result.stream().count(b"kind:") == 4 + (mode == "seal") * 0


# --- 2. passthrough is byte-identical --------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["reveal", "seal", "redact"])
@pytest.mark.parametrize(
    "data",
    [
        CONFIG.encode(),
        ODD.encode(),
        SEALED.encode(),
        b"\xef\xbb\xbfkind: ConfigMap\nmetadata: {name: bom}",
        "kind: ConfigMap\nmetadata: {name: ünïcode}\n".encode("utf-16"),
        b"kind: ConfigMap\ndata: &a {x: 1}\nmore: *a\n...\n",
        b"# lead\n\n\nkind: ConfigMap\ndata:\n  t: |+\n    a\n\n\n",
    ],
    ids=["config", "crlf", "sealed", "bom", "utf-16", "anchors", "blanks"],
)
def test_passthrough_is_byte_identical(mode: str, data: bytes, tmp_path: Path) -> None:
    assert rendered(data, mode=mode, cert_file=certificate(tmp_path)).stream() == data


@pytest.mark.parametrize("mode", ["reveal", "seal", "redact"])
def test_passthrough_is_byte_identical_around_a_secret(mode: str, tmp_path: Path) -> None:
    result = stream(
        CONFIG + "---\n" + encrypted(SECRET).decode() + "---\n" + ODD[5:], mode=mode, cert_file=certificate(tmp_path)
    )
    assert result.startswith(CONFIG + "---\n")
    assert result.endswith("---\n" + ODD[5:])


def test_passthrough_is_byte_identical_in_joined_files() -> None:
    assert stream("a: 1", "---\nb: 2\n", "# c\nc: 3\n---\n", "d: 4\n") == (
        "a: 1\n---\nb: 2\n---\n# c\nc: 3\n---\nd: 4\n"
    )


# --- 3. unverified plaintext is unreachable --------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["reveal", "seal", "redact"])
def test_unverified_plaintext_is_unreachable(mode: str, tmp_path: Path) -> None:
    moved = encrypted(SECRET + f"  extra: {CANARY}\n").replace(b"name: db", b"name: other")
    with pytest.raises(IntegrityError) as caught:
        rendered(moved, mode=mode, cert_file=certificate(tmp_path))
    assert CANARY not in "".join(traceback.format_exception(caught.value))


# --- 4. secrets never become text by accident ------------------------------------------------------------------------


def test_secrets_never_become_text_by_accident_in_seal_mode(tmp_path: Path) -> None:
    config = encrypted(CONFIG.replace("'value'", CANARY))
    with pytest.raises(PlaintextError, match=r"data\.key: a decrypted value of ConfigMap prod/app") as caught:
        rendered(config, mode="seal", cert_file=certificate(tmp_path))
    assert CANARY not in "".join(traceback.format_exception(caught.value))


def test_secrets_never_become_text_by_accident_in_repr(tmp_path: Path) -> None:
    result = rendered(encrypted(SECRET.replace("hunter2", CANARY)))
    assert CANARY in result.stream().decode()
    assert CANARY not in repr(result)


@pytest.mark.parametrize("mode", ["seal", "redact"])
def test_secrets_never_become_text_by_accident_in_the_output(mode: str, tmp_path: Path) -> None:
    secret = SECRET.replace("hunter2", CANARY) + f"  # {CANARY}\n  multi: |\n    {CANARY}\n    {CANARY}\n"
    assert CANARY not in stream(encrypted(secret, None), mode=mode, cert_file=certificate(tmp_path))


# --- 5. same input, same bytes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["reveal", "seal", "redact"])
def test_same_input_same_bytes_in_two_processes(mode: str, tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    for name in "cab":
        (folder / f"{name}.yaml").write_bytes(encrypted(SECRET.replace("db", name)))
    command = [sys.executable, "-m", "secretsync.hooks", "render", "--mode", mode, "--allow-expired"]
    command += ["--cert", certificate(tmp_path), str(folder)]
    runs = [
        subprocess.run(command, env={**ENVIRON, "PYTHONHASHSEED": seed}, check=True, capture_output=True).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert [line for line in runs[0].split() if line in {b"a", b"b", b"c"}][:1] == [b"a"]


# --- 6. an edit touches what it edits: revealing touches what was encrypted -------------------------------------------


def test_an_edit_touches_what_it_edits_so_the_rest_of_a_revealed_file_stays() -> None:
    text = "# head\n" + SECRET.replace("kind: Secret", "kind:   Secret  # odd").replace("name: db", "name:  'db'")
    assert stream(encrypted(text)) == text


# --- 7. writes are atomic --------------------------------------------------------------------------------------------


def test_writes_are_atomic_so_a_failed_folder_leaves_no_trace(tmp_path: Path) -> None:
    target = tmp_path / "out"
    (target / "0.yaml").mkdir(parents=True)
    (target / "1.yaml").write_text("old")
    with pytest.raises(FileAccessError):
        write_folder(str(target), rendered(CONFIG, CONFIG), private=True)
    assert (target / "1.yaml").read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_writes_are_atomic_and_private(tmp_path: Path) -> None:
    target = tmp_path / "out"
    for _ in range(2):
        write_folder(str(target), rendered(encrypted(SECRET), CONFIG), private=True)
        assert sorted(path.name for path in target.iterdir()) == ["0.yaml", "1.yaml"]
        assert (target / "0.yaml").read_text() == SECRET
        assert (target / "0.yaml").stat().st_mode & 0o777 == 0o600
        assert (target / "1.yaml").read_text() == CONFIG


# --- 8. hostile input is normal input --------------------------------------------------------------------------------


def test_hostile_input_is_normal_input_links_out_of_the_tree(tmp_path: Path) -> None:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "x.yaml").symlink_to(IDENTITY)
    with pytest.raises(EscapeError):
        rendered(folder)


def test_hostile_input_is_normal_input_a_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.yaml")
    with pytest.raises(EscapeError):
        rendered(tmp_path)


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("a: " + "[" * 10_000, Limits()),
        ("a: b\n" * 2, Limits(size=5)),
        ("a: b\n---\n" * 11, Limits(documents=10)),
        ("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b]\n", Limits(nodes=100)),
    ],
    ids=["depth", "size", "documents", "aliases"],
)
def test_hostile_input_is_normal_input_limits(text: str, limits: Limits) -> None:
    with pytest.raises(LimitError):
        rendered(text, limits=limits)


def test_hostile_input_is_normal_input_too_many_files(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.yaml").write_text(CONFIG)
    with pytest.raises(LimitError, match="more than 3 files"):
        rendered(tmp_path, max_files=3)


@pytest.mark.parametrize(
    ("name", "text"),
    [("x.yaml", "kind: ConfigMap\nkind: Secret\n"), ("x.json", '{"kind": "ConfigMap", "data": {"a": "", "a": ""}}')],
)
def test_hostile_input_is_normal_input_duplicate_keys(name: str, text: str) -> None:
    with pytest.raises(DuplicateKeyError, match=f"^{name}"):
        rendered(Input(name, name, content=text.encode()))


def test_hostile_input_is_normal_input_all_files_together() -> None:
    with pytest.raises(LimitError, match=r"^1\.yaml: more than 150 bytes in all files"):
        rendered(CONFIG, CONFIG, max_total=150)


def test_hostile_input_is_normal_input_a_large_named_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(LimitError):
        rendered(path)


def test_all_or_nothing_an_empty_list_is_no_object() -> None:
    for items in ("[]", "null"):
        with pytest.raises(ManifestError, match="holds no object"):
            rendered(f"apiVersion: v1\nkind: List\nitems: {items}\n")


@pytest.mark.parametrize("items", ["[a, b]", "[1]", "{}"])
def test_passthrough_is_byte_identical_for_a_kind_that_only_ends_in_list(items: str) -> None:
    text = f"kind: AllowList\nitems: {items}\n"
    assert stream(text) == text


def test_a_namespace_must_be_legal() -> None:
    with pytest.raises(ConfigError, match="not a legal namespace"):
        rendered(encrypted(SECRET), namespace="a: b")


def test_writes_are_atomic_so_a_terminated_process_leaves_no_trace(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from secretsync.interruption import end_in_order\n"
        "from secretsync.rendering import Input, Options, render, output\n"
        "output._put_in_place = lambda *names: os.kill(os.getpid(), signal.SIGTERM)\n"
        "result = render([Input('a', 'a.yaml', content=b'kind: X')], Options())\n"
        "end_in_order()\n"
        "output.write_folder(sys.argv[1], result, private=True)\n"
    )
    outcome = subprocess.run([sys.executable, "-c", program, str(tmp_path / "out")], capture_output=True, check=False)
    assert b"KeyboardInterrupt" in outcome.stderr
    assert list(tmp_path.iterdir()) == []
