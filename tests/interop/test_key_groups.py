"""Key groups with a Shamir threshold, of all kinds of local key: sops and we open each other's, with enough keys only."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from secretsync import sops
from secretsync.documents.stores import store_named
from secretsync.errors import NoIdentityMatchError
from secretsync.masterkeys import MasterKeys
from tests.peers import clean_environment, run
from tests.peers.gnupg import gnupg_home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PLAIN: Final = b"a: 1\nb:\n  - two\n"
THRESHOLD: Final = 2


class Key(NamedTuple):
    """One master key: its kind and recipient as files name them, and the environment that opens it."""

    kind: str
    recipient: str
    environ: dict[str, str]


@pytest.fixture(scope="module")
def keys(peer: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Key]]:
    """Make one key of each kind: X25519, post-quantum, ssh-ed25519, OpenPGP."""
    folder = tmp_path_factory.mktemp("groups")
    made = []
    for name, option in (("x25519", []), ("hybrid", ["-pq"])):
        file = folder / name
        run([peer("age-keygen"), *option, "-o", file])
        recipient = run([peer("age-keygen"), "-y", file]).stdout.decode().strip()
        made.append(Key("age", recipient, {"SOPS_AGE_KEY": file.read_text()}))
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / "ssh"])
    public = (folder / "ssh.pub").read_text().strip()
    made.append(Key("age", public, {"SOPS_AGE_SSH_PRIVATE_KEY_FILE": str(folder / "ssh")}))
    with gnupg_home(peer("gpg")) as home:
        made.append(Key("pgp", home.generate("groups"), {"GNUPGHOME": str(home.folder)}))
        yield made


@pytest.fixture(scope="module")
def encrypted_by(
    peer: Callable[[str], Path], keys: list[Key], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """Return the same file with a group for each key, encrypted by sops and by us."""
    folder = tmp_path_factory.mktemp("rules")
    groups = "".join(f"      - {key.kind}: ['{key.recipient}']\n" for key in keys)
    rule = f"creation_rules:\n  - shamir_threshold: {THRESHOLD}\n    key_groups:\n{groups}"
    (folder / ".sops.yaml").write_text(rule)
    (folder / "plain.yaml").write_bytes(PLAIN)
    theirs = run([peer("sops"), "encrypt", "plain.yaml"], cwd=folder, env=keys[-1].environ).stdout
    ours = sops.encrypt(
        store_named("yaml").load(PLAIN),
        groups=[[(key.kind, key.recipient)] for key in keys],
        threshold=THRESHOLD,
        keys=MasterKeys(_environ(keys)),
        now=datetime.now(UTC),
    )
    return {"sops": theirs, "us": ours}


def _environ(held: list[Key]) -> dict[str, str]:
    environ = clean_environment(GNUPGHOME="/nonexistent")
    for key in held:
        environ.update(key.environ)
    if len(texts := [key.environ["SOPS_AGE_KEY"] for key in held if "SOPS_AGE_KEY" in key.environ]) > 1:
        environ["SOPS_AGE_KEY"] = "\n".join(texts)
    return environ


pairs = pytest.mark.parametrize("held", list(itertools.combinations(range(4), THRESHOLD)), ids=lambda held: f"{held}")
writers = pytest.mark.parametrize("writer", ["sops", "us"])


@pairs
def test_two_keys_of_four_open_what_sops_wrote(
    held: tuple[int, int], keys: list[Key], encrypted_by: dict[str, bytes]
) -> None:
    environ = _environ([keys[number] for number in held])
    opened = sops.decrypt(store_named("yaml").load(encrypted_by["sops"]), MasterKeys(environ))
    assert store_named("yaml").dump(opened.documents) == b"a: 1\nb:\n    - two\n"


@pairs
def test_two_keys_of_four_open_what_we_wrote_with_sops(
    held: tuple[int, int], keys: list[Key], encrypted_by: dict[str, bytes], peer: Callable[[str], Path], tmp_path: Path
) -> None:
    (tmp_path / "e.yaml").write_bytes(encrypted_by["us"])
    opened = run([peer("sops"), "decrypt", tmp_path / "e.yaml"], env=_environ([keys[number] for number in held]))
    assert opened.stdout == b"a: 1\nb:\n    - two\n"


@writers
@pytest.mark.parametrize("held", range(4))
def test_one_key_is_not_enough_for_either(
    held: int, writer: str, keys: list[Key], encrypted_by: dict[str, bytes], peer: Callable[[str], Path], tmp_path: Path
) -> None:
    environ = _environ([keys[held]])
    with pytest.raises(NoIdentityMatchError):
        sops.decrypt(store_named("yaml").load(encrypted_by[writer]), MasterKeys(environ))
    (tmp_path / "e.yaml").write_bytes(encrypted_by[writer])
    assert run([peer("sops"), "decrypt", tmp_path / "e.yaml"], env=environ, check=False).code == 128
