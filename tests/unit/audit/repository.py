"""A small repository for tests of `check`: files as sops would have written them, made in this process."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from secretsync import age, sops
from secretsync.audit import Finding, Report, check
from secretsync.audit.opening import KeyUse
from secretsync.documents.stores import store_for_path, store_named
from secretsync.masterkeys import MasterKeys
from secretsync.sops.datakey import MasterKey
from secretsync.sops.selectors import Selector

if TYPE_CHECKING:
    import pytest

DATA = "^(data|stringData)$"


def secret(name: str = "db", values: str = "password: hunter2", field: str = "stringData") -> str:
    """Return a Secret with the lines of `values` under a field."""
    inner = "".join(f"  {line}\n" for line in values.splitlines())
    return f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n  namespace: shop\n{field}:\n{inner}"


class Repository:
    """A folder that is the working folder, and two identities: `own` lies here once `hold` is called, `other` never."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self._identities = {"own": age.generate(), "other": age.generate(), "third": age.generate()}
        self.environ: dict[str, str] = {"HOME": str(root.parent)}
        monkeypatch.chdir(root)

    def hold(self, name: str = "own") -> None:
        """Let an identity lie here."""
        self.environ["SOPS_AGE_KEY"] = self._identities[name].expose()

    def recipient(self, name: str = "own") -> str:
        """Return a recipient."""
        return str(self._identities[name])

    def write(self, path: str, text: str | bytes) -> Path:
        """Write a file, with its folders."""
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text if isinstance(text, bytes) else text.encode())
        return target

    def encrypt(
        self, path: str, text: str, names: Sequence[str] = ("own",), encrypted_regex: str = DATA, store: str = ""
    ) -> Path:
        """Write a file encrypted for the identities named; no selector where `encrypted_regex` is empty."""
        store = store or store_for_path(path)
        source = sops.encrypt(
            store_named(store).load(text.encode()),
            groups=[[MasterKey("age", self.recipient(name)) for name in names]],
            keys=MasterKeys({}),
            now=datetime(2026, 11, 1, tzinfo=UTC),
            selector=Selector("encrypted_regex", encrypted_regex) if encrypted_regex else Selector.default(),
        )
        return self.write(path, source)

    def rules(self, *rules: str) -> None:
        """Write a `.sops.yaml`; each rule is what stands before its key, which is the own one unless it says another."""
        lines = [rule if "age:" in rule else f"{rule}{', ' if rule else ''}age: {self.recipient()}" for rule in rules]
        self.write(".sops.yaml", "creation_rules:\n" + "".join(f"  - {{{line}}}\n" for line in lines))

    def report(self, key_use: KeyUse = "auto", path: str = ".") -> Report:
        """Check the repository."""
        report = check([path], self.environ, key_use=key_use)
        shown = " ".join(f"{each.message} {each.hint} {each.place}" for each in report.findings)
        assert "hunter2" not in shown
        return report

    def found(self, key_use: KeyUse = "auto") -> list[tuple[str, str]]:
        """Return file and rule of each finding that counts, sorted."""
        return sorted((each.file, each.rule) for each in self.problems(key_use))

    def problems(self, key_use: KeyUse = "auto") -> list[Finding]:
        """Return the findings that count."""
        return [each for each in self.report(key_use).findings if each.level != "note"]
