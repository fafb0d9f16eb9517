"""A recipient that somebody wrote into a file gets no new data key, and `check` names it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from secretsync import age
from tests.cli.conftest import Invoke
from tests.peers.gnupg import GnupgHome, gnupg_home

KEYS = Path(__file__).parents[1] / "vectors" / "sops" / "keys"
MALLORY = age.generate()
PGP = "5B7EFCDD3AF45B98EA2B0DA4BB0BF00F1B83DD1E"
PGP_SUBKEY = "853DB04A7835C37AA7518DF53F7A6A5959FBA77B"
OTHER_PGP = "59D98FCA49659D6CEA8EAC9FC03D1673CBF36A73"


@pytest.fixture
def prod(folder: Path, recipient: str, invoke: Invoke) -> Path:
    """Return a folder with two files whose recipients are those of the rule."""
    rules(folder, f"path_regex: ^prod/\n    age: {recipient}")
    for name in ("a", "b"):
        path = folder / "prod" / f"{name}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{name}: hunter2\n")
        assert invoke("encrypt", "-i", path).code == 0
    return folder / "prod"


def rules(folder: Path, text: str) -> None:
    """Write a `.sops.yaml` of one rule."""
    (folder / ".sops.yaml").write_text(f"creation_rules:\n  - {text}\n")


def smuggled(path: Path, recipient: str, name: str = str(MALLORY)) -> None:
    """Copy the entry of a recipient, under another name."""
    lines = path.read_text().splitlines()
    named = next(index for index, line in enumerate(lines) if line.endswith(f"recipient: {recipient}"))
    start = next(index for index in range(named, 0, -1) if lines[index].lstrip().startswith("- "))
    inside = " " * (len(lines[start]) - len(lines[start].lstrip()) + 1)
    end = next(index for index in range(start + 1, len(lines)) if not lines[index].startswith(inside))
    copy = [line.replace(recipient, name) for line in lines[start:end]]
    path.write_text("\n".join([*lines[:end], *copy, *lines[end:]]) + "\n")


def opens_as(invoke: Invoke, monkeypatch: pytest.MonkeyPatch, path: Path, identity: age.X25519Identity) -> bool:
    """Whether an identity opens a file."""
    with monkeypatch.context() as patch:
        patch.delenv("SOPS_AGE_KEY_FILE")
        patch.setenv("SOPS_AGE_KEY", identity.expose())
        return invoke("decrypt", path).code == 0


def test_one_stranger_stops_a_whole_folder_before_the_first_write(invoke: Invoke, prod: Path, recipient: str) -> None:
    smuggled(prod / "b.yaml", recipient)
    before = [path.read_bytes() for path in sorted(prod.iterdir())]
    outcome = invoke("rotate", "-i", "prod")
    assert (outcome.code, outcome.out) == (1, b"")
    assert (
        f"prod/b.yaml: age {MALLORY} is a recipient of the file, and creation_rules[0] of .sops.yaml names no"
        in outcome.err
    )
    assert "hint: secretsync updatekeys" in outcome.err
    assert [path.read_bytes() for path in sorted(prod.iterdir())] == before


def test_the_class_of_a_refusal_is_that_of_one_file(invoke: Invoke, prod: Path, recipient: str) -> None:
    smuggled(prod / "b.yaml", recipient)
    assert (invoke("rotate", "prod/b.yaml").code, invoke("rotate", "-i", "prod/b.yaml").code) == (11, 11)
    assert invoke("rotate", "--dry-run", "prod/b.yaml").code == 11


def test_updatekeys_takes_a_stranger_out_and_then_rotate_goes_on(
    invoke: Invoke, prod: Path, recipient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    smuggled(prod / "b.yaml", recipient)
    assert invoke("updatekeys", "-y", "prod").code == 0
    assert invoke("rotate", "-i", "prod").code == 0
    assert not opens_as(invoke, monkeypatch, prod / "b.yaml", MALLORY)
    assert invoke("check", "prod").code == 0


def test_who_is_told_to_keep_recipients_does_as_sops(
    invoke: Invoke, prod: Path, recipient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    smuggled(prod / "b.yaml", recipient)
    outcome = invoke("rotate", "-i", "--keep-recipients", "prod")
    assert outcome.code == 0
    assert f"warning: prod/b.yaml: age {MALLORY} is a recipient of the file and not of the matching rule" in outcome.err
    assert opens_as(invoke, monkeypatch, prod / "b.yaml", MALLORY)


def test_whom_the_command_line_adds_is_added_and_told(
    invoke: Invoke, prod: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = invoke("rotate", "-i", "--add-age", str(MALLORY), "prod/b.yaml")
    assert outcome.code == 0
    assert f"adds age {MALLORY}, whom creation_rules[0] of .sops.yaml does not name" in outcome.err
    assert opens_as(invoke, monkeypatch, prod / "b.yaml", MALLORY)


def test_who_is_removed_on_the_way_is_no_stranger(
    invoke: Invoke, prod: Path, recipient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    smuggled(prod / "b.yaml", recipient)
    assert invoke("rotate", "-i", "--rm-age", str(MALLORY).upper(), "prod/b.yaml").code == 0
    assert not opens_as(invoke, monkeypatch, prod / "b.yaml", MALLORY)


@pytest.mark.parametrize("rule", ["path_regex: ^dev/\n    age: {}", "encrypted_regex: x"])
def test_without_a_rule_that_names_somebody_rotate_does_as_sops(
    invoke: Invoke, prod: Path, folder: Path, recipient: str, rule: str
) -> None:
    smuggled(prod / "b.yaml", recipient)
    rules(folder, rule.format(recipient))
    assert invoke("rotate", "-i", "prod").code == 0
    assert invoke("check", "prod").code == 0


def test_a_link_does_not_lead_to_another_rule(invoke: Invoke, prod: Path, folder: Path, recipient: str) -> None:
    smuggled(prod / "b.yaml", recipient)
    (folder / ".sops.yaml").write_text(
        f"creation_rules:\n  - path_regex: ^prod/\n    age: {recipient}\n  - age: {recipient},{MALLORY}\n"
    )
    (folder / "a.yaml").symlink_to("prod/b.yaml")
    assert invoke("rotate", "-i", "a.yaml").code == 11


def test_rules_count_from_another_working_folder_too(
    invoke: Invoke, prod: Path, recipient: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    smuggled(prod / "b.yaml", recipient)
    monkeypatch.chdir(prod.parent.parent)
    assert invoke("rotate", "-i", prod).code == 1
    assert invoke("check", prod).code == 1


GROUPS = """creation_rules:
  - key_groups:
      - age: [{0}]
      - age: [{1}]
    shamir_threshold: 2
