"""The same command line given to the real sops and to us: same exit code, same standard output, equal files after."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import yaml

OURS: Final = Path(sys.executable).parent / "secretsync"

PLAIN: Final = {
    "plain.yaml": "# head\na: alpha\nb: 2\nm:\n    x: ex\n    y: [one, two]\nt: true\nf: 1.5\nz_unencrypted: clear\n",
    "plain.json": '{\n\t"a": "alpha",\n\t"b": 2,\n\t"m": {\n\t\t"x": "ex"\n\t}\n}\n',
    "plain.env": "# head\nA=alpha\nB=two words\n",
    "plain.ini": "[section]\na = alpha\n",
    "plain.txt": "just text\n",
    "flat.yaml": "A: alpha\nB: 2\nC: two words\n",
}


@dataclass(frozen=True, slots=True)
class Case:
    """One command line. `same_output` False where both print, and ours keeps the file's layout or goes to stderr.

    `our_code` is given where sops' differs between its verbs for one cause (docs/reference/differences.md).
    """

    arguments: str
    stdin: str | None = None
    environment: dict[str, str] | None = None
    same_output: bool = True
    our_code: int | None = None


# `e.yaml`, `e.json`, … are encrypted for @A, which is in the environment; `@A` and `@B` stand for recipients.
CASES: Final = [
    Case("decrypt e.yaml", same_output=False),
    Case("decrypt e.json"),
    Case("decrypt e.env"),
    Case("decrypt e.ini"),
    Case("decrypt e.txt"),
    Case("decrypt --output out.json --output-type json e.yaml"),
    Case("decrypt --output-type json e.json"),
    Case("decrypt --output-type dotenv e.flat.yaml"),
    Case("decrypt --input-type yaml --output-type yaml e.noext", same_output=False),
    Case("decrypt -i e.json"),
    Case("decrypt -i --output x e.json"),
    Case("decrypt absent.yaml"),
    Case("decrypt plain.yaml"),
    Case("decrypt --ignore-mac e.badmac.yaml", same_output=False),
    Case("decrypt e.badmac.yaml"),
    Case("decrypt --decryption-order pgp,age e.json"),
    Case("""decrypt --extract '["a"]' e.yaml"""),
    Case("""decrypt --extract '["b"]' e.yaml"""),
    Case("""decrypt --extract '["m"]' e.json"""),
    Case("""decrypt --extract '["m"]["y"][1]' e.yaml"""),
    Case("decrypt --extract nonsense e.yaml"),
    Case("""decrypt --extract '["absent"]' e.yaml"""),
    Case("decrypt --input-type json --output-type json", stdin="e.json"),
    Case("decrypt --filename-override x.json", stdin="e.json"),
    Case("encrypt --age @A --output out.yaml plain.yaml"),
    Case("encrypt -i --age @A plain.json"),
    Case("encrypt -i --age @A,@B plain.env"),
    Case("encrypt -i --age @A plain.ini"),
    Case("encrypt -i --age @A plain.txt"),
    Case("encrypt -i plain.yaml", environment={"SOPS_AGE_RECIPIENTS": "@A"}),
    Case("encrypt -i --age @A --encrypted-regex '^(a|m)$' plain.yaml"),
    Case("encrypt -i --age @A --unencrypted-regex '^a$' plain.yaml"),
    Case("encrypt -i --age @A --encrypted-suffix b plain.json"),
    Case("encrypt -i --age @A --unencrypted-suffix b plain.json"),
    Case("encrypt -i --age @A --encrypted-regex a --encrypted-suffix b plain.yaml"),
    Case("encrypt --age @A --filename-override x.yaml --output out.yaml", stdin="plain.yaml"),
    Case("encrypt --age @A", stdin="plain.yaml"),
    Case("encrypt --age @A --input-type yaml --output-type json --output out.json plain.yaml"),
    Case("encrypt -i --age @A e.yaml"),
    Case("encrypt --age nonsense plain.yaml"),
    Case("encrypt plain.yaml"),
    Case("--config rules.conf encrypt -i plain.yaml"),
    Case("--config rules.conf encrypt -i plain.json"),
    Case("--config broken.conf encrypt -i plain.json"),
    Case("encrypt absent.yaml"),
    Case("""set e.yaml '["a"]' '"new"'"""),
    Case("""set e.yaml '["m"]["y"][0]' '"new"'"""),
    Case("""set e.yaml '["m"]["y"][9]' '"added"'"""),
    Case("""set e.yaml '["new"]["deep"]' '{"x": true}'"""),
    Case("""set e.json '["a"]' '"new"'"""),
    Case("""set e.env '["A"]' '"new"'"""),
    Case("""set e.yaml '["a"]' nonsense"""),
    Case("""set e.yaml nonsense '"x"'"""),
    Case("""set e.yaml '["a"]'"""),
    Case("""set --value-stdin e.yaml '["a"]'""", stdin="value.json"),
    Case("""set --value-file e.yaml '["a"]' value.json"""),
    Case("""set --idempotent e.yaml '["a"]' '"alpha"'"""),
    Case("""set e.badmac.yaml '["a"]' '"new"'"""),
    Case("""set absent.yaml '["a"]' '"new"'""", our_code=100),
    Case("""unset e.yaml '["m"]["x"]'"""),
    Case("""unset e.yaml '["absent"]'"""),
    Case("""unset --idempotent e.yaml '["absent"]'"""),
    Case("rotate -i e.yaml"),
    Case("rotate -i --add-age @B e.json"),
    Case("rotate -i --add-age @B --rm-age @A e.yaml"),
    Case("rotate --output out.yaml e.yaml"),
    Case("rotate absent.yaml", our_code=100),
    Case("--config rules.conf updatekeys --yes e.yaml", same_output=False),
    Case("updatekeys --yes e.yaml"),
    Case("filestatus e.yaml"),
    Case("filestatus plain.yaml"),
    Case("filestatus absent.yaml", our_code=100),
    Case("""exec-env e.flat.yaml 'echo "$A $B $C"'"""),
    Case("exec-env --pristine e.flat.yaml 'echo $A; exit 3'"),
    Case("exec-env --same-process e.flat.yaml 'echo $A; exit 4'"),
    Case("exec-env e.yaml 'echo $A'"),
    Case("exec-file e.json 'cat {}; exit 5'"),
    Case("exec-file --no-fifo --filename x e.json 'cat {}; basename {}'"),
    Case("edit e.yaml", environment={"EDITOR": "sed -i s/alpha/omega/"}),
    Case("edit e.json", environment={"EDITOR": "sed -i s/alpha/omega/"}),
    Case("edit e.yaml", environment={"EDITOR": "true"}),
    Case("edit e.yaml", environment={"EDITOR": "false"}),
    Case("decrypt e.yaml", environment={"SOPS_AGE_KEY_FILE": "absent.txt"}),
    Case("--indent 8 decrypt --output out.yaml e.yaml"),
    Case("decrypt --output-type binary e.txt"),
    Case("decrypt --output-type ini e.ini"),
    Case("decrypt --output-type ini e.yaml", same_output=False),
    Case("decrypt --output-type binary e.yaml", same_output=False),
    Case("decrypt --decryption-order age,age e.yaml"),
    Case("decrypt e.json", environment={"SOPS_DECRYPTION_ORDER": "age,age"}),
    Case("decrypt e.json", environment={"SOPS_DECRYPTION_ORDER": "pgp,age"}),
    Case("decrypt e.json", environment={"SOPS_AGE_KEY_FILE": "", "SOPS_AGE_KEY": "nonsense"}),
    Case("decrypt -i -", stdin="e.json", our_code=8),
    Case("encrypt -i plain.json", environment={"SOPS_CONFIG": "rules.conf"}),
    Case("encrypt -i plain.yaml", environment={"SOPS_CONFIG": "rules.conf"}),
    Case("--mac-only-encrypted encrypt -i --age @A --encrypted-regex ^a$ plain.yaml"),
    Case("--indent 2 encrypt --age @A --output out.yaml plain.yaml"),
    Case("encrypt --age @A --input-type json --output-type yaml --output out.yaml plain.json"),
    Case("encrypt --age @A --output-type dotenv --output out.env flat.yaml"),
    Case("encrypt --age @A --output-type ini --output out.ini flat.yaml"),
    Case("encrypt --age @A --input-type binary --output-type json --output out.json plain.yaml"),
    Case("encrypt --age @A --filename-override x.env --output out.env", stdin="plain.env"),
    Case("encrypt --age @A --output out.yaml --in-place plain.yaml"),
    Case("encrypt --age @A,nonsense plain.yaml"),
    Case("encrypt --pgp AAAABBBBCCCCDDDDEEEEFFFF0000111122223333 plain.yaml"),
    Case("--config groups.conf encrypt -i plain.yaml"),
    Case("--config groups.conf encrypt -i --shamir-secret-sharing-threshold 3 plain.yaml"),
    Case("--config nonsense.conf encrypt -i plain.yaml"),
    Case("""set e.yaml '["t"]' false"""),
    Case("""set e.yaml '["n"]' null"""),
    Case("""set e.yaml '["b"]' -3"""),
    Case("""set e.yaml '["f"]' -2.5"""),
    Case("""set e.yaml '["m"]' '{"list": [1, "two", {"three": 3.5}], "empty": {}}'"""),
    Case("""set e.yaml '["a"]' '["bare"]'"""),
    Case("""set e.yaml '["a"]["through"]' '"scalar"'"""),
    Case("""set e.yaml '["sops"]' '"reserved"'"""),
    Case("""set e.ini '["section"]["a"]' '"new"'"""),
    Case("""set e.ini '["section"]["added"]' '"new"'"""),
    Case("""set e.txt '["data"]' '"new text"'"""),
    Case("""set --ignore-mac e.badmac.yaml '["a"]' '"new"'"""),
    Case("""set --value-stdin --value-file e.yaml '["a"]' x""", our_code=8),
    Case("""set --input-type yaml --output-type yaml e.noext '["a"]' '"new"'"""),
    Case("""unset e.json '["m"]'"""),
    Case("""unset e.env '["A"]'"""),
    Case("""unset e.ini '["section"]["a"]'"""),
    Case("""unset e.yaml '["m"]["y"][0]'"""),
    Case("""unset e.yaml '["m"]["y"][7]'"""),
    Case("""unset --ignore-mac e.badmac.yaml '["a"]'"""),
    Case("unset e.yaml nonsense"),
    Case("rotate -i e.env"),
    Case("rotate -i e.ini"),
    Case("rotate -i e.txt"),
    Case("rotate -i e.groups.yaml"),
    Case("rotate -i --add-age @B e.groups.yaml"),
    Case("rotate -i --add-age nonsense e.yaml"),
    Case("rotate -i --rm-age @B e.yaml"),
    Case("rotate -i --rm-age @A e.yaml"),
    Case("rotate -i e.badmac.yaml"),
    Case("rotate -i plain.yaml"),
    Case("rotate --output out.yaml --in-place e.yaml"),
    Case("rotate --input-type yaml --output-type yaml --output out.noext e.noext"),
    Case("--config rules.conf updatekeys --yes e.yaml absent.yaml", same_output=False),
    Case("--config rules.conf updatekeys --yes e.json", same_output=False),
    Case("--config groups.conf updatekeys --yes e.yaml", same_output=False),
    Case("--config groups.conf updatekeys --yes e.groups.yaml", same_output=False),
    Case("--config any.conf updatekeys --yes e.groups.yaml", same_output=False),
    Case("--config any.conf updatekeys --yes e.env e.ini e.txt e.json", same_output=False),
    Case("--config any.conf updatekeys --yes --input-type yaml e.noext", same_output=False),
    Case("updatekeys --yes plain.yaml", environment={"SOPS_CONFIG": "any.conf"}, same_output=False),
    Case("filestatus e.env"),
    Case("filestatus --input-type yaml e.noext"),
    Case("filestatus plain.txt", our_code=2),
    Case("decrypt e.groups.yaml", same_output=False),
    Case("decrypt e.groups.yaml", environment={"SOPS_AGE_KEY": ""}),
    Case("""exec-env e.env 'echo "$A|$B"'"""),
    Case("exec-env --user nobody e.flat.yaml 'id -un; echo $A $HOME'"),
    Case("exec-env absent.yaml true", our_code=100),
    Case("exec-env e.badmac.yaml true"),
    Case("exec-file --no-fifo e.yaml 'stat -c %a {}'"),
    Case("exec-file --output-type json --no-fifo e.flat.yaml 'cat {}'"),
    Case("exec-file --input-type yaml --output-type json e.noext 'cat {}'"),
    Case("exec-file --filename ../x e.json 'cat {}'", our_code=8),
    Case("exec-file e.badmac.yaml 'cat {}'"),
    Case("edit e.env", environment={"EDITOR": "sed -i s/alpha/omega/"}),
    Case("edit e.ini", environment={"EDITOR": "sed -i s/alpha/omega/"}),
    Case("edit e.txt", environment={"EDITOR": "sed -i s/just/more/"}),
    Case("edit e.groups.yaml", environment={"SOPS_EDITOR": "sed -i s/alpha/omega/", "EDITOR": "false"}),
    Case("edit --ignore-mac e.badmac.yaml", environment={"EDITOR": "sed -i s/alpha/omega/"}),
    Case("edit e.badmac.yaml", environment={"EDITOR": "sed -i s/alpha/omega/"}),
    Case("edit --age @A new.json", environment={"EDITOR": "cp plain.json"}),
    Case("edit --age @A --encrypted-regex ^a$ new.yaml", environment={"EDITOR": "cp plain.yaml"}),
    Case("edit new.yaml", environment={"EDITOR": "cp plain.yaml", "SOPS_CONFIG": "rules.conf"}),
    Case("edit --age @A new.yaml", environment={"EDITOR": "true"}),
    Case("edit e.yaml", environment={"EDITOR": "absent-editor"}),
]


@dataclass(frozen=True, slots=True)
class Keys:
    """Two age identity files with their recipients."""

    files: tuple[Path, Path]
    recipients: tuple[str, str]


@pytest.fixture(scope="session")
def keys(peer: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Keys:
    """Make two identities with the real age-keygen."""
    folder = tmp_path_factory.mktemp("keys")
    files = folder / "a.txt", folder / "b.txt"
    for file in files:
        subprocess.run([peer("age-keygen"), "-o", file], check=True, capture_output=True)
    first, second = (
        subprocess.run([peer("age-keygen"), "-y", file], check=True, capture_output=True, text=True).stdout.strip()
        for file in files
    )
    return Keys(files, (first, second))


@pytest.fixture(scope="session")
def template(peer: Callable[[str], Path], keys: Keys, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the folder each case starts from: plain files, and the same encrypted by the real sops."""
    folder = tmp_path_factory.mktemp("template")
    for name, text in PLAIN.items():
        (folder / name).write_text(text)
        target = "e." + (name.removeprefix("plain.") if name.startswith("plain.") else name)
        command: list[str | Path] = [peer("sops"), "encrypt", "--age", keys.recipients[0], "--output", target, name]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, env=_environment(keys))
    encrypted = (folder / "e.yaml").read_text()
    (folder / "e.noext").write_text(encrypted)
    (folder / "e.badmac.yaml").write_text(encrypted.replace("z_unencrypted: clear", "z_unencrypted: changed"))
    (folder / "value.json").write_text('"from a file"')
    (folder / "rules.conf").write_text(
        f"creation_rules:\n  - path_regex: yaml$\n    encrypted_regex: ^a$\n    age: {','.join(keys.recipients)}\n"
    )
    (folder / "any.conf").write_text(f"creation_rules:\n  - age: {','.join(keys.recipients)}\n")
    group = "      - age: ['{}']\n"
    (folder / "groups.conf").write_text(
        "creation_rules:\n  - shamir_threshold: 2\n    key_groups:\n" + "".join(map(group.format, keys.recipients))
    )
    command = [peer("sops"), "--config", "groups.conf", "encrypt", "--output", "e.groups.yaml", "plain.yaml"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=_environment(keys))
    (folder / "broken.conf").write_text("creation_rules: [\n")
    return folder


