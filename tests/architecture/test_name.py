"""Whoever follows us installs us: the package is called one thing, the distribution another, and a stranger has the first.

A line is read as a shell would: it goes on behind a backslash, a command ends at `;`, `&`, `|` and a closing backtick,
and quotes, commas and brackets around a word (`["pip", "install", …]`) say nothing.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from secretsync import __version__

ROOT = Path(__file__).parents[2]
OURS = "gitops-secretsync"
NAME = OURS.rpartition("-")[2]  # written so, this file holds no line that it looks for

_GAP = r"[\"',\]\s]+"
_PROGRAM = r"(?:pip|pipx|uv|poetry|pdm|rye|hatch|pipenv|conda|mamba|micromamba|pixi|brew|apt|apt-get|dnf|apk|npm)[\d.]*"
_INSTALLS = re.compile(
    rf"(?<![\w-]){_PROGRAM}(?:{_GAP}[\w./=-]+)*?{_GAP}(?:install|add|inject|download|wheel|create|upgrade)\b"
    rf"|(?<![\w-])easy_install\b|--with(?:-editable)?\b|--preinstall\b"
)
# They install what they run, unless they are told from where.
_RUNS = re.compile(rf"(?<![\w-])(?:uvx|pipx(?:{_GAP}-\S+)*{_GAP}run|uv{_GAP}tool{_GAP}run|uv{_GAP}x)\b")
_FROM = re.compile(r"--(?:from|spec)[=\s\"',]+(\S+)")
_SPECIFIER = r"(?:\[[\w,. -]*\])?(?:\s*(?:[=!~]=|[<>]=?)\s*[\dv*].*|\s*@.*)?"
_WORD = re.compile(rf"{NAME}{_SPECIFIER}", re.IGNORECASE)
_ELSEWHERE = re.compile(
    rf"(?<![\w./-]){NAME}(?:\[[\w,. -]*\])?\s*(?:[=!~]=|[<>]=?)\s*\d"  # a pin, in whatever file
    rf"|(?<![\w./-]){NAME}(?:\[[\w,. -]*\])?\s*@\s*(?:git|https?|file)\b"
    rf"|(?<![\w-]){NAME}-[\d*][^\s/]*\.(?:whl|tar\.gz|zip)\b"
    rf"|/(?:project|simple|pypi|pypi/\w+|py)/{NAME}(?![\w-])",  # the page or badge of the other project
    re.IGNORECASE,
)
_LIST = re.compile(
    r"(?:additional_dependencies|(?<![\w-])dependencies|requires|install_requires|(?<![\w-])pip)[\"']?\s*[:=]\s*"
    r"(\[[^\]]*\]|(?:\n\s*- .*)+)"
)
_REQUIREMENTS = re.compile(r"(?:requirements|constraints)[\w.-]*\.(?:txt|in)$")


def _is_name(word: str) -> bool:
    return _WORD.fullmatch(word.strip("\"'`,()[]{}")) is not None


def _installs(command: str) -> bool:
    origins = _FROM.findall(command)
    if any(_is_name(origin) for origin in origins):
        return True
    found = _INSTALLS.search(command) or (None if origins else _RUNS.search(command))
    return found is not None and any(_is_name(word) for word in re.split(r"[\s=]+", command[found.end() :]))


def offences(text: str, *, requirements: bool = False) -> Iterator[str]:
    """Yield what in `text` would install the other project; in a file of requirements each line is one."""
    joined = re.sub(r"\\\n\s*", " ", text)
    for line in joined.splitlines():
        commands = re.split(r"&&|\|\||[;|`]", line)
        named = requirements and _is_name(line.partition("#")[0].strip())
        if named or _ELSEWHERE.search(line) or any(map(_installs, commands)):
            yield line.strip()
    for found in _LIST.finditer(joined):
        if any(_is_name(word) for word in re.split(r"[\s,]+", found[1])):
            yield found[0]


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.split("\0") if name and not name.startswith("tests/vectors/")]


def test_no_file_installs_the_project_that_has_our_packages_name() -> None:
    found = {
        str(path.relative_to(ROOT)): lines
        for path in _tracked()
        if path.is_file()
        and (
            lines := list(
                offences(path.read_text("utf-8", "replace"), requirements=bool(_REQUIREMENTS.search(path.name)))
            )
        )
    }
    assert found == {}, f"install {OURS} there"


@pytest.mark.parametrize("source", ["plain", "kustomize", "helm"])
def test_what_is_printed_for_argo_cd_installs_nothing_of_that_name(source: str) -> None:
    command = [sys.executable, "-m", "secretsync.cli", "hook", "argocd", "print", "--source", source]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert printed
    assert list(offences(printed)) == []


@pytest.mark.parametrize(
    "line",
    [
        "- run: pip install {}",
        "pip3 install --upgrade '{}[age]>=0.1' && {} check .",
        "$ python3.12 -m pip install --user {}",
        "RUN pip install --no-cache-dir --no-index \\\n    --find-links /wheels {} \\\n    && rm -rf /wheels",
        '["pip", "install", "{}"]',
        "pipx install {}",
        "pipx run {} check .",
        "pipx inject ansible {}==0.1.0",
        "uv tool install {}",
        "uv pip install {}@latest",
        "uv add --dev {}",
        "uv run --with {} python -c pass",
        "uvx {} check .",
        "uvx --from {} {} check .",
        "uv tool run {}@0.1.0 check .",
        "poetry add {}",
        "pdm add -d {}",
        "conda install -c conda-forge {}",
        "first `pip install {}`, then",
        "cd x; pip install {} # the tool",
        "brew install {}",
        "{}==0.1.0",
        "{} >= 0.1 ; python_version > '3'",
        "{} @ git+https://code.example/x.git",
        "additional_dependencies: [pyyaml, {}]",
        "additional_dependencies:\n      - pyyaml\n      - {}",
        'dependencies = [\n    "{}",\n]',
        "pip install dist/{}-0.1.0-py3-none-any.whl",
        "https://pypi.example/project/{}/",
    ],
)  # fmt: skip
def test_an_install_of_the_other_project_is_seen(line: str) -> None:
    assert list(offences(line.replace("{}", NAME)))
    assert not list(offences(line.replace("{}", OURS)))


@pytest.mark.parametrize(
    "line",
    [
        "pip uninstall {} && pip install --force-reinstall gitops-{}",
        "pip install gitops-{} && {} check .",
        "`pip install gitops-{}` brings the command {} along",
        "uvx --from gitops-{} {} check .",
        "pipx run --spec gitops-{}==0.1.0 {} check .",
        "uv run {} check .",
        "poetry run {} check .",
        "pip install -e .; ls {}",
        "pip install -r requirements.txt",
        "image: registry.example/{}:0.1.0",
        "{}-hook render . | kubectl apply -f -",
        "helm plugin install ./{}-getter",
        'packages = ["{}"]',
    ],
)
def test_an_honest_line_passes(line: str) -> None:
    assert not list(offences(line.replace("{}", NAME)))


def test_a_file_of_requirements_is_read_line_by_line() -> None:
    assert list(offences(f"pytest\n{NAME}  # us\n", requirements=True)) == [f"{NAME}  # us"]
    assert not list(offences(f"{OURS}[age]==0.1.0\n", requirements=True))


def test_the_distribution_has_a_name_of_its_own_and_the_version_that_the_program_says() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (project["name"], project["version"]) == (OURS, __version__)
    assert {"secretsync", "secretsync-hook", "ksops", "kubectl-secretsync"} <= project["scripts"].keys()
