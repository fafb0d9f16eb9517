"""age plugins: a small program plays one well and badly; what it is told, what it may see, what its failures say."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from secretsync import age
from secretsync.age import plugin, pluginprocess
from secretsync.age.interaction import Interaction
from secretsync.crypto import bech32
from secretsync.errors import (
    FormatError,
    KeyServiceError,
    MissingDependencyError,
    NoIdentityMatchError,
    PolicyError,
    SecretsyncError,
)
from secretsync.masterkeys import MasterKeys
from secretsync.secrecy import SecretBytes
from tests.unit.age.toy_plugin import IDENTITY, RECIPIENT, Toy


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path)


def wrapped(interaction: Interaction) -> bytes:
    return age.encrypt(b"text", [age.parse_recipient(RECIPIENT, interaction)])


def opened(data: bytes, interaction: Interaction) -> bytes:
    return age.decrypt(data, [age.parse_identity(IDENTITY, interaction)])


def test_a_plugin_wraps_and_unwraps(toy: Toy) -> None:
    assert opened(wrapped(toy.interaction()), toy.interaction()) == b"text"


def test_plugins_never_inherit_secrets(toy: Toy) -> None:
    wrapped(toy.interaction())
    seen = (toy.folder / "environ").read_text().split("\n")
    assert "LANG" in seen
    assert "SOPS_AGE_KEY" not in seen
    assert "VAULT_TOKEN" not in seen


def test_a_plugin_may_ask_a_person(toy: Toy) -> None:
    toy.behave("ask")
    questions: list[str] = []

    def answer(question: str) -> str:
        questions.append(question)
        return "yes 1234"

    data = wrapped(toy.interaction(prompt=answer))
    assert opened(data, toy.interaction(prompt=answer)) == b"text"
    assert questions[:2] == ["age-plugin-toy: PIN: ", "age-plugin-toy: Really (Do it? y/n): "]


def test_a_plugin_is_told_when_nobody_can_be_asked(toy: Toy) -> None:
    toy.behave("ask")
    with pytest.raises(KeyServiceError, match="age-plugin-toy reports: no PIN"):
        wrapped(toy.interaction())


def test_what_a_plugin_asks_beyond_the_protocol_is_unsupported(toy: Toy) -> None:
    toy.behave("strange")
    assert wrapped(toy.interaction())


def test_labels_keep_other_recipients_out(toy: Toy) -> None:
    toy.behave("label")
    with pytest.raises(SecretsyncError, match="do not mix"):
        age.encrypt(b"", [age.parse_recipient(RECIPIENT, toy.interaction()), age.generate().recipient()])


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("die", "age-plugin-toy dies with exit code 3"),
        ("garble", "age-plugin-toy breaks the plugin protocol"),
        ("error", "age-plugin-toy reports: the token is locked"),
        ("none", "age-plugin-toy sends no recipient stanza"),
    ],
)
def test_a_plugin_that_fails_is_named_with_its_failure(toy: Toy, mode: str, message: str) -> None:
    toy.behave(mode)
    with pytest.raises(KeyServiceError, match=message):
        wrapped(toy.interaction())


def test_a_plugin_that_ends_before_it_has_read_is_told_by_its_code(toy: Toy) -> None:
    toy.behave("early")
    with pytest.raises(KeyServiceError, match="age-plugin-toy dies with exit code 4"):
        age.parse_recipient(RECIPIENT, toy.interaction()).wrap(bytes(1 << 20))


def test_a_plugin_that_says_nothing_is_not_waited_for_without_end(toy: Toy) -> None:
    toy.behave("hang")
    with pytest.raises(KeyServiceError, match=r"age-plugin-toy has been silent for 0\.5 seconds"):
        wrapped(toy.interaction(plugin_timeout_seconds=0.5))


def test_a_plugin_that_does_not_know_the_file_is_no_match(toy: Toy) -> None:
    data = age.encrypt(b"", [age.generate().recipient()])
    with pytest.raises(NoIdentityMatchError, match="an identity of age-plugin-toy: the plugin opens none"):
        opened(data, toy.interaction())


def test_a_missing_plugin_is_a_missing_dependency(toy: Toy) -> None:
    with pytest.raises(MissingDependencyError, match="age-plugin-toy is not installed"):
        wrapped(Interaction(plugins=True, environ={"PATH": os.devnull}))


def test_plugins_that_are_off_are_not_started(toy: Toy) -> None:
    data = wrapped(toy.interaction())
    (toy.folder / "environ").unlink()
    with pytest.raises(PolicyError, match="plugins are off"):
        wrapped(toy.interaction(plugins=False))
    with pytest.raises(NoIdentityMatchError, match="plugins are off"):
        opened(data, toy.interaction(plugins=False))
    assert not (toy.folder / "environ").exists()


@pytest.mark.parametrize("text", [bech32.encode("age1../x", b""), bech32.encode("age1a/b", b"")])
def test_a_plugin_name_never_leads_to_another_folder(text: str) -> None:
    with pytest.raises(FormatError):
        age.parse_recipient(text)


def test_master_keys_use_plugins_unless_told_not_to(toy: Toy) -> None:
    environ = {"PATH": str(toy.folder), "SOPS_AGE_KEY": IDENTITY}
    fields = MasterKeys(environ).wrap("age", RECIPIENT, SecretBytes(bytes(32)))
    assert MasterKeys(environ).unwrap("age", fields) == SecretBytes(bytes(32))
    with pytest.raises(SecretsyncError, match="plugins are off here"):
        MasterKeys(environ, plugins=False).unwrap("age", fields)


def test_a_plugin_failure_does_not_hide_a_key_that_works(toy: Toy) -> None:
    toy.behave("die")
    identity = age.generate()
    environ = {"PATH": str(toy.folder), "SOPS_AGE_KEY": f"{IDENTITY}\n{identity.expose()}"}
    keys = MasterKeys(environ)
    assert keys.unwrap("age", keys.wrap("age", str(identity), SecretBytes(bytes(32)))) == SecretBytes(bytes(32))
    with pytest.raises(KeyServiceError, match="dies with exit code 3"):
        keys.unwrap("age", keys.wrap("age", str(age.generate()), SecretBytes(bytes(32))))


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("bad stanza", "age-plugin-toy sends a malformed recipient stanza"),
        ("bad option", "age-plugin-toy breaks the plugin protocol"),
        ("endless", "age-plugin-toy sends a line without end"),
        ("mute", "age-plugin-toy closes its pipes before it is done"),
        ("killed", "age-plugin-toy is killed by signal 9"),
        ("gone", "age-plugin-toy dies with exit code 0"),
    ],
)
def test_a_plugin_that_breaks_the_protocol_is_named_with_how(toy: Toy, mode: str, message: str) -> None:
    toy.behave(mode)
    with pytest.raises(KeyServiceError, match=message):
        wrapped(toy.interaction(prompt=lambda _: ""))


def test_a_plugin_that_does_not_read_is_not_waited_for_without_end(toy: Toy) -> None:
    toy.behave("deaf")
    recipient = age.parse_recipient(RECIPIENT, toy.interaction(plugin_timeout_seconds=0.5))
    with pytest.raises(KeyServiceError, match=r"does not read within 0\.5 seconds"):
        recipient.wrap(bytes(1 << 20))


def test_a_plugin_that_does_not_end_by_itself_is_ended(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pluginprocess, "_GRACE_SECONDS", 0.1)
    toy.behave("linger")
    assert wrapped(toy.interaction())


def test_a_file_key_comes_once(toy: Toy) -> None:
    data = wrapped(toy.interaction())
    toy.behave("two keys")
    with pytest.raises(KeyServiceError, match="age-plugin-toy sends a malformed file key"):
        opened(data, toy.interaction())


def test_a_plugin_that_cannot_be_started_is_told(toy: Toy) -> None:
    (toy.folder / "age-plugin-toy").write_bytes(b"\x7fELF, but nothing behind it")
    with pytest.raises(KeyServiceError, match="age-plugin-toy cannot be started: Exec format error"):
        wrapped(toy.interaction())


def test_a_system_whose_pipes_cannot_be_waited_for_has_no_plugins(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "set_blocking")
    with pytest.raises(KeyServiceError, match="pipes that this system cannot wait for"):
        wrapped(toy.interaction())


def test_plugin_keys_are_named_and_never_shown(toy: Toy) -> None:
    assert str(age.parse_recipient(RECIPIENT)) == RECIPIENT
    assert str(age.parse_identity(IDENTITY)) == "an identity of age-plugin-toy"


@pytest.mark.parametrize("prefix", ["age-secret-", "age-plugin-toy", "age-plugin-"])
def test_what_is_no_text_of_a_plugin_identity_is_refused(prefix: str) -> None:
    with pytest.raises(FormatError):
        plugin.PluginIdentity.parse(bech32.encode(prefix, b"").upper())