def _environment(keys: Keys, extra: dict[str, str] | None = None, case: str = "") -> dict[str, str]:
    """Return the environment of one run; a command line about groups has both identities."""
    given = {name: _filled(value, keys) for name, value in (extra or {}).items()}
    home = str(keys.files[0].parent)
    if "groups" in case:
        given.setdefault("SOPS_AGE_KEY", keys.files[1].read_text())
    return {"PATH": os.environ["PATH"], "HOME": home, "SOPS_AGE_KEY_FILE": str(keys.files[0]), **given}


def _filled(text: str, keys: Keys) -> str:
    return text.replace("@A", keys.recipients[0]).replace("@B", keys.recipients[1])


def _run(program: Path, case: Case, folder: Path, keys: Keys) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["sh", "-c", f'"{program}" {_filled(case.arguments, keys)}'],
        cwd=folder,
        env=_environment(keys, case.environment, case.arguments),
        input=(folder / case.stdin).read_bytes() if case.stdin else b"",
        capture_output=True,
        check=False,
    )


def _content(sops: Path, folder: Path, template: Path, keys: Keys) -> dict[str, object]:
    """Return what every new or changed file says: decrypted by the real sops where it is encrypted, parsed if YAML."""
    said: dict[str, object] = {}
    environment = _environment(keys, {"SOPS_AGE_KEY_FILE": str(keys.files[0])})
    environment["SOPS_AGE_KEY"] = keys.files[1].read_text()
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        before = template / path.name
        if before.exists() and before.read_bytes() == data:
            continue
        if b"ENC[" in data:
            command: list[str | Path] = [
                sops,
                "decrypt",
                *(["--ignore-mac"] if "badmac" in path.name else []),
                path.name,
            ]
            outcome = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
            said[path.name] = outcome.returncode or _parsed(path.name, outcome.stdout), _selectors(path.name, data)
        else:
            said[path.name] = _parsed(path.name, data)
    return said


