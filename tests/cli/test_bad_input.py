"""What bad input gets: its own error class and exit code, one line that names the place, no output, nothing changed."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from secretsync import age, errors, files
from secretsync.errors import SecretsyncError
from tests.cli.conftest import SECRET_MANIFEST, Invoke, Outcome

VECTORS = Path(__file__).parents[1] / "vectors"
SEALED_KEYS = VECTORS / "sealed" / "keys"
ERROR_LINE = re.compile(r"^secretsync: error: .+$", re.MULTILINE)


def assert_refused(outcome: Outcome, error: type[SecretsyncError], *, place: str, sops_codes: bool = False) -> None:
    """Assert that a run failed as `error` does: code, one error line that names the place, nothing on stdout."""
    expected = error.sops_exit_code if sops_codes and error.sops_exit_code is not None else error.exit_code
    assert outcome.code == expected, outcome.err
    assert outcome.out == b""
    (line,) = ERROR_LINE.findall(outcome.err)
    assert place in line
    assert "canary" not in outcome.err
    assert all(each.startswith("secretsync: ") for each in outcome.err.splitlines())


def snapshot(folder: Path) -> dict[str, bytes]:
    """Return every file below `folder` with its content."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


def flipped(text: str, field: str) -> str:
    """Return an encrypted document with the first byte of `field` (data, iv, tag) of `password` changed."""

    def replace(match: re.Match[str]) -> str:
        raw = bytearray(base64.b64decode(match[2]))
        raw[0] ^= 1
        return match[1] + base64.b64encode(raw).decode()

    return re.sub(rf"(password: ENC\[.*?{field}:)([^,\]]+)", replace, text)


TAMPERINGS: dict[str, tuple[Callable[[str], str], type[errors.SecretsyncError], str]] = {
    "value": (lambda text: flipped(text, "data"), errors.AuthenticationTagError, "stringData.password"),
    "iv": (lambda text: flipped(text, "iv"), errors.AuthenticationTagError, "stringData.password"),
    "tag": (lambda text: flipped(text, "tag"), errors.AuthenticationTagError, "stringData.password"),
    "clear value": (lambda text: text.replace("name: database", "name: other"), errors.MacMismatchError, ""),
    "key of a value": (
        lambda text: text.replace(" password:", " passwort:"),
        errors.AuthenticationTagError,
        "passwort",
    ),
    "mac": (lambda text: re.sub(r"mac: ENC\[AES256_GCM,data:..", r"\g<0>AAAA", text), errors.MacMismatchError, ""),
    "lastmodified": (lambda text: re.sub(r'(lastmodified: "20)\d\d', r"\g<1>01", text), errors.MacMismatchError, ""),
    "removed value": (lambda text: re.sub(r"\n *password: .*", "", text), errors.MacMismatchError, ""),
    "plaintext": (
        lambda text: re.sub(r"password: ENC.*", "password: canary-clear", text),
        errors.CiphertextFormatError,
        "stringData.password",
    ),
    "truncated value": (
        lambda text: re.sub(r"(password: ENC\[AES256_GCM,data:..).*", r"\1", text),
        errors.CiphertextFormatError,
        "stringData.password",
    ),
    "metadata gone": (lambda text: text[: text.index("sops:")], errors.MetadataError, ""),
    "lastmodified gone": (lambda text: re.sub(r"\n *lastmodified: .*", "", text), errors.MetadataError, "sops"),
}


@pytest.mark.parametrize("name", TAMPERINGS)
@pytest.mark.parametrize("command", ["decrypt", "decrypt -i"])
def test_a_tampered_file_is_refused(invoke: Invoke, encrypted: Path, name: str, command: str) -> None:
    change, error, place = TAMPERINGS[name]
    text = encrypted.read_text()
    assert change(text) != text
    encrypted.write_text(change(text))
    before = snapshot(encrypted.parent)
    outcome = invoke(*command.split(), encrypted)
    assert_refused(outcome, error, place=f"{encrypted}", sops_codes=True)
    assert place in outcome.err
    assert snapshot(encrypted.parent) == before


