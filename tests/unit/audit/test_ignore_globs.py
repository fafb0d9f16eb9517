"""Globs of files that are not examined mean what they mean in `.gitignore`; git itself is asked."""

from __future__ import annotations

import random
import subprocess
from pathlib import Path

import pytest

from secretsync.audit.ignore_globs import IgnoreGlobs
from secretsync.errors import ConfigError

ROUNDS = 60
TOKENS = (
    *("a", "b", "ab", "foo", "a.yaml", ".", " ", "]", "-"),
    *("*", "**", "?", "/", "/", "!", "\\*", "[ab]", "[!a]", "[a-c]", "[[:alpha:]]", "[.-0]", "[[:punct:]]", "[]a]"),
)
STEPS = ("a", "b", "ab", "abc", "foo", "a.yaml", "*", "x.y", "0", " a", "a ", "-", "]")


@pytest.mark.parametrize(
    ("globs", "ignored", "kept"),
    [
        (["test/**"], ["test/a.yaml", "test/x/a.yaml"], ["a.yaml", "x/test/a.yaml", "tests/a.yaml"]),
        (["test/"], ["test/a", "x/test/y/a"], ["test", "tests/a"]),
        (["/test"], ["test", "test/a"], ["x/test/a"]),
        (["*.enc.yaml", "!keep.enc.yaml"], ["x/a.enc.yaml"], ["keep.enc.yaml", "x/keep.enc.yaml", "a.yaml"]),
        (["test", "!test/a"], ["test/a"], ["a"]),
        (["a/**/b"], ["a/b", "a/x/y/b"], ["b", "xa/b"]),
        (["\\!a", "\\#b"], ["!a", "#b"], ["a", "b"]),
        ([], [], ["a"]),
    ],
)
def test_a_glob_means_what_it_means_in_gitignore(globs: list[str], ignored: list[str], kept: list[str]) -> None:
    found = IgnoreGlobs(globs)
    assert [path for path in (*ignored, *kept) if found.ignores(path)] == ignored


def test_git_gives_the_same_answer_to_globs_of_any_kind(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    source, compared = random.Random(20261127), 0
    while compared < ROUNDS:
        globs = ["".join(source.choices(TOKENS, k=source.randint(1, 6))) for _ in range(source.randint(1, 3))]
        paths = {"/".join(source.choices(STEPS, k=source.randint(1, 4))) for _ in range(12)}
        try:
            ours = IgnoreGlobs(globs)
        except ConfigError:
            continue
        assert {path for path in paths if ours.ignores(path)} == _of_git(tmp_path, globs, paths), globs
        compared += 1


def _of_git(folder: Path, globs: list[str], paths: set[str]) -> set[str]:
    (folder / ".gitignore").write_text("".join(f"{glob}\n" for glob in globs))
    command = ["git", "-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", "-z", "--stdin"]
    asked = "".join(f"{path}\0" for path in sorted(paths)).encode()
    done = subprocess.run(command, cwd=folder, input=asked, capture_output=True, check=False)
    return {name.decode() for name in done.stdout.split(b"\0") if name}


@pytest.mark.parametrize("glob", ["", " ", "/", "!", "#a", "[a", "a\\", "a//b", "[[:what:]]", "[z-a]", "[/]", "a\0"])
def test_a_glob_that_could_match_nothing_is_an_error(glob: str) -> None:
    with pytest.raises(ConfigError, match="glob"):
        IgnoreGlobs([glob])


def test_a_name_that_is_no_text_is_no_trouble() -> None:
    assert IgnoreGlobs(["test/"]).ignores("test/\udcff.yaml")
