"""From PGP to age with the real gpg and the real sops, and what an expired key means for a plan."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from secretsync.masterkeys import MasterKeys
from secretsync.secrecy import SecretBytes
from tests.peers import run
from tests.peers.api import wait_for
from tests.peers.gnupg import GnupgHome, gnupg_home
from tests.unit.rotation.repositories import FILES, Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATHS = ("dev/app.env", "dev/app.json")


@pytest.fixture
def home(peer: Callable[[str], Path]) -> Iterator[GnupgHome]:
    """Return an empty GnuPG home."""
    with gnupg_home(peer("gpg")) as made:
        yield made


class PgpSandbox(Sandbox):
    """A sandbox in which carol has a PGP key, and alice's machine its public half."""

    home: GnupgHome
    fingerprint: str

    def keys(self, name: str = "alice") -> MasterKeys:
        """Return what somebody's machine holds."""
        return MasterKeys({**self.home.environ, "SOPS_AGE_KEY_FILE": str(self.key_file(name))})

    def use(self, home: GnupgHome, expires: str) -> None:
        """Give carol a PGP key, encrypt her files for it, and commit."""
        self.home, self.fingerprint = home, home.generate("carol@example.org", expires=expires)
        self.write(self.ring())
        ring = self.ring()["keys/people/carol.yaml"].replace("type: age", "type: pgp")
        self.write({path: self.encrypt(path, FILES[path], "alice", "bob") for path in PATHS})
        self.change_ring({"keys/people/carol.yaml": ring.replace(self.recipient("carol"), self.fingerprint)})
        self.merge(self.apply(self.plan("align")))


@pytest.fixture
def sandbox(tmp_path: Path) -> PgpSandbox:
    """Return a repository whose files are still to be encrypted for carol."""
    made = PgpSandbox(tmp_path / "shop")
    made.fill()
    return made


def test_pgp_gives_way_to_age_in_two_stages(
    sandbox: PgpSandbox, home: GnupgHome, peer: Callable[[str], Path], tmp_path: Path
) -> None:
    sandbox.use(home, "never")
    pgp = home.environ
    age = {"SOPS_AGE_KEY_FILE": str(sandbox.key_file("dave")), "HOME": str(tmp_path), "PATH": os.environ["PATH"]}

    def opens(environ: dict[str, str]) -> bool:
        ended = [run([peer("sops"), "decrypt", path], env=environ, cwd=sandbox.root, check=False) for path in PATHS]
        return all(each.code == 0 for each in ended)

    assert opens(pgp)
    assert not opens(age)
    dual = sandbox.plan("migrate", subject="carol-1", recipient=sandbox.recipient("dave"), key_id="carol-age")
    outcome = sandbox.apply(dual)
    assert {check.id: check.status for check in outcome.checks}["V11"] == "passed"
    sandbox.merge(outcome)
    assert opens(pgp)
    assert opens(age)
    sandbox.merge(sandbox.apply(sandbox.plan("migrate", subject="carol-1", stage="retire")))
    assert not opens(pgp)
    assert opens(age)


def test_an_expired_pgp_key_is_found_by_the_plan_that_would_need_it(sandbox: PgpSandbox, home: GnupgHome) -> None:
    sandbox.use(home, "never")
    home.run("--quick-set-expire", sandbox.fingerprint, "seconds=1")
    home.run("--quick-set-expire", sandbox.fingerprint, "seconds=1", "*")
    plan = wait_for(lambda: one if (one := sandbox.plan("remove", subject="bob")).problems else None)
    assert [problem.kind for problem in plan.problems] == ["recipient-unusable"]
    assert "expired on" in plan.problems[0].message
    assert sandbox.plan("compromised", subject="carol-1").problems == [], "taking it out needs no envelope for it"
    assert sandbox.plan("add", subject="prod", kind="cluster", recipient=sandbox.recipient("dave")).problems == []


def test_a_label_on_another_ones_pgp_envelope_is_seen(sandbox: PgpSandbox, home: GnupgHome) -> None:
    sandbox.home = home
    one, other = home.generate("one@example.org"), home.generate("other@example.org")
    keys = sandbox.keys()
    fields = keys.wrap("pgp", one, SecretBytes(bytes(32)))
    assert keys.matches("pgp", fields) is True
    assert keys.matches("pgp", {**fields, "fp": other}) is False
    assert keys.matches("pgp", {**fields, "fp": "0" * 40}) is None
