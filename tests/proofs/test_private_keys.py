"""The canary for private keys: given where a public one is due, they are named by place and public half, never shown."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable, Sequence
from itertools import cycle
from pathlib import Path
from typing import TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from secretsync import age, privatekeys
from secretsync.crypto import bech32
from tests.cli.conftest import Invoke
from tests.proofs import size

T = TypeVar("T")

KEYS = Path(__file__).parents[1] / "vectors" / "sops" / "keys"
IDENTITY, HYBRID = age.generate(), age.generate(post_quantum=True)
RUN = 12
"""Letters of a secret that no output may hold in a row."""


def _pem(key: object, form: PrivateFormat) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()  # type: ignore[attr-defined,no-any-return]


_SSH = ed25519.Ed25519PrivateKey.generate()
_RSA = rsa.generate_private_key(65537, 2048)
_PGP = "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n" + "\n".join(
    base64.b64encode(os.urandom(48)).decode() for _ in range(6)
)

PRIVATE = {
    "age": IDENTITY.expose(),
    "age in lower case": IDENTITY.expose().lower(),
    "age in mixed case": IDENTITY.expose()[:40] + IDENTITY.expose()[40:].lower(),
    "post-quantum": HYBRID.expose(),
    "age with a comment": f"# created today\n{IDENTITY.expose()}\n",
    "age in two lines": f"{IDENTITY.expose()[:44]}\n  {IDENTITY.expose()[44:]}",
    "age in base64": base64.b64encode(IDENTITY.expose().encode()).decode(),
    "age plugin": bech32.encode("age-plugin-yubikey-", os.urandom(24)).upper(),
    "ssh": _pem(_SSH, PrivateFormat.OpenSSH),
    "rsa": _pem(_RSA, PrivateFormat.TraditionalOpenSSL),
    "pkcs8": _pem(ec.generate_private_key(ec.SECP256R1()), PrivateFormat.PKCS8),
    "pgp": f"{_PGP}\n-----END PGP PRIVATE KEY BLOCK-----\n",
}
HALVES = {
    "age": str(IDENTITY), "age in lower case": str(IDENTITY), "age in mixed case": str(IDENTITY),
    "age with a comment": str(IDENTITY), "age in two lines": str(IDENTITY),
    "post-quantum": str(HYBRID)[:16], "ssh": "ssh-ed25519 ", "rsa": "ssh-rsa ",
}  # fmt: skip
_MARKS = ("age-secret-key-pq-1", "age-secret-key-1", "age-plugin-yubikey-1")


def shows(output: str, private: str) -> list[str]:
    """Return the runs of a private key that an output holds, in whatever case and however folded."""
    body = "".join(line for line in private.splitlines() if not line.startswith(("-----", "#", " #")))
    for mark in _MARKS:
        body = body.lower().replace(mark, "") if mark in body.lower() else body
    body, text = "".join(body.split()).lower(), "".join(output.split()).lower()
    public = "".join(f"{IDENTITY} {HYBRID}".lower().split())
    runs = (body[index : index + RUN] for index in range(len(body) - RUN + 1))
    return [run for run in runs if run in text and run not in public]


def each_with_each(places: Sequence[T]) -> list[tuple[T, str]]:
    """Return every place with every kind of key in the whole proof, else each of both at least once."""
    every = [(place, kind) for place in places for kind in PRIVATE]
    some = zip(range(max(len(places), len(PRIVATE))), cycle(places), cycle(PRIVATE), strict=False)
    return every if size(0, 1) else [(place, kind) for _, place, kind in some]


@pytest.fixture(params=list(PRIVATE))
def private(request: pytest.FixtureRequest) -> str:
    """Return the name of one kind of private key."""
    return str(request.param)


def _quiet(outcome: object, private: str, place: str) -> None:
    out, err = outcome.out.decode(), outcome.err  # type: ignore[attr-defined]
    ssh_public = {word for word in (out + err).split() if word.startswith("AAAA")}
    text = out + err
    for word in ssh_public:
        text = text.replace(word, "")
    assert shows(text, PRIVATE[private]) == [], text
    assert "internal error" not in err
    assert place in out + err, out + err
    assert HALVES.get(private, "") in out + err, out + err


FLAGS: list[tuple[str, ...]] = [
    *(("encrypt", f"--{name}", "{}", "s.yaml") for name in ("age", "pgp", "kms", "gcp-kms", "hckms", "azure-kv")),
    ("encrypt", "--hc-vault-transit", "{}", "s.yaml"),
    *(
        ("rotate", "-i", f"--{verb}-{name}", "{}", "secret.yaml")
        for verb in ("add", "rm")
        for name in ("age", "pgp", "kms")
    ),
    ("rotate", "--dry-run", "--add-hc-vault-transit", "{}", "secret.yaml"),
]


@pytest.mark.parametrize(("command", "private"), each_with_each(FLAGS))
def test_a_flag_shows_its_name_and_the_public_half(
    invoke: Invoke, encrypted: Path, private: str, command: tuple[str, ...]
) -> None:
    (encrypted.parent / "s.yaml").write_text("a: hunter2\n")
    outcome = invoke("--verbose", *(PRIVATE[private] if word == "{}" else word for word in command))
    assert (outcome.code, outcome.out) == (1, b"")
    flag = next(word for word in command if word.startswith("--") and word != "--dry-run")
    _quiet(outcome, private, f"{flag}: holds ")


@pytest.mark.parametrize(
    ("variable", "private"),
    each_with_each(["SOPS_AGE_RECIPIENTS", "SOPS_PGP_FP", "SOPS_KMS_ARN", "SOPS_VAULT_URIS"]),
)
def test_a_variable_shows_its_name_and_the_public_half(
    invoke: Invoke, folder: Path, private: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, PRIVATE[private])
    (folder / "s.yaml").write_text("a: hunter2\n")
    outcome = invoke("encrypt", "s.yaml")
    assert (outcome.code, outcome.out) == (1, b"")
    _quiet(outcome, private, f"{variable}: holds ")


RULES: dict[str, Callable[[str], object]] = {
    "age": lambda key: {"age": key},
    "age[1]": lambda key: {"age": ["age1qqq", key]},
    "pgp": lambda key: {"pgp": key},
    "kms": lambda key: {"kms": key},
    "key_groups[0].age": lambda key: {"key_groups": [{"age": [key]}]},
    "key_groups[0].pgp": lambda key: {"key_groups": [{"pgp": [key]}]},
    "key_groups[0].kms[0]": lambda key: {"key_groups": [{"kms": [{"arn": key}]}]},
    "key_groups[0].merge[0].age": lambda key: {"key_groups": [{"merge": [{"age": [key]}]}]},
}
ABOUT_RULES: list[tuple[str, ...]] = [
    ("encrypt", "s.yaml"), ("updatekeys", "-y", "secret.yaml"), ("updatekeys", "--dry-run", "secret.yaml"),
    ("explain", "s.yaml"), ("explain", "--json", "s.yaml"), ("explain", "secret.yaml"), ("rotate", "-i", "secret.yaml"),
    ("keys", "import"), ("init",), ("check", "secret.yaml"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "private"), each_with_each(list(RULES)))
def test_a_rule_shows_its_place_and_the_public_half(invoke: Invoke, encrypted: Path, private: str, rule: str) -> None:
    (encrypted.parent / "s.yaml").write_text("a: hunter2\n")
    config = {"creation_rules": [RULES[rule](PRIVATE[private])]}
    (encrypted.parent / ".sops.yaml").write_text(json.dumps(config))
    for command in ABOUT_RULES:
        outcome = invoke("--verbose", *command)
        assert outcome.code != 0, command
        _quiet(outcome, private, f"creation_rules[0].{rule.removesuffix('[1]')}")


@pytest.mark.parametrize("form", ["text", "json", "sarif"])
def test_check_finds_a_private_key_in_the_tree_and_in_the_rules(
    invoke: Invoke, folder: Path, private: str, form: str
) -> None:
    (folder / "notes").mkdir()
    (folder / "notes" / "key.txt").write_text(f"do not lose this:\n{PRIVATE[private]}\n")
    (folder / ".sops.yaml").write_text(json.dumps({"creation_rules": [{"age": PRIVATE[private]}]}))
    outcome = invoke("check", "--format", form, ".")
    assert outcome.code == 1
    encoded = private == "age in base64"  # of a file's text nothing is decoded on the chance that it holds a key
    _quiet(outcome, private, "private-key-given" if encoded else "private-key-in-repository")
    if form == "text" and not encoded:
        found = [line for line in outcome.out.decode().splitlines() if "[private-key-in-repository]" in line]
        assert [line.partition(" ")[0] for line in found] == [".sops.yaml", "notes/key.txt"]
        assert "[private-key-given]" not in outcome.out.decode()


@pytest.fixture
def ring(folder: Path, recipient: str) -> Path:
    """Return the file of a principal in a ring of one."""
    path = folder / "keys" / "people" / "ann.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(f"name: ann\nkeys: [{{id: ann-1, type: age, recipient: {recipient}}}]\n")
    (folder / "keys" / "policy.yaml").write_text("rules:\n  - paths: ['**']\n    readers: [ann]\n")
    return path


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("keys", "add", "bob", "--", "{}"), 11), (("keys", "add", "bob", "--file", "given"), 11),
        (("runbook", "add", "plan", "{}"), None), (("exposure", "{}"), None), (("keys", "remove", "{}"), None),
        (("keys", "rename", "ann", "{}"), None), (("keys", "prove", "{}"), None), (("encrypt", "{}"), None),
        (("nonsense", "{}"), 2), (("keygen", "--{}"), 2), (("keys", "add", "bob", "--kind", "{}"), 2),
    ],
)  # fmt: skip
def test_no_command_repeats_a_private_key(
    invoke: Invoke, ring: Path, private: str, command: tuple[str, ...], code: int | None
) -> None:
    Path("given").write_text(PRIVATE[private])
    outcome = invoke("--verbose", *(word.format(PRIVATE[private]) for word in command))
    assert outcome.code == code if code else outcome.code != 0
    if private == "age in base64" and code != 11:
        return  # nobody can tell it from a name
    _quiet(outcome, private, "") if command[:2] == ("keys", "add") and code == 11 else None
    assert shows(outcome.out.decode() + outcome.err, PRIVATE[private]) == [] or "ssh-" in outcome.err


def test_a_principal_of_the_ring_shows_its_place_and_the_public_half(
    invoke: Invoke, ring: Path, encrypted: Path, private: str
) -> None:
    del encrypted
    ring.write_text(
        json.dumps({"name": "ann", "keys": [{"id": "ann-1", "type": "age", "recipient": PRIVATE[private]}]})
    )
    commands = [("keys", "list"), ("keys", "lint"), ("keys", "lint", "-o", "json"), ("rotate", "-i", "secret.yaml")]
    for command in [*commands, ("check", "secret.yaml"), ("check", "-o", "sarif", "secret.yaml")]:
        outcome = invoke(*command)
        assert outcome.code != 0, command
        _quiet(outcome, private, "recipient")


@pytest.mark.parametrize("command", [("seal", "--cert", "given"), ("keys", "pin", "prod", "given")])
def test_a_private_key_is_no_certificate(invoke: Invoke, ring: Path, private: str, command: tuple[str, ...]) -> None:
    del ring
    Path("given").write_text(PRIVATE[private])
    outcome = invoke("--verbose", *command, stdin=b"kind: Secret\napiVersion: v1\nmetadata: {name: a, namespace: b}\n")
    assert (outcome.code != 0, outcome.out) == (True, b"")
    assert shows(outcome.err, PRIVATE[private]) == []
    assert "given" in outcome.err


def test_a_recipient_of_a_file_that_is_a_private_key_is_never_shown(
    invoke: Invoke, encrypted: Path, recipient: str
) -> None:
    encrypted.write_text(encrypted.read_text().replace(f"recipient: {recipient}", f"recipient: {PRIVATE['age']}"))
    (encrypted.parent / ".sops.yaml").write_text(f"creation_rules:\n  - age: {recipient}\n")
    for command in (
        ("explain",), ("explain", "--json"), ("rotate", "-i"), ("rotate", "--keep-recipients"), ("decrypt", "--verbose"),
        ("updatekeys", "--dry-run"), ("check",), ("check", "-o", "json"), ("check", "-o", "sarif"),
    ):  # fmt: skip
        outcome = invoke(*command, encrypted.name)
        assert shows(outcome.err + outcome.out.decode(), PRIVATE["age"]) == [], command


HONEST = {
    "prose": "An identity begins with AGE-SECRET-KEY-1, and a recipient with age1; keep `-----BEGIN PRIVATE KEY-----` out.\n",
    "a placeholder": f"AGE-SECRET-KEY-1{'X' * 58}\nkey: AGE-SECRET-KEY-1...\n",
    "a placeholder of PEM": "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n",
    "a template": 'key: "-----BEGIN RSA PRIVATE KEY-----\\n{{ .Values.key }}\\n-----END RSA PRIVATE KEY-----"\n',
    "code": 'if text.startswith("-----BEGIN PRIVATE KEY-----"):\n    raise ValueError("a private key")\n',
    "a public key": f"{IDENTITY}\n{HYBRID}\n{(KEYS / 'ssh-ed25519.pub').read_text()}",
    "a certificate": (KEYS.parents[3] / "examples" / "demo-keys" / "sealing.crt").read_text(),
    "a plugin's release": "https://example.org/age-plugin-yubikey-1.2.3-linux.tar.gz age-plugin-se-1\n",
}


@pytest.mark.parametrize("name", list(HONEST))
def test_what_is_no_private_key_is_not_found(name: str) -> None:
    assert privatekeys.find(HONEST[name].encode()) == []


def test_a_demo_key_is_a_finding_of_its_own(invoke: Invoke, folder: Path) -> None:
    demo = KEYS.parents[3] / "examples" / "demo-keys" / "alice.agekey"
    (folder / "alice.agekey").write_bytes(demo.read_bytes())
    outcome = invoke("check", ".")
    assert b"alice.agekey line 4: warning: holds the private key of age1ld" in outcome.out
    assert b"[demo-key]" in outcome.out
    assert invoke("check", "--allow-demo-keys", ".").code == 0


def test_a_policy_can_allow_private_keys_of_tests(invoke: Invoke, folder: Path, ring: Path) -> None:
    policy = folder / "keys" / "policy.yaml"
    (folder / "tests").mkdir()
    (folder / "tests" / "a.key").write_text(PRIVATE["age"])
    assert invoke("check", ".").code == 1
    policy.write_text(policy.read_text() + "defaults: {allow_private_keys: ['tests/**']}\n")
    assert invoke("check", ".").code == 0
    (folder / "keys" / "a.key").write_text(PRIVATE["age"])
    assert invoke("check", ".").code == 1
