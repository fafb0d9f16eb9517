"""A faked rotation does not pass: each check is shown to fail on the lie that it is there for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from secretsync.age.protocol import Identity
from secretsync.masterkeys import MasterKeys
from secretsync.rotation.file_metadata import options_for
from secretsync.rotation.model import FilePlan, PlannedKey
from secretsync.rotation.proving import Parts, Verdict, prove
from secretsync.rotation.rewrapping import changed
from secretsync.rotation.verification import judged
from secretsync.sops.datakey import MasterKey
from secretsync.sops.open_file import open_file
from secretsync.sops.operations import json_value, rotate, set_value
from secretsync.sops.recipients import update_keys
from secretsync.sops.strangers import RotationRequest
from tests.unit.rotation.repositories import FILES, NOW, Sandbox

PATH = "prod/db.yaml"


class Case:
    """One file of which bob loses his envelope, to be rotated well or badly."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.keys = sandbox.keys()
        self.old = (sandbox.root / PATH).read_bytes()
        self.options = options_for(PATH, self.old, self.keys)
        self.names = {
            f"{name}-1": PlannedKey("age", sandbox.recipient(name), name) for name in ("alice", "bob", "prod")
        }
        self.file = FilePlan(PATH, "", "rotate", [["alice-1", "bob-1", "prod-1"]], [["alice-1", "prod-1"]], 0, 2)

    def recipients(self, *names: str) -> list[list[MasterKey]]:
        """Return one group of recipients."""
        return [[MasterKey("age", self.sandbox.recipient(name)) for name in names]]

    def failed(self, new: bytes) -> set[str]:
        """Return the checks that refuse the new bytes."""
        return {verdict.check for verdict in self.verdicts(new) if verdict.failures}

    def verdicts(self, new: bytes) -> list[Verdict]:
        """Prove the new bytes, with bob's identity at hand."""
        alone = {name: _alone(self.sandbox.identities[name]) for name in ("alice", "bob")}
        singles = {self.sandbox.recipient(name): keys for name, keys in alone.items()}
        return prove(self.parts(singles, {"bob-1": alone["bob"]}), new)

    def parts(
        self, singles: dict[str, MasterKeys], removed: dict[str, MasterKeys], keys: MasterKeys | None = None
    ) -> Parts:
        """Return what the file is proved from."""
        old = open_file(self.old, self.options)
        return Parts(self.file, self.names, keys or self.keys, singles, removed, old, self.old)


def _alone(identity: Identity) -> MasterKeys:
    return MasterKeys({"HOME": "/nowhere"}, extra_age_identities=(identity,))


@pytest.fixture
def case(sandbox: Sandbox) -> Case:
    return Case(sandbox)


def test_a_real_rotation_passes_every_check(case: Case) -> None:
    new = changed(case.old, case.file, case.names, case.keys, now=NOW).data
    assert case.failed(new) == set()
    checked = {verdict.check: verdict.checked for verdict in case.verdicts(new)}
    assert checked["V5"] == 3, "two values and the MAC"
    assert checked["V7"] == 2


def _unchanged(case: Case) -> bytes:
    return case.old


def _recipients_only(case: Case) -> bytes:
    return update_keys(case.old, case.recipients("alice", "prod"), case.options, now=NOW).data


def _bob_kept(case: Case) -> bytes:
    return rotate(case.old, case.options, now=NOW).data


def _bob_under_another_label(case: Case) -> bytes:
    """The envelope that says it is the cluster's was made for bob."""
    data = rotate(case.old, case.options, now=NOW, request=RotationRequest(remove=case.recipients("prod")[0])).data
    return data.replace(case.sandbox.recipient("bob").encode(), case.sandbox.recipient("prod").encode())


def _another_value(case: Case) -> bytes:
    new = changed(case.old, case.file, case.names, case.keys, now=NOW).data
    return set_value(new, ("stringData", "password"), json_value('"x"'), case.options, now=NOW).data


def _torn(case: Case) -> bytes:
    return changed(case.old, case.file, case.names, case.keys, now=NOW).data[:-200]


def _reformatted(case: Case) -> bytes:
    new = changed(case.old, case.file, case.names, case.keys, now=NOW).data
    return new.replace(b"metadata: {name: db}", b"metadata: {name:  db}")


def _one_value_under_the_old_key(case: Case) -> bytes:
    """Half of the file was forgotten: this does not even decrypt."""
    new = changed(case.old, case.file, case.names, case.keys, now=NOW).data
    line = next(line for line in case.old.splitlines() if b"password:" in line)
    fresh = next(line for line in new.splitlines() if b"password:" in line)
    return new.replace(fresh, line)


@pytest.mark.parametrize(
    ("fake", "caught"),
    [
        (_unchanged, {"V2", "V5", "V6", "V7"}),
        (_recipients_only, {"V5", "V6"}),
        (_bob_kept, {"V2", "V7"}),
        (_bob_under_another_label, {"V7"}),
        (_another_value, {"V4", "V9"}),
        (_torn, {"V1"}),
        (_reformatted, {"V9"}),
        (_one_value_under_the_old_key, {"V1"}),
    ],
)
def test_a_fake_is_caught(case: Case, fake: Callable[[Case], bytes], caught: set[str]) -> None:
    assert case.failed(fake(case)) == caught


def test_a_label_that_lies_about_its_holder_is_caught_by_the_holder(case: Case) -> None:
    """alice's label on the cluster's envelope: alice's identity alone does not open it."""
    data = rotate(
        case.old, case.options, now=NOW, request=RotationRequest(remove=case.recipients("alice", "bob")[0])
    ).data
    swapped = data.replace(case.sandbox.recipient("prod").encode(), case.sandbox.recipient("alice").encode())
    keys = case.sandbox.keys("prod")
    singles = {case.sandbox.recipient("alice"): _alone(case.sandbox.identities["alice"])}
    verdicts = prove(case.parts(singles, {}, keys), swapped)
    assert {verdict.check for verdict in verdicts if verdict.failures} == {"V2", "V3"}


def test_a_check_without_keys_does_not_count_as_passed(case: Case) -> None:
    new = changed(case.old, case.file, case.names, case.keys, now=NOW).data
    verdicts = prove(case.parts({}, {}), new)
    assert {verdict.check: verdict.checked for verdict in verdicts if verdict.check in {"V3", "V7"}} == {
        "V3": 0,
        "V7": 0,
    }


def test_files_of_the_sandbox_hold_what_they_say(sandbox: Sandbox) -> None:
    assert {path: sandbox.text(path).decode() for path in FILES} == FILES


def test_a_check_that_had_nothing_to_look_at_differs_from_one_that_could_look_at_nothing(case: Case) -> None:
    rewrapped = replace(case.file, operation="updatekeys", after=case.file.before)
    seen = [Verdict("V1", 1, []), Verdict("V3", 0, []), Verdict("V5", 0, [])]
    status = {check.id: check.status for check in judged([rewrapped, rewrapped], [seen, seen])}
    assert (status["V1"], status["V3"], status["V5"]) == ("passed", "unknown", "not applicable")
    rotated = {check.id: check for check in judged([case.file, case.file], [seen, [Verdict("V5", 3, [])]])}
    assert (rotated["V5"].status, rotated["V5"].checked) == ("passed", 3)
    assert rotated["V5"].notes == ["1 file was not looked at: no key here opens them as they were"]