@pytest.mark.parametrize("name", [name for name in TAMPERINGS if name != "metadata gone"])
def test_render_refuses_what_decrypt_refuses(invoke: Invoke, encrypted: Path, name: str) -> None:
    change, error, _ = TAMPERINGS[name]
    encrypted.write_text(change(encrypted.read_text()))
    assert_refused(invoke("render", encrypted), error, place=str(encrypted))


def test_a_truncated_file_is_refused_wherever_it_is_cut(invoke: Invoke, encrypted: Path) -> None:
    text = encrypted.read_text()
    for end in range(text.index("sops:") + 8, len(text) - 2, 97):
        encrypted.write_text(text[:end])
        outcome = invoke("render", encrypted)
        assert outcome.code not in {0, 70}, text[:end]
        assert outcome.out == b""


def test_an_envelope_that_is_damaged_is_refused_and_names_the_key(
    invoke: Invoke, encrypted: Path, recipient: str
) -> None:
    text = encrypted.read_text()
    start = text.index("-----BEGIN AGE") + 120
    encrypted.write_text(text[:start] + ("A" if text[start] != "A" else "B") + text[start + 1 :])
    outcome = invoke("decrypt", encrypted)
    assert_refused(outcome, errors.NoIdentityMatchError, place=str(encrypted), sops_codes=True)
    assert recipient in outcome.err


