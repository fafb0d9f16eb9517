"""Two names of one key are equal in one spelling, and names of two keys never are."""

from __future__ import annotations

import pytest

from secretsync.masterkeys.kinds import canonical

AGE = "age1zn40g4qdhata260yhmj323zcqeh2m3s5ntusled6che3rflj75kshuxgjn"
OTHER_AGE = "age1gutgqwl5mcj8acpr5dgtpty08wy0hw35fvakgs856l6zunuctpzqynxcas"
FINGERPRINT = "59D98FCA49659D6CEA8EAC9FC03D1673CBF36A73"
ARN = "arn:aws:kms:eu-central-1:111122223333:key/1234"


@pytest.mark.parametrize(
    ("kind", "name", "other"),
    [
        ("age", AGE, AGE.upper()),
        ("age", AGE, f" {AGE}\n"),
        ("age", "ssh-ed25519 AAAAC3Nza ann@laptop", "ssh-ed25519 AAAAC3Nza"),
        ("age", "ssh-rsa  AAAAB3Nza  a comment of words", "ssh-rsa AAAAB3Nza"),
        ("pgp", FINGERPRINT, FINGERPRINT.lower()),
        ("pgp", FINGERPRINT, f"0x{FINGERPRINT}"),
        ("pgp", FINGERPRINT, f"{FINGERPRINT[:20]}  {FINGERPRINT[20:]}"),
        ("kms", f"{ARN}+arn:aws:iam::111122223333:role/x|a:b", f" {ARN} +arn:aws:iam::111122223333:role/x|a:b"),
        (
            "gcp_kms",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k ",
        ),
        ("azure_kv", "https://v.vault.azure.net/keys/k/", "https://v.vault.azure.net/keys/k"),
        ("hc_vault", "https://vault:8200/v1/sops/keys/k", "https://vault:8200/v1/sops/keys/k/"),
    ],
)
def test_spellings_of_one_key_are_equal(kind: str, name: str, other: str) -> None:
    assert canonical(kind, name) == canonical(kind, other)


@pytest.mark.parametrize(
    ("kind", "name", "other"),
    [
        ("age", AGE, OTHER_AGE),
        ("age", AGE, AGE[:30].upper() + AGE[30:]),
        ("age", "ssh-ed25519 AAAAC3Nza", "ssh-ed25519 AAAAC3Nzb"),
        ("pgp", FINGERPRINT, FINGERPRINT[-16:]),
        ("pgp", FINGERPRINT, f"{FINGERPRINT}!"),
        ("kms", f"{ARN}|a:b", f"{ARN}|a:c"),
        ("kms", f"{ARN}|a:b", ARN),
        ("kms", f"{ARN}+arn:aws:iam::111122223333:role/x", ARN),
        ("kms", f"{ARN}||one", f"{ARN}||two"),
    ],
)
def test_names_of_two_keys_are_not(kind: str, name: str, other: str) -> None:
    assert canonical(kind, name) != canonical(kind, other)
