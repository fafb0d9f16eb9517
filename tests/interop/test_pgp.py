"""PGP master keys with the real gpg and the real sops: both ways, and what each way to fail says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from secretsync.errors import (
    ConfigError,
    FormatError,
    IncorrectIdentityError,
    IntegrityError,
    KeyServiceError,
    MissingDependencyError,
)
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.pgp_packets import key_ids
from secretsync.secrecy import SecretBytes
from tests.peers.gnupg import GnupgHome, gnupg_home

KEYS = Path(__file__).parents[1] / "vectors" / "sops" / "keys"
RSA = "59D98FCA49659D6CEA8EAC9FC03D1673CBF36A73"
CURVE = "5B7EFCDD3AF45B98EA2B0DA4BB0BF00F1B83DD1E"
CURVE_SUBKEY = "853DB04A7835C37AA7518DF53F7A6A5959FBA77B"
DATA_KEY = SecretBytes(bytes(range(32)))


@pytest.fixture(scope="module")
def home(peer: Callable[[str], Path]) -> Iterator[GnupgHome]:
    """A home with the vectors' keys."""
    with gnupg_home(peer("gpg"), [KEYS / "pgp-rsa3072.asc", KEYS / "pgp-cv25519.asc"]) as made:
        yield made


@pytest.fixture
def outsider(peer: Callable[[str], Path]) -> Iterator[GnupgHome]:
    """A home with another key."""
    with gnupg_home(peer("gpg"), [KEYS / "pgp-outsider.asc"]) as made:
        yield made


@pytest.mark.parametrize(
    "fingerprint", [RSA, CURVE, CURVE.lower(), f"{CURVE[:8]} {CURVE[8:]}", f"{CURVE_SUBKEY}!", CURVE[-16:], f"0x{RSA}"]
)
def test_a_key_opens_what_was_wrapped_for_it(home: GnupgHome, fingerprint: str) -> None:
    keys = MasterKeys(home.environ)
    fields = keys.wrap("pgp", fingerprint, DATA_KEY)
    assert list(fields) == ["enc", "fp"]
    assert fields["fp"] == fingerprint.replace(" ", "") == keys.recipient("pgp", fields)
    assert str(fields["enc"]).startswith("-----BEGIN PGP MESSAGE-----\n")
    assert str(fields["enc"]).endswith("\n-----END PGP MESSAGE-----")
    assert MasterKeys(home.environ).unwrap("pgp", fields) == DATA_KEY
    assert home.run("--decrypt", stdin=str(fields["enc"]).encode()) == DATA_KEY.expose()


def test_we_open_the_data_key_of_the_real_sops_and_it_opens_ours(
    peer: Callable[[str], Path], home: GnupgHome, tmp_path: Path
) -> None:
    path = tmp_path / "file.json"
    path.write_text('{"a": "secret"}')
    command = [str(peer("sops"))]
    subprocess.run([*command, "encrypt", "-i", "--pgp", CURVE, path], env=home.environ, check=True, timeout=60)
    file = json.loads(path.read_text())
    keys = MasterKeys(home.environ)
    (fields,) = file["sops"]["pgp"]
    data_key = keys.unwrap("pgp", fields)
    file["sops"]["pgp"] = [fields | keys.wrap("pgp", RSA, data_key)]
    path.write_text(json.dumps(file))
    output = subprocess.run([*command, "decrypt", path], env=home.environ, check=True, timeout=60, capture_output=True)
    assert json.loads(output.stdout) == {"a": "secret"}


def test_another_ring_does_not_open_it(home: GnupgHome, outsider: GnupgHome) -> None:
    fields = MasterKeys(home.environ).wrap("pgp", CURVE, DATA_KEY)
    with pytest.raises(IncorrectIdentityError, match="gpg has no secret key for it"):
        MasterKeys(outsider.environ).unwrap("pgp", fields)


def test_an_unknown_key_is_named_with_the_way_to_get_it(home: GnupgHome) -> None:
    with pytest.raises(ConfigError, match=r"0{40}' is not in the key ring") as caught:
        MasterKeys(home.environ).wrap("pgp", "0" * 40, DATA_KEY)
    assert caught.value.hint == f"gpg --recv-keys {'0' * 40}"


@pytest.mark.parametrize("recipient", ["", "someone@example.invalid", "12345678", "!", "--output=x"])
def test_what_is_no_fingerprint_never_reaches_gpg(recipient: str) -> None:
    with pytest.raises(ConfigError, match="is not a PGP fingerprint"):
        MasterKeys({}).wrap("pgp", recipient, DATA_KEY)