"""


@pytest.fixture
def grouped(folder: Path, recipient: str, invoke: Invoke) -> Path:
    """Return a file whose data key is shared between two groups, both open here."""
    other = age.generate()
    key_file = folder.parent / "key.txt"
    key_file.write_text(f"{key_file.read_text()}{other.expose()}\n")
    (folder / ".sops.yaml").write_text(GROUPS.format(recipient, other))
    path = folder / "g.yaml"
    path.write_text("a: hunter2\n")
    assert invoke("encrypt", "-i", path).code == 0
    assert invoke("check", path).code == 0
    return path


def test_a_stranger_in_any_group_is_refused(invoke: Invoke, grouped: Path) -> None:
    first, second = re.findall(r"recipient: (\S+)", grouped.read_text())
    smuggled(grouped, second)
    outcome = invoke("rotate", "-i", grouped)
    assert outcome.code == 11
    assert f"age {MALLORY} (group 2) is a recipient" in outcome.err
    smuggled(grouped, second, first)
    assert f"age {first} (group 2)" in invoke("rotate", "-i", grouped).err


def test_a_threshold_below_that_of_the_rule_is_refused(invoke: Invoke, grouped: Path, folder: Path) -> None:
    (folder / ".sops.yaml").write_text((folder / ".sops.yaml").read_text().replace("shamir_threshold: 2", ""))
    assert invoke("rotate", "-i", grouped).code == 0
    grouped.write_text(grouped.read_text().replace("shamir_threshold: 2", "shamir_threshold: 1"))
    outcome = invoke("rotate", "-i", grouped)
    assert outcome.code == 11
    assert "opens with 1 of its key groups, and creation_rules[0] of .sops.yaml asks for 2" in outcome.err


def test_the_policy_of_a_key_ring_decides_where_there_is_one(invoke: Invoke, folder: Path, recipient: str) -> None:
    for name, key in {"ann": recipient, "mallory": str(MALLORY)}.items():
        path = folder / "keys" / "people" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"name: {name}\nkeys: [{{id: {name}-1, type: age, recipient: {key}}}]\n")
    (folder / "keys" / "groups.yaml").write_text("groups:\n  break-glass: {members: [ann]}\n")
    (folder / "keys" / "policy.yaml").write_text("rules:\n  - paths: ['**']\n    readers: ['group:break-glass']\n")
    (folder / "a.yaml").write_text("a: hunter2\n")
    assert invoke("encrypt", "-i", "--age", recipient, "a.yaml").code == 0
    assert invoke("rotate", "-i", "a.yaml").code == 0
    rules(folder, f"age: [{recipient}, {MALLORY}]")
    smuggled(folder / "a.yaml", recipient)
    outcome = invoke("rotate", "-i", "a.yaml")
    assert outcome.code == 11
    assert "rules[0] of keys/policy.yaml names no such key for it" in outcome.err
    (finding,) = [line for line in invoke("check", "a.yaml").out.decode().splitlines() if "extra-recipient" in line]
    assert str(MALLORY) in finding


@pytest.mark.parametrize(
    "rule",
    [
        "age: >-\n      {0},\n      {1}",
        "age:\n      - {0}  # ann\n      - {1}",
        "key_groups:\n      - age: ['{1}', '{0}']",
        "key_groups:\n      - merge: [{{age: ['{0}']}}]\n        age: ['{1}']",
        "age: &all '{0},{1}'\n  - path_regex: ^x/\n    age: *all",
    ],
)
def test_however_a_rule_spells_its_keys_it_names_them(invoke: Invoke, folder: Path, recipient: str, rule: str) -> None:
    ssh = (KEYS / "ssh-ed25519.pub").read_text().strip()
    rules(folder, rule.format(recipient, f"{' '.join(ssh.split()[:2])} ann@laptop"))
    (folder / "a.yaml").write_text("a: hunter2\n")
    assert invoke("encrypt", "-i", "--age", f"{recipient},{ssh}", "a.yaml").code == 0
    assert invoke("check", "a.yaml").out.endswith(b" 0 findings\n")
    assert invoke("rotate", "-i", "a.yaml").code == 0
    assert "already up to date" in invoke("updatekeys", "-y", "a.yaml").err


def test_check_names_each_stranger_once_with_its_line_and_needs_no_key(
    invoke: Invoke, prod: Path, recipient: str
) -> None:
    smuggled(prod / "b.yaml", recipient)
    (prod / "b.yaml").write_text((prod / "b.yaml").read_text() + "---\nc: d\n")
    found = [line for line in invoke("check", ".").out.decode().splitlines() if "extra-recipient" in line]
    assert len(found) == 1
    assert re.match(
        rf"prod/b.yaml line \d+: error: is encrypted for age {MALLORY}, and creation_rules\[0\] of \.sops", found[0]
    )


def test_check_places_a_reader_whom_the_key_ring_does_not_know(
    invoke: Invoke, prod: Path, folder: Path, recipient: str
) -> None:
    principal = f"apiVersion: secretsync/v1\nkind: Principal\nname: ann\nkeys:\n  - {{id: ann-1, type: age, recipient: {recipient}}}\n"
    policy = "apiVersion: secretsync/v1\nkind: Policy\nrules:\n  - paths: ['**']\n    readers: [nobody]\n"
    (folder / "keys" / "people").mkdir(parents=True)
    (folder / "keys" / "people" / "ann.yaml").write_text(principal)
    (folder / "keys" / "policy.yaml").write_text(policy)
    outcome = invoke("check", prod)
    assert outcome.code == 1
    assert b"keys/policy.yaml rules[0].readers: error: the key ring knows no principal 'nobody'" in outcome.out


def test_check_says_once_that_rules_cannot_be_read(invoke: Invoke, prod: Path, folder: Path) -> None:
    rules(folder, "age: [{}]")
    outcome = invoke("check", ".")
    assert outcome.code == 1
    assert outcome.out.count(b".sops.yaml creation_rules[0].age: error: expected a string") == 1


@pytest.fixture(scope="module")
def gnupg(peer: Callable[[str], Path]) -> Iterator[GnupgHome]:
    """Return a GnuPG home with two keys."""
    with gnupg_home(peer("gpg"), [KEYS / "pgp-rsa3072.asc", KEYS / "pgp-cv25519.asc"]) as made:
        yield made


@pytest.fixture
def home(gnupg: GnupgHome, folder: Path, monkeypatch: pytest.MonkeyPatch) -> GnupgHome:
    """Let this process use the GnuPG home."""
    del folder
    monkeypatch.setenv("GNUPGHOME", str(gnupg.folder))
    return gnupg


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    "name", [PGP.lower(), PGP[-16:], PGP[-16:].lower(), f"0x{PGP}", PGP_SUBKEY, PGP_SUBKEY[-16:], f"{PGP_SUBKEY}!"]
)
def test_a_pgp_key_is_the_one_that_gpg_finds(invoke: Invoke, folder: Path, recipient: str, name: str) -> None:
    rules(folder, f"age: {recipient}\n    pgp: '{PGP[:20]} {PGP[20:]}'")
    (folder / "a.yaml").write_text("a: hunter2\n")
    assert invoke("encrypt", "-i", "--age", recipient, "--pgp", name, "a.yaml").code == 0
    assert invoke("check", "a.yaml").out.endswith(b" 0 findings\n")
    assert invoke("rotate", "-i", "a.yaml").code == 0
    assert "already up to date" in invoke("updatekeys", "-y", "a.yaml").err


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", [OTHER_PGP, OTHER_PGP[-16:].lower()])
def test_another_pgp_key_is_a_stranger(invoke: Invoke, folder: Path, recipient: str, name: str) -> None:
    rules(folder, f"age: {recipient}\n    pgp: {PGP}")
    (folder / "a.yaml").write_text("a: hunter2\n")
    assert invoke("encrypt", "-i", "--age", recipient, "--pgp", f"{PGP},{name}", "a.yaml").code == 0
    assert invoke("rotate", "-i", "a.yaml").code == 11
    assert invoke("check", "a.yaml").code == 1


def test_a_pgp_key_that_gpg_does_not_know_is_compared_as_text(
    invoke: Invoke, folder: Path, recipient: str, home: GnupgHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules(folder, f"age: {recipient}\n    pgp: {PGP}")
    (folder / "a.yaml").write_text("a: hunter2\n")
    assert invoke("encrypt", "-i", "--age", recipient, "--pgp", PGP.lower(), "a.yaml").code == 0
    monkeypatch.setenv("SOPS_GPG_EXEC", str(home.folder / "absent"))
    assert invoke("check", "a.yaml").code == 0
    rules(folder, f"age: {recipient}\n    pgp: {PGP[-16:]}")
    assert invoke("check", "a.yaml").code == 1