def test_the_wrong_key_is_refused_and_every_key_tried_is_named(
    invoke: Invoke, encrypted: Path, recipient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = age.generate()
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    monkeypatch.setenv("SOPS_AGE_KEY", other.expose())
    outcome = invoke("decrypt", encrypted)
    assert_refused(outcome, errors.NoIdentityMatchError, place=str(encrypted), sops_codes=True)
    assert recipient in outcome.err
    assert str(other) in outcome.err
    assert other.expose() not in outcome.err
    assert "secretsync doctor" in outcome.err


def test_no_key_is_refused_and_every_place_is_named(
    invoke: Invoke, encrypted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    outcome = invoke("render", encrypted)
    assert_refused(outcome, errors.NoIdentityMatchError, place=str(encrypted))
    for place in ("SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "keys.txt"):
        assert place in outcome.err


def test_a_key_file_that_is_none_is_refused_without_showing_it(
    invoke: Invoke, encrypted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SOPS_AGE_KEY_FILE")
    monkeypatch.setenv("SOPS_AGE_KEY", "AGE-SECRET-KEY-1CANARY9Kd1")
    outcome = invoke("render", encrypted)
    assert outcome.code == errors.NoIdentityMatchError.exit_code
    assert "CANARY9Kd1" not in outcome.err


MANIFESTS = {
    "stringData that is no string": (SECRET_MANIFEST.replace("canary-user-9Kd1\n", "12\n", 1), "stringData.user"),
    "base64 that is none": (
        SECRET_MANIFEST[: SECRET_MANIFEST.index("stringData")] + 'data:\n  key: "not base64!"\n',
        "data.key",
    ),
    "no name": (SECRET_MANIFEST.replace("  name: database\n", ""), "metadata.name"),
    "no namespace": (SECRET_MANIFEST.replace("  namespace: shop\n", ""), "metadata.namespace"),
    "an illegal key": (SECRET_MANIFEST.replace("  user:", "  a/b:"), "a/b"),
    "an illegal name": (SECRET_MANIFEST.replace("name: database", "name: Data_Base"), "metadata.name"),
}


@pytest.mark.parametrize("name", MANIFESTS)
def test_seal_refuses_a_bad_manifest(invoke: Invoke, folder: Path, sealing: tuple[Path, Path], name: str) -> None:
    text, place = MANIFESTS[name]
    (folder / "secret.yaml").write_text(text)
    outcome = invoke("seal", "--cert", sealing[0], "-w", "sealed.yaml", "secret.yaml")
    assert_refused(outcome, errors.ManifestError, place="secret.yaml")
    assert place in outcome.err
    assert sorted(snapshot(folder)) == [str(folder / "secret.yaml")]


CERTIFICATES = {
    "expired.crt": errors.ExpiredCertificateError,
    "future.crt": errors.CertificateError,
    "ec.crt": errors.CertificateError,
    "rsa1024.crt": errors.CertificateError,
    "empty.crt": errors.CertificateError,
    "a.key": errors.CertificateError,
}


@pytest.mark.parametrize("name", CERTIFICATES)
@pytest.mark.parametrize("command", ["seal", "render --mode seal"])
def test_a_certificate_that_cannot_be_used_is_refused(
    invoke: Invoke, encrypted: Path, folder: Path, name: str, command: str
) -> None:
    (folder / "plain.yaml").write_text(SECRET_MANIFEST)
    path = encrypted if command.startswith("render") else folder / "plain.yaml"
    outcome = invoke(*command.split(), "--cert", SEALED_KEYS / name, path)
    assert_refused(outcome, CERTIFICATES[name], place=name)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + level)}: &{chr(98 + level)} [{', '.join([f'*{chr(97 + level)}'] * 10)}]\n" for level in range(9)
)
TEXTS: dict[str, tuple[str, bytes, type[SecretsyncError]]] = {
    "a YAML bomb": ("x.yaml", BOMB.encode(), errors.LimitError),
    "deep YAML flow": ("x.yaml", b"a: " + b"[" * 10_000 + b"]" * 10_000, errors.LimitError),
    "deep YAML blocks": (
        "x.yaml",
        "".join(f"{' ' * level}a:\n" for level in range(10_000)).encode(),
        errors.LimitError,
    ),
    "deep JSON": ("x.json", b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", errors.LimitError),
    "a NUL byte in YAML": ("x.yaml", b"a: b\x00c\n", errors.ParseError),
    "a NUL byte in JSON": ("x.json", b'{"a": "b\x00c"}', errors.ParseError),
    "invalid UTF-8 in YAML": ("x.yaml", b"a: \xff\xfe\n", errors.ParseError),
    "YAML that is none": ("x.yaml", b"a: [b\nc: }\n", errors.ParseError),
    "JSON that is none": ("x.json", b'{"a": ', errors.ParseError),
    "a duplicate key in YAML": ("x.yaml", b"a: 1\nb: 2\na: 3\n", errors.DuplicateKeyError),
    "a duplicate key in JSON": ("x.json", b'{"a": 1, "b": 2, "a": 3}', errors.DuplicateKeyError),
    "too large a file": ("x.yaml", b"a: b\n" + b"#" * (16 << 20), errors.LimitError),
    "no object at all": ("x.yaml", b"# nothing\n", errors.ManifestError),
}


@pytest.mark.parametrize("name", TEXTS)
def test_render_refuses_hostile_text(invoke: Invoke, folder: Path, name: str) -> None:
    file, content, error = TEXTS[name]
    (folder / file).write_bytes(content)
    assert_refused(invoke("render", "."), error, place=file)


@pytest.mark.parametrize("name", [name for name in TEXTS if name not in {"no object at all", "too large a file"}])
def test_encrypt_refuses_hostile_text_and_leaves_the_file(
    invoke: Invoke, folder: Path, recipient: str, name: str
) -> None:
    file, content, error = TEXTS[name]
    if name in {"a duplicate key in JSON", "JSON that is none"}:
        pytest.skip("kept as sops keeps it")
    (folder / file).write_bytes(content)
    outcome = invoke("encrypt", "-i", "--age", recipient, file)
    assert outcome.code not in {0, 70}, outcome.err
    assert_refused(outcome, error, place=file, sops_codes=True)
    assert (folder / file).read_bytes() == content


def test_a_link_out_of_the_tree_is_refused(invoke: Invoke, folder: Path) -> None:
    (folder.parent / "outside.yaml").write_text(SECRET_MANIFEST)
    (folder / "link.yaml").symlink_to("../outside.yaml")
    assert_refused(invoke("render", "."), errors.EscapeError, place="link.yaml")


def test_a_file_that_changes_while_it_is_read_is_refused(
    invoke: Invoke, encrypted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = iter(range(1000))
    monkeypatch.setattr(files, "_version", lambda status: (next(versions), 0, 0))
    assert_refused(invoke("render", encrypted.parent), errors.ChangedFileError, place="secret.yaml")


def test_a_file_that_changed_before_it_was_replaced_is_left_alone(
    invoke: Invoke, encrypted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync = os.fsync

    def change_first(descriptor: int) -> None:
        encrypted.write_text("theirs")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", change_first)
    assert_refused(invoke("decrypt", "-i", encrypted), errors.ChangedFileError, place=str(encrypted), sops_codes=True)
    assert encrypted.read_text() == "theirs"
    assert os.listdir(encrypted.parent) == ["secret.yaml"]


def test_a_sealed_secret_under_another_name_is_refused(
    invoke: Invoke, folder: Path, sealing: tuple[Path, Path]
) -> None:
    sealed = invoke("seal", "--cert", sealing[0], "-o", "yaml", stdin=SECRET_MANIFEST.encode()).out
    (folder / "moved.yaml").write_bytes(sealed.replace(b"namespace: shop", b"namespace: other"))
    outcome = invoke("unseal", "--recovery-private-key", sealing[1], "moved.yaml")
    assert_refused(outcome, errors.UnsealError, place="moved.yaml")


def test_a_plain_secret_is_not_sealed_in_a_render_without_a_seal_key(
    invoke: Invoke, folder: Path, sealing: tuple[Path, Path]
) -> None:
    (folder / "secret.yaml").write_text(SECRET_MANIFEST)
    outcome = invoke("render", "--mode", "seal", "--cert", sealing[0], "secret.yaml")
    assert_refused(outcome, errors.PlaintextError, place="secret.yaml")


def test_demo_keys_are_refused(invoke: Invoke, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = Path(__file__).parents[2] / "examples"
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(examples / "demo-keys" / "alice.agekey"))
    outcome = invoke("render", examples / "shop")
    assert_refused(outcome, errors.DemoKeyError, place="database.enc.yaml")


def test_a_missing_file_has_sops_code_and_our_own(invoke: Invoke, folder: Path) -> None:
    assert_refused(invoke("decrypt", "absent.yaml"), errors.MissingFileError, place="absent.yaml", sops_codes=True)
    assert_refused(invoke("render", "absent.yaml"), errors.MissingFileError, place="absent.yaml")


def test_an_encrypted_file_is_not_encrypted_again(invoke: Invoke, encrypted: Path, recipient: str) -> None:
    outcome = invoke("encrypt", "-i", "--age", recipient, encrypted)
    assert_refused(outcome, errors.AlreadyEncryptedError, place=str(encrypted), sops_codes=True)


def test_a_selector_that_selects_nothing_is_refused(invoke: Invoke, folder: Path, recipient: str) -> None:
    (folder / "secret.yaml").write_text(SECRET_MANIFEST)
    arguments = ("encrypt", "--age", recipient, "--encrypted-regex", "^nothing$", "secret.yaml")
    assert_refused(invoke(*arguments), errors.PlaintextError, place="secret.yaml")
    assert invoke(*arguments, "--allow-plaintext").code == 0


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--encrypted-regex", "(?=a)"], errors.ConfigError),
        (["--encrypted-regex", "a", "--encrypted-suffix", "b"], errors.ConflictingOptionsError),
        (["--age", "age1nonsense"], errors.ConfigError),
        (["--kms", "arn:aws:kms:x"], errors.MissingDependencyError),
        (["--in-place", "--output", "x"], errors.ConflictingOptionsError),
        (["--config", "absent.yaml"], errors.ConfigError),
    ],
    ids=["RE2", "two selectors", "recipient", "kms", "two outputs", "config"],
)
def test_encrypt_refuses_impossible_options(
    invoke: Invoke, folder: Path, recipient: str, arguments: list[str], error: type[SecretsyncError]
) -> None:
    (folder / "secret.yaml").write_text(SECRET_MANIFEST)
    outcome = invoke("encrypt", *([] if "--age" in arguments else ["--age", recipient]), *arguments, "secret.yaml")
    assert_refused(outcome, error, place="", sops_codes=True)
    assert (folder / "secret.yaml").read_text() == SECRET_MANIFEST


def test_no_recipient_is_refused(invoke: Invoke, folder: Path) -> None:
    (folder / "secret.yaml").write_text(SECRET_MANIFEST)
    assert_refused(invoke("encrypt", "secret.yaml"), errors.ConfigError, place="", sops_codes=True)


def test_standard_input_of_unknown_format_gets_the_option_that_tells(invoke: Invoke, encrypted: Path) -> None:
    outcome = invoke("decrypt", "-", stdin=encrypted.read_bytes())
    assert outcome.code == 2
    assert outcome.out == b""
    assert "hint: standard input is taken for binary; say what it is: --input-type yaml" in outcome.err
