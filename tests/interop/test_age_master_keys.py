"""age master keys of every kind between the real sops and us: its envelopes open here, ours open there."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from secretsync import age
from secretsync.errors import IncorrectIdentityError
from secretsync.masterkeys import MasterKeys
from tests.unit.age.toy_plugin import IDENTITY, RECIPIENT, Toy

KEYS = Path(__file__).parents[1] / "vectors" / "sops" / "keys"
LISTED = json.loads((KEYS / "keys.json").read_text("utf-8"))


def environment_of(name: str, folder: Path) -> dict[str, str]:
    """Return the environment in which sops and we find this key and no other."""
    variable = "SOPS_AGE_SSH_PRIVATE_KEY_FILE" if name.startswith("ssh-") else "SOPS_AGE_KEY_FILE"
    return {variable: str(KEYS / LISTED[name]["file"]), "HOME": str(folder), "PATH": os.environ["PATH"]}


def exchange(sops: Path, folder: Path, environ: Mapping[str, str], recipient: str) -> None:
    """Encrypt a file with sops, open its data key, wrap it anew, and let sops open the file with our envelope."""
    path = folder / "file.json"
    path.write_text('{"a": "secret"}')

    def run(*arguments: str | Path) -> bytes:
        return subprocess.run([sops, *arguments], env=environ, check=True, timeout=60, capture_output=True).stdout

    run("encrypt", "-i", "--age", recipient, path)
    file = json.loads(path.read_text())
    (fields,) = file["sops"]["age"]
    keys = MasterKeys(environ)
    file["sops"]["age"] = [keys.wrap("age", recipient, keys.unwrap("age", fields))]
    assert file["sops"]["age"] != [fields]
    path.write_text(json.dumps(file))
    assert json.loads(run("decrypt", path)) == {"a": "secret"}


@pytest.mark.parametrize("name", ["age-1", "age-pq", "ssh-ed25519", "ssh-rsa"])
def test_envelopes_open_both_ways(peer: Callable[[str], Path], tmp_path: Path, name: str) -> None:
    exchange(peer("sops"), tmp_path, environment_of(name, tmp_path), LISTED[name]["recipient"])


def test_plugin_envelopes_open_both_ways(peer: Callable[[str], Path], tmp_path: Path) -> None:
    toy = Toy(tmp_path)
    environ = {"PATH": str(toy.folder), "HOME": str(tmp_path), "SOPS_AGE_KEY": IDENTITY}
    exchange(peer("sops"), tmp_path, environ, RECIPIENT)


@pytest.mark.parametrize("source", ["SOPS_AGE_KEY", "SOPS_AGE_KEY_FILE", "SOPS_AGE_KEY_CMD", "XDG_CONFIG_HOME", "HOME"])
def test_every_source_serves_sops_and_us_alike(peer: Callable[[str], Path], tmp_path: Path, source: str) -> None:
    identity = age.generate()
    user_file = tmp_path / (".config" if source == "HOME" else "") / "sops" / "age" / "keys.txt"
    user_file.parent.mkdir(parents=True)
    user_file.write_text(f"# a key\n{identity.expose()}\n")
    value = {
        "SOPS_AGE_KEY": identity.expose(),
        "SOPS_AGE_KEY_FILE": str(user_file),
        "SOPS_AGE_KEY_CMD": f"cat '{user_file}'",
    }.get(source, str(tmp_path))
    environ = {"HOME": "/nonexistent", "PATH": os.environ["PATH"]} | {source: value}
    exchange(peer("sops"), tmp_path, environ, str(identity))


@pytest.mark.parametrize("text", ["{} ", " {}", "{}\nnonsense", "{} {}"])
def test_a_key_file_that_sops_refuses_is_refused(peer: Callable[[str], Path], tmp_path: Path, text: str) -> None:
    identity = age.generate()
    path = tmp_path / "file.json"
    path.write_text('{"a": "secret"}')
    (tmp_path / "keys").write_text(text.replace("{}", identity.expose()))
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "SOPS_AGE_KEY_FILE": str(tmp_path / "keys")}
    command = [str(peer("sops"))]
    subprocess.run([*command, "encrypt", "-i", "--age", str(identity), path], env=environ, check=True, timeout=60)
    assert subprocess.run([*command, "decrypt", path], env=environ, check=False, timeout=60).returncode == 128
    (fields,) = json.loads(path.read_text())["sops"]["age"]
    with pytest.raises(IncorrectIdentityError, match=r"SOPS_AGE_KEY_FILE: .*keys line"):
        MasterKeys(environ).unwrap("age", fields)