def _parsed(name: str, data: bytes) -> object:
    if name.endswith(".json"):
        return json.loads(data)
    return yaml.safe_load(data) if name.endswith(".yaml") else data


def _selectors(name: str, data: bytes) -> list[bytes]:
    """Return the lines of the metadata that say what is encrypted for whom; nothing selects in a binary file."""
    marks = [b"recipient", b"threshold", *([] if name.endswith(".txt") else [b"_regex", b"_suffix", b"mac_only"])]
    return sorted(line.strip(b' \t",') for line in data.splitlines() if any(mark in line for mark in marks))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.arguments} {sorted(case.environment or {})}")
def test_a_command_does_what_sops_does(
    case: Case, peer: Callable[[str], Path], template: Path, keys: Keys, tmp_path: Path
) -> None:
    sops = peer("sops")
    folders = tmp_path / "sops", tmp_path / "ours"
    for folder in folders:
        shutil.copytree(template, folder)
    theirs, ours = (_run(program, case, folder, keys) for program, folder in zip((sops, OURS), folders, strict=True))

    expected = theirs.returncode if case.our_code is None else case.our_code
    assert ours.returncode == expected, (theirs.stderr.decode(), ours.stderr.decode())
    if case.same_output:
        assert ours.stdout == theirs.stdout
    assert _content(sops, folders[1], template, keys) == _content(sops, folders[0], template, keys)
