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
        command = [peer("sops"), "encrypt", "--age", keys.recipients[0], "--output", target, name]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, env=_environment(keys))
    encrypted = (folder / "e.yaml").read_text()
    (folder / "e.noext").write_text(encrypted)
    (folder / "e.badmac.yaml").write_text(encrypted.replace("z_unencrypted: clear", "z_unencrypted: changed"))
    (folder / "value.json").write_text('"from a file"')
    (folder / "rules.conf").write_text(
        f"creation_rules:\n  - path_regex: yaml$\n    encrypted_regex: ^a$\n    age: {','.join(keys.recipients)}\n"
    )
    (folder / "broken.conf").write_text("creation_rules: [\n")
    return folder


def _environment(keys: Keys, extra: dict[str, str] | None = None) -> dict[str, str]:
    given = {name: _filled(value, keys) for name, value in (extra or {}).items()}
    home = str(keys.files[0].parent)
    return {"PATH": os.environ["PATH"], "HOME": home, "SOPS_AGE_KEY_FILE": str(keys.files[0]), **given}


def _filled(text: str, keys: Keys) -> str:
    return text.replace("@A", keys.recipients[0]).replace("@B", keys.recipients[1])


def _run(program: Path, case: Case, folder: Path, keys: Keys) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["sh", "-c", f'"{program}" {_filled(case.arguments, keys)}'],
        cwd=folder,
        env=_environment(keys, case.environment),
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
            command = [sops, "decrypt", *(["--ignore-mac"] if "badmac" in path.name else []), path.name]
            outcome = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
            said[path.name] = outcome.returncode or _parsed(path.name, outcome.stdout), _selectors(data)
        else:
            said[path.name] = _parsed(path.name, data)
    return said


def _parsed(name: str, data: bytes) -> object:
    if name.endswith(".json"):
        return json.loads(data)
    return yaml.safe_load(data) if name.endswith(".yaml") else data


def _selectors(data: bytes) -> list[bytes]:
    """Return the lines of the metadata that say what is encrypted for whom."""
    marks = (b"_regex", b"_suffix", b"recipient", b"mac_only", b"threshold")
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