def test_an_expired_key_still_opens_and_does_not_wrap(outsider: GnupgHome) -> None:
    then = ("--faked-system-time", "20200601T000000!")
    fingerprint = outsider.generate("expired", *then, expires="2020-12-31")
    to_it = ("--recipient", fingerprint, "--trust-model", "always", "--armor", "--encrypt")
    envelope = outsider.run(*then, *to_it, stdin=DATA_KEY.expose()).decode()
    keys = MasterKeys(outsider.environ)
    assert keys.unwrap("pgp", {"fp": fingerprint, "enc": envelope}) == DATA_KEY
    with pytest.raises(ConfigError, match=f"{fingerprint}' expired on 2020-12-31"):
        keys.wrap("pgp", fingerprint, DATA_KEY)


def test_a_revoked_key_does_not_wrap(outsider: GnupgHome) -> None:
    fingerprint = outsider.generate("revoked")
    revocation = (outsider.folder / "openpgp-revocs.d" / f"{fingerprint}.rev").read_text()
    outsider.run("--import", stdin=revocation.replace(":-----BEGIN", "-----BEGIN").encode())
    with pytest.raises(ConfigError, match=f"{fingerprint}' is revoked"):
        MasterKeys(outsider.environ).wrap("pgp", fingerprint, DATA_KEY)


def test_a_locked_key_never_prompts_and_says_so(outsider: GnupgHome) -> None:
    fingerprint = outsider.generate("locked", passphrase="open sesame")
    keys = MasterKeys(outsider.environ)
    fields = keys.wrap("pgp", fingerprint, DATA_KEY)
    outsider.forget_passphrases()
    with pytest.raises(KeyServiceError, match="locked, and gpg got no passphrase"):
        keys.unwrap("pgp", fields)
    outsider.run(
        "--pinentry-mode", "loopback", "--passphrase", "open sesame", "--decrypt", stdin=str(fields["enc"]).encode()
    )
    assert keys.unwrap("pgp", fields) == DATA_KEY, "the agent knows the passphrase now"


@pytest.mark.parametrize("fingerprint", [RSA, CURVE], ids=["rsa", "curve"])
def test_a_changed_envelope_is_never_opened_and_never_called_locked(home: GnupgHome, fingerprint: str) -> None:
    keys = MasterKeys(home.environ)
    fields = keys.wrap("pgp", fingerprint, DATA_KEY)
    binary = home.run("--dearmor", stdin=str(fields["enc"]).encode())
    seen = set()
    for position in range(0, len(binary), 16):
        changed = binary[:position] + bytes([binary[position] ^ 4]) + binary[position + 1 :]
        armored = home.run("--enarmor", stdin=changed).replace(b"ARMORED FILE", b"MESSAGE")
        with pytest.raises((IntegrityError, FormatError, IncorrectIdentityError)) as caught:
            keys.unwrap("pgp", fields | {"enc": armored.decode()})
        seen.add(caught.type)
    assert IntegrityError in seen


@pytest.mark.parametrize("envelope", ["", "hello", "-----BEGIN PGP MESSAGE-----\n\n-----END PGP MESSAGE-----"])
def test_what_is_no_message_is_malformed(home: GnupgHome, envelope: str) -> None:
    with pytest.raises(FormatError, match="not a PGP message"):
        MasterKeys(home.environ).unwrap("pgp", {"fp": CURVE, "enc": envelope})


def test_gpg_that_succeeds_with_nothing_has_failed(home: GnupgHome, tmp_path: Path) -> None:
    fake = tmp_path / "old-gpg"
    fake.write_text(
        f'#!/bin/sh\ncase "$*" in *--decrypt*) cat >/dev/null; echo "[GNUPG:] DECRYPTION_OKAY" >&2 ;;'
        f' *) exec {home.gpg} "$@" ;; esac\n'
    )
    fake.chmod(0o755)
    keys = MasterKeys(home.environ | {"SOPS_GPG_EXEC": str(fake)})
    with pytest.raises(KeyServiceError, match="gives nothing"):
        keys.unwrap("pgp", keys.wrap("pgp", CURVE, DATA_KEY))


def test_gpg_never_inherits_secrets(home: GnupgHome, tmp_path: Path) -> None:
    fake = tmp_path / "spying-gpg"
    fake.write_text(f'#!/bin/sh\nenv >> {tmp_path}/seen\nexec {home.gpg} "$@"\n')
    fake.chmod(0o755)
    secrets = {"SOPS_AGE_KEY": "AGE-SECRET", "VAULT_TOKEN": "a-token", "SOPS_GPG_EXEC": str(fake)}
    MasterKeys(home.environ | secrets).wrap("pgp", CURVE, DATA_KEY)
    seen = (tmp_path / "seen").read_text()
    assert "GNUPGHOME" in seen
    assert "AGE-SECRET" not in seen
    assert "a-token" not in seen


