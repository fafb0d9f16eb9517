"""What stands for a secret is none, and what is one beside it stays one."""

from __future__ import annotations

import base64

import pytest

from secretsync.audit.values import is_secret

PLACEHOLDERS = [
    None,
    "",
    "  \n",
    "{}",
    "${DB_PASSWORD}",
    "${A}${B}",
    "${A:?must be set}",
    "prefix-${A}",
    "postgres://app:${DB_PASSWORD}@db/app",
    "postgres://${USER}:${PW}@${HOST}:5432/app?sslmode=require",
    "https://web.${DOMAIN}/path",
    "Bearer ${TOKEN}",
    "host=db password=${PW} user=app",
    "[default]\naws_secret_access_key = ${KEY}\nregion = eu\n",
    '{"auths": {"r.example": {"auth": "${AUTH}"}}}',
    "<path:kv/data/db#password>",
    "postgres://app:<path:kv/data/db#password>@db/app",
    "op://vault/item/field",
    "ref+vault://kv/db#/password",
    "secretref+vault://kv/db#/password",
    "vault:secret/data/db#password",
    "{{ .Values.password }}",
    "{{ db_password | b64encode }}",
    "ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]",
]
SECRETS = [
    "hunter2",
    "$PLAIN",
    "${",
    "${1}",
    "${}",
    "<password>",
    "${PW:=hunter2}",
    "${PW:-hunter2}",
    "hunter2${SUFFIX}",
    "postgres://app:hunter2@${HOST}/app",
    "postgres://app:${PW:=hunter2}@db/app",
    "https://${HOST}/?token=hunter2",
    "host=${HOST} password=hunter2",
    "host: ${HOST}\npassword: hunter2\n",
    '{"host": "${HOST}", "clientSecret": "hunter2"}',
    "op://vault/item/field\nhunter2",
    "route: {{ .Labels.x }}\nslack_api_url: https://hooks.example/hunter2\n",
    "vault:hunter2",
    5432,
    True,
    ["hunter2"],
]


@pytest.mark.parametrize("value", PLACEHOLDERS)
def test_what_stands_for_a_secret_is_none(value: object) -> None:
    assert not is_secret(value)
    assert not is_secret(value, encoded=True)


@pytest.mark.parametrize("value", [text for text in PLACEHOLDERS if text])
def test_nor_is_it_in_base64(value: str) -> None:
    assert not is_secret(base64.b64encode(value.encode()).decode(), encoded=True)


@pytest.mark.parametrize("value", SECRETS)
def test_a_secret_beside_a_placeholder_stays_one(value: object) -> None:
    assert is_secret(value)
    if isinstance(value, str):
        assert is_secret(base64.b64encode(value.encode()).decode(), encoded=True)


def test_a_key_of_a_vault_counts_only_where_the_plugin_is_told_of_it() -> None:
    assert not is_secret("<password>", vault_keys=True)
    assert not is_secret("postgres://u:<password | base64encode>@h", vault_keys=True)
    assert is_secret("<password>")
    assert is_secret("<html>\n<body>", vault_keys=False)


def test_an_empty_object_in_base64_is_no_secret() -> None:
    assert not is_secret("e30=", encoded=True)


@pytest.mark.parametrize(
    "unit", ["${", "${A}", "<", "{{", "{{}}", "://", "://a:b", "a=", "=", ":", "${A:=", "\n", "<path:"]
)
def test_long_values_take_time_in_proportion(unit: str) -> None:
    """What grows with the square of the length would take minutes."""
    is_secret(unit * (40_000 // len(unit)), vault_keys=True)
    is_secret("${A}" + unit * (40_000 // len(unit)), vault_keys=True)
