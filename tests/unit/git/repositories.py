"""Repositories made by the plain git, for tests of the door to it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


class Made:
    """A repository, and git as its user runs it."""

    def __init__(self, root: Path, *init: str) -> None:
        self.root = root
        self.home = root.parent / "home"
        self.home.mkdir(exist_ok=True)
        root.mkdir(parents=True)
        self.git("init", "-q", "-b", "main", *init)
        self.git("config", "user.name", "Test")
        self.git("config", "user.email", "test@example.org")

    @property
    def environ(self) -> dict[str, str]:
        """The environment of its user."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "GIT_CONFIG_NOSYSTEM": "1"}

    def git(self, *arguments: str | bytes, source: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        """Run git and return what it printed."""
        environ = {**self.environ, **(env or {})}
        ended = subprocess.run(
            ["git", *arguments], cwd=self.root, env=environ, input=source, capture_output=True, check=False
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def text(self, *arguments: str) -> str:
        """Run git and return its one line."""
        return self.git(*arguments).decode().strip()

    def write(self, path: str | bytes, data: bytes | str = b"x\n", mode: int = 0o644) -> Path:
        """Write a file."""
        target = self.root / os.fsdecode(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data.encode() if isinstance(data, str) else data)
        target.chmod(mode)
        return target

    def commit(self, message: str = "change", date: str = "2026-01-02T03:04:05+02:00") -> str:
        """Commit everything and return the id."""
        self.git("add", "-A")
        dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
        self.git("commit", "-q", "--allow-empty", "-m", message, env=dates)
        return self.text("rev-parse", "HEAD")


def canary(folder: Path, name: str, *, passing: bool = True) -> Path:
    """Return a program that leaves a mark `NAME.ran` beside it, and then passes its input on, or fails."""
    program = folder / name
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text(f'#!/bin/sh\necho "$0 $*" >> {folder / name}.ran\n{"exec cat" if passing else "exit 1"}\n')
    program.chmod(0o755)
    return program


def ran(folder: Path) -> list[str]:
    """Return what the programs of a folder left."""
    return sorted(f"{mark.name}: {mark.read_text().splitlines()[0]}" for mark in folder.glob("*.ran"))
