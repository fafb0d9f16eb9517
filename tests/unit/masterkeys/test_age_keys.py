"""Age master keys: where identities come from, what they open, and what the error says when none does."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from secretsync import age
from secretsync.age.header import Stanza
from secretsync.errors import ConfigError, DemoKeyError, FormatError, IncorrectIdentityError, MissingDependencyError
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.kinds import DEMO_RECIPIENTS
from secretsync.secrecy import SecretBytes

DEMO_KEYS = Path(__file__).parents[3] / "examples" / "demo-keys"
DATA_KEY = SecretBytes(bytes(range(32)))


@pytest.fixture
def identity() -> age.X25519Identity:
    return age.generate()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def wrapped_for(identity: age.X25519Identity) -> dict[str, object]:
    return MasterKeys({}).wrap("age", str(identity), DATA_KEY)


def test_a_key_in_the_variable_opens_what_was_wrapped_for_it(identity: age.X25519Identity) -> None:
    keys = MasterKeys({"SOPS_AGE_KEY": identity.expose()})
    assert keys.unwrap("age", wrapped_for(identity)) == DATA_KEY


def test_the_variable_may_hold_several_keys_on_one_line(identity: age.X25519Identity) -> None:
    keys = MasterKeys({"SOPS_AGE_KEY": f"{age.generate().expose()} \t{identity.expose()}\n"})
    assert keys.unwrap("age", wrapped_for(identity)) == DATA_KEY


def test_a_key_file_opens_what_was_wrapped_for_it(identity: age.X25519Identity, home: Path) -> None:
    (home / "key.txt").write_text(f"# created: now\n\n{identity.expose()}\n")
    keys = MasterKeys({"SOPS_AGE_KEY_FILE": str(home / "key.txt")})
    assert keys.unwrap("age", wrapped_for(identity)) == DATA_KEY


@pytest.mark.parametrize("variable", ["HOME", "XDG_CONFIG_HOME"])
def test_the_user_file_is_found(identity: age.X25519Identity, home: Path, variable: str) -> None:
    folder = home / ".config" if variable == "HOME" else home
    (folder / "sops" / "age").mkdir(parents=True)
    (folder / "sops" / "age" / "keys.txt").write_text(identity.expose())
    assert MasterKeys({variable: str(home)}).unwrap("age", wrapped_for(identity)) == DATA_KEY


def test_the_recipient_text_does_not_decide_which_identity_opens(identity: age.X25519Identity) -> None:
    fields = wrapped_for(identity) | {"recipient": str(age.generate())}
    assert MasterKeys({"SOPS_AGE_KEY": identity.expose()}).unwrap("age", fields) == DATA_KEY


def test_identities_given_by_the_caller_are_tried(identity: age.X25519Identity) -> None:
    keys = MasterKeys({}, extra_age_identities=[identity])
    assert keys.unwrap("age", wrapped_for(identity)) == DATA_KEY


def test_a_broken_source_does_not_hide_a_good_one(identity: age.X25519Identity, home: Path) -> None:
    keys = MasterKeys({"SOPS_AGE_KEY": identity.expose(), "SOPS_AGE_KEY_FILE": str(home / "missing")})
    assert keys.unwrap("age", wrapped_for(identity)) == DATA_KEY


def test_sources_are_not_read_before_they_are_needed(identity: age.X25519Identity, home: Path) -> None:
    pipe = home / "pipe"
    os.mkfifo(pipe)
    keys = MasterKeys({"SOPS_AGE_KEY": identity.expose(), "SOPS_AGE_KEY_FILE": str(pipe)})
    assert keys.unwrap("age", wrapped_for(identity)) == DATA_KEY


def test_the_error_names_every_key_tried_and_every_place_looked_at(identity: age.X25519Identity, home: Path) -> None:
    other = age.generate()
    (home / "bad").write_text("AGE-SECRET-KEY-1QQQQ\n")
    keys = MasterKeys({"SOPS_AGE_KEY": other.expose(), "SOPS_AGE_KEY_FILE": str(home / "bad"), "HOME": str(home)})
    with pytest.raises(IncorrectIdentityError) as caught:
        keys.unwrap("age", wrapped_for(identity))
    message = str(caught.value)
    assert f"{other} (SOPS_AGE_KEY): no X25519 stanza is for it" in message
    assert f"SOPS_AGE_KEY_FILE: {home / 'bad'} line 1" in message
    assert "keys.txt" in message
    assert "\n" not in message
    assert "AGE-SECRET-KEY" not in message


def test_an_envelope_is_unwrapped_once(identity: age.X25519Identity) -> None:
    keys = MasterKeys({"SOPS_AGE_KEY": identity.expose()})
    fields = wrapped_for(identity)
    assert keys.unwrap("age", fields) is keys.unwrap("age", dict(fields))


def test_the_envelope_has_the_form_sops_writes(identity: age.X25519Identity) -> None:
    fields = MasterKeys({}).wrap("age", f" {identity} ", DATA_KEY)
    assert list(fields) == ["enc", "recipient"]
    assert fields["recipient"] == str(identity)
    assert str(fields["enc"]).startswith("-----BEGIN AGE ENCRYPTED FILE-----\n")
    assert str(fields["enc"]).endswith("-----END AGE ENCRYPTED FILE-----\n")


def test_a_malformed_recipient_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="age1qqq"):
        MasterKeys({}).wrap("age", "age1qqq", DATA_KEY)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"recipient": "age1"},
        {"recipient": "age1", "enc": 5},
        {"recipient": "age1", "enc": []},
        {"recipient": "age1", "enc": "\ud800"},
        {"recipient": 1},
    ],
)
def test_an_entry_without_its_text_is_malformed(fields: dict[str, object]) -> None:
    with pytest.raises(FormatError):
        MasterKeys({}).unwrap("age", fields)


@pytest.mark.parametrize("name", ["alice", "cluster"])
def test_the_demo_keys_are_refused_unless_allowed(name: str) -> None:
    text = (DEMO_KEYS / f"{name}.agekey").read_text()
    assert "UNSAFE" in text
    (demo,) = age.parse_identities(text)
    assert str(demo) in DEMO_RECIPIENTS
    environ = {"SOPS_AGE_KEY_FILE": str(DEMO_KEYS / f"{name}.agekey")}
    allowed = MasterKeys(environ, allow_demo_keys=True)
    fields = allowed.wrap("age", str(demo), DATA_KEY)
    assert allowed.unwrap("age", fields) == DATA_KEY
    with pytest.raises(DemoKeyError):
        MasterKeys({}).wrap("age", str(demo), DATA_KEY)
    with pytest.raises(DemoKeyError):
        MasterKeys(environ).unwrap("age", fields)


def test_sources_show_what_is_there_and_why_not(identity: age.X25519Identity, home: Path) -> None:
    keys = MasterKeys({"SOPS_AGE_KEY": identity.expose(), "SOPS_AGE_KEY_FILE": str(home / "x"), "HOME": str(home)})
    states = {source.name: source for source in keys.sources()}
    assert states["SOPS_AGE_KEY"].status == "ok"
    assert states["SOPS_AGE_KEY"].recipients == (str(identity),)
    assert "no such file" in states["SOPS_AGE_KEY_FILE"].status
    assert states[str(home / ".config/sops/age/keys.txt")].status == "holds no keys"


@pytest.mark.parametrize(
    ("kind", "fields", "identity"),
    [
        ("kms", {"arn": "arn:aws:kms:x:1:key/2"}, "arn:aws:kms:x:1:key/2"),
        ("kms", {"arn": "a", "role": "r", "context": {"b": "2", "a": "1"}}, "a+r|a:1,b:2"),
        ("kms", {"arn": "a", "aws_profile": "p"}, "a||p"),
        ("gcp_kms", {"resource_id": "projects/p"}, "projects/p"),
        ("azure_kv", {"vault_url": "https://v", "name": "n", "version": ""}, "https://v/keys/n/"),
        ("hc_vault", {"vault_address": "https://v", "engine_path": "e", "key_name": "k"}, "https://v/v1/e/keys/k"),
        ("hckms", {"key_id": "region:uuid"}, "region:uuid"),
    ],
)
def test_kinds_without_support_are_named_and_refused(kind: str, fields: dict[str, object], identity: str) -> None:
    keys = MasterKeys({})
    assert keys.recipient(kind, fields) == identity
    with pytest.raises(MissingDependencyError) as caught:
        keys.unwrap(kind, fields)
    assert identity in str(caught.value)


def test_a_post_quantum_key_is_named_by_its_ends_in_messages() -> None:
    own = age.generate(post_quantum=True)
    keys = MasterKeys({"SOPS_AGE_KEY": own.expose()})
    with pytest.raises(IncorrectIdentityError) as caught:
        keys.unwrap("age", keys.wrap("age", str(age.generate(post_quantum=True)), DATA_KEY))
    assert str(own)[-16:] in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_the_identity_that_opened_last_is_tried_first(identity: age.X25519Identity) -> None:
    tried: list[str] = []

    class Watched(age.X25519Identity):
        def unwrap(self, stanzas: Sequence[Stanza]) -> bytes:
            tried.append(str(self))
            return super().unwrap(stanzas)

    other = Watched.parse(age.generate().expose())
    keys = MasterKeys({"SOPS_AGE_KEY": identity.expose()}, extra_age_identities=[other])
    for _ in range(3):
        assert keys.unwrap("age", wrapped_for(identity)) == DATA_KEY
    assert tried == [str(other)]