def test_a_missing_gpg_is_a_missing_dependency(tmp_path: Path) -> None:
    with pytest.raises(MissingDependencyError, match="gpg is not installed"):
        MasterKeys({"PATH": str(tmp_path)}).unwrap("pgp", {"fp": CURVE, "enc": ""})


def test_sources_list_the_secret_keys(home: GnupgHome) -> None:
    source = next(source for source in MasterKeys(home.environ).sources() if source.name.startswith("gpg"))
    assert source.status == "ok"
    assert set(source.recipients) == {RSA, CURVE}


@pytest.mark.parametrize("compression", ["none", "bzip2"])
@pytest.mark.parametrize("size", [4097, 9_000_000])
def test_an_envelope_that_unpacks_to_more_than_a_data_key_is_refused(
    home: GnupgHome, size: int, compression: str
) -> None:
    bomb = home.run(
        *("--trust-model", "always", "--compress-algo", compression, "-r", CURVE, "--armor", "--encrypt"),
        stdin=bytes(size),
    )
    with pytest.raises(IntegrityError, match="unpacks to more than a data key"):
        MasterKeys(home.environ).unwrap("pgp", {"fp": CURVE, "enc": bomb.decode()})


@pytest.fixture
def counted(home: GnupgHome, tmp_path: Path) -> tuple[dict[str, str], Path]:
    """The home's variables with a gpg that leaves a line for each message it is asked to decrypt, and where."""
    trace = tmp_path / "trace"
    trace.touch()
    program = tmp_path / "gpg"
    program.write_text(f'#!/bin/sh\ncase " $* " in *" --decrypt "*) echo x >> {trace};; esac\nexec {home.gpg} "$@"\n')
    program.chmod(0o755)
    return {**home.environ, "SOPS_GPG_EXEC": str(program)}, trace


def _asked(trace: Path) -> int:
    return trace.read_text().count("x")


def test_gpg_is_not_asked_about_the_messages_of_others(
    home: GnupgHome, outsider: GnupgHome, counted: tuple[dict[str, str], Path]
) -> None:
    """Each question starts a program, and a file may name thousands of keys."""
    environ, trace = counted
    foreign = MasterKeys(outsider.environ).wrap("pgp", next(outsider.fingerprints()), DATA_KEY)
    keys = MasterKeys(environ)
    for number in range(20):
        with pytest.raises(IncorrectIdentityError, match="gpg has no secret key for it"):
            keys.unwrap("pgp", {**foreign, "fp": f"{number:040X}"})
    assert _asked(trace) == 0
    assert keys.unwrap("pgp", MasterKeys(home.environ).wrap("pgp", RSA, DATA_KEY)) == DATA_KEY


def test_gpg_is_left_alone_once_it_has_refused_a_hundred(
    home: GnupgHome, counted: tuple[dict[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    environ, trace = counted
    monkeypatch.setattr("secretsync.masterkeys.pgp._MOST_REFUSED", 3)
    good = MasterKeys(home.environ).wrap("pgp", RSA, DATA_KEY)
    keys = MasterKeys(environ)
    for number in range(6):
        damaged = str(good["enc"])[:-80] + f"{number:04d}" + str(good["enc"])[-76:]
        with pytest.raises((IntegrityError, KeyServiceError)) as caught:
            keys.unwrap("pgp", {**good, "enc": damaged})
    assert "is not asked again" in str(caught.value)
    assert _asked(trace) == 3


def test_a_message_for_several_keys_is_tried(home: GnupgHome, outsider: GnupgHome) -> None:
    """As `encrypt-to` of gpg.conf makes them: the first packet may be for somebody else."""
    stranger = next(outsider.fingerprints())
    home.run("--import", stdin=outsider.run("--armor", "--export", stranger))
    for order in ((stranger, CURVE), (CURVE, stranger)):
        options = [word for one in order for word in ("--recipient", one)]
        message = home.run(
            "--armor", "--trust-model", "always", *options, "--encrypt", stdin=DATA_KEY.expose()
        ).decode()
        assert len(key_ids(message)) == 2
        assert MasterKeys(home.environ).unwrap("pgp", {"enc": message, "fp": stranger}) == DATA_KEY
