"""What each kind of program sees: its own needs, and nothing that opens secrets but where that is its task."""

from __future__ import annotations

import pytest

from secretsync import programs
from secretsync.programs import Sees

OUR_KEYS = {
    "SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "SOPS_AGE_KEY_CMD",
    "SOPS_AGE_SSH_PRIVATE_KEY_FILE", "SOPS_AGE_SSH_PRIVATE_KEY_CMD",
}  # fmt: skip
STORES = {"VAULT_TOKEN", "BAO_TOKEN", "VAULT_SECRET_ID", "OP_SERVICE_ACCOUNT_TOKEN", "OP_SESSION_acme", "BW_SESSION"}
CLOUDS = {
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AZURE_CLIENT_SECRET", "GOOGLE_APPLICATION_CREDENTIALS",
    "DIGITALOCEAN_ACCESS_TOKEN", "OS_PASSWORD", "HCLOUD_TOKEN",
}  # fmt: skip
PLAIN = {"PATH", "HOME", "LANG", "LC_ALL", "TERM", "TMPDIR", "XDG_RUNTIME_DIR", "TZ", "USER"}
OWN = {"NVIM_APPNAME", "MY_SETTING", "QUBES_GPG_DOMAIN", "OLDPWD", "AWS_PROFILE"}
GPGS = {"GNUPGHOME", "GPG_TTY", "DISPLAY", "WAYLAND_DISPLAY", "SSH_AUTH_SOCK", "PINENTRY_USER_DATA"}

SEEN = {
    "gpg": (programs.GPG, PLAIN | GPGS),
    "git": (programs.GIT, PLAIN | GPGS | {"https_proxy", "HTTPS_PROXY", "SSL_CERT_FILE", "SSH_ASKPASS"}),
    "a gpg of the user's choice": (programs.CHOSEN_GPG, PLAIN | OWN | GPGS),
    "editor": (programs.EDITOR, PLAIN | OWN | GPGS),
    "age plugin": (programs.AGE_PLUGIN, PLAIN | OWN | GPGS),
    "command": (programs.COMMAND, PLAIN | OWN | GPGS | {"DEPLOY_KEY", "PGPASSFILE"}),
    "key command": (programs.KEY_COMMAND, PLAIN | OWN | GPGS | STORES | CLOUDS | {"SOPS_AGE_RECIPIENTS"}),
    "kubeconfig plugin": (programs.KUBECONFIG_PLUGIN, PLAIN | OWN | CLOUDS | {"KUBECONFIG", "VAULT_ADDR"}),
    "nothing": (programs.NOTHING, set()),
}
HIDDEN = {
    "gpg": OUR_KEYS | STORES | CLOUDS | OWN,
    "git": OUR_KEYS | STORES | CLOUDS | OWN | {"GIT_DIR", "GIT_INDEX_FILE", "GIT_CONFIG_COUNT"},
    "a gpg of the user's choice": OUR_KEYS | STORES | CLOUDS | {"DEPLOY_KEY"},
    "editor": OUR_KEYS | STORES | CLOUDS | {"DEPLOY_KEY", "MYSQL_PWD", "SMTP_PASS", "github_pat"},
    "age plugin": OUR_KEYS | STORES | CLOUDS | {"DEPLOY_KEY", "MYSQL_PWD", "SMTP_PASS"},
    "command": OUR_KEYS | CLOUDS | {"VAULT_TOKEN", "GITHUB_TOKEN"},
    "key command": OUR_KEYS | {"sops_age_key"},
    "kubeconfig plugin": OUR_KEYS | STORES | {"GITHUB_TOKEN", "BW_CLIENTSECRET"},
    "nothing": PLAIN | OWN | OUR_KEYS,
}


@pytest.mark.parametrize(("sees", "names"), SEEN.values(), ids=SEEN)
def test_a_program_sees_what_it_needs(sees: Sees, names: set[str]) -> None:
    assert programs.environment(sees, dict.fromkeys(names, "x")).keys() == names


@pytest.mark.parametrize("kind", HIDDEN)
def test_a_program_does_not_see_what_is_not_for_it(kind: str) -> None:
    assert programs.environment(SEEN[kind][0], dict.fromkeys(HIDDEN[kind], "x")) == {}


def test_what_a_program_is_given_goes_before_what_it_sees() -> None:
    environ = {"PATH": "a", "SOPS_AGE_KEY": "canary"}
    assert programs.environment(programs.EDITOR, environ, {"PATH": "b", "DB_PASSWORD": "c"}) == {
        "PATH": "b",
        "DB_PASSWORD": "c",
    }
