"""`keys lint`, attack by attack: each is made in a repository that was clean, and found under the name of its rule."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from secretsync import age, sops
from secretsync.documents.stores import store_named
from secretsync.findings import Finding
from secretsync.keyring import Checkout, Principal, PublicKey, editing, load, lockfile
from secretsync.keyring.applying import apply
from secretsync.keyring.editing import Retirement
from secretsync.keyring.linting import lint
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.kinds import DEMO_RECIPIENTS
from secretsync.sops.datakey import MasterKey
from secretsync.sops.selectors import Selector
from tests.unit.keyring.rings import TODAY, principal, recipient, ring_files

NOW = datetime(2026, 11, 24, tzinfo=UTC)
FILE = "prod/db.yaml"
OTHER_PGP_KEY = b"""-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawYtDxYJKwYBBAHaRw8BAQdAOp27nwN0W36soYEu+optUicNB5OGs+NHhDVZ
V4M+kvm0EW90aGVyQGV4YW1wbGUub3JniJAEExYIADgWIQSR0/hyXhTTo2CIgfJr
jSSnscyFPwUCawYtDwIbAwULCQgHAgYVCgkICwIEFgIDAQIeAQIXgAAKCRBrjSSn
scyFP8+kAQCjT1kmQsjyKlWY+piQODtHSeVipnZtkdkZI54fiQgJNwD/cQUjZfcP
Ge/57IfmX6IXXCzzJOPAeuwdpsia0jS2pgO4OARrBi0PEgorBgEEAZdVAQUBAQdA
xaajrwjxi3Cg1isYxRummZGlvQMeqI82vvOvTrIoLWADAQgHiHgEGBYIACAWIQSR
0/hyXhTTo2CIgfJrjSSnscyFPwUCawYtDwIbDAAKCRBrjSSnscyFP6oAAP0Ww35G
SpE/fBwYfDRphSl/sq/V45yKUU59hmXDNSKyuAD+ICLMrsEBetRCz7AaKecgthCy
fu/no8//X3uD1aY/jA0=
=4Trx
-----END PGP PUBLIC KEY BLOCK-----
"""
CERTIFICATE = Path(__file__).parents[3] / "examples" / "demo-keys" / "sealing.crt"


def encrypted(*names: str, selector: Selector | None = None, threshold: int = 0, groups: int = 1) -> bytes:
    """Return a Secret that is encrypted for the keys of these names, all in each of `groups`."""
    source = store_named("yaml").load(b"kind: Secret\ndata:\n  a: YQ==\n")
    recipients = [MasterKey("age", recipient(name)) for name in names]
    return sops.encrypt(
        source,
        groups=[recipients] * groups,
        selector=selector or Selector("encrypted_regex", "^(data|stringData)$"),
        keys=MasterKeys({}),
        threshold=threshold,
        now=NOW,
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository in which nothing is wrong."""
    put(tmp_path, {**ring_files(), FILE: encrypted("alice-1", "bob-1", "bob-2", "prod-1")})
    apply(tmp_path, editing.regenerated(Checkout(tmp_path), {}, today=TODAY))
    return tmp_path


def put(root: Path, contents: dict[str, bytes]) -> None:
    for path, data in contents.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)


def found(root: Path, today: date = TODAY) -> list[Finding]:
    names = [path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()]
    return lint(root, names, today=today).findings


def rules(root: Path, today: date = TODAY) -> set[str]:
    return {finding.rule for finding in found(root, today)}


def edit(root: Path, path: str, old: str, new: str) -> None:
    text = (root / path).read_text()
    assert old in text
    (root / path).write_text(text.replace(old, new))


def test_a_clean_repository_has_no_findings(repository: Path) -> None:
    assert found(repository) == []


def test_submodules_and_links_to_folders_are_no_files(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (repository / "vendor/module").mkdir(parents=True)
    (repository / "linked").symlink_to("prod")
    (repository / "outside").symlink_to(tmp_path_factory.mktemp("elsewhere"))
    os.mkfifo(repository / "pipe")
    names = [FILE, "vendor/module", "linked", "outside", "pipe"]
    told = {(each.file, each.level, each.place) for each in lint(repository, names, today=TODAY).findings}
    assert told == {("outside", "note", ""), ("pipe", "note", "")}


def test_a_link_out_stays_an_error_where_the_ring_keeps_its_files(
    repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("elsewhere") / "file"
    outside.write_text("a: 1\n")
    (repository / "keys/outside.txt").symlink_to(outside)
    told = {(each.file, each.level) for each in lint(repository, ["keys/outside.txt"], today=TODAY).findings}
    assert told == {("keys/outside.txt", "error")}


def test_a_binary_file_has_no_selector_to_compare(repository: Path) -> None:
    recipients = [MasterKey("age", recipient(name)) for name in ("alice-1", "bob-1", "bob-2", "prod-1")]
    blob = store_named("binary").load(b"a blob")
    put(repository, {"prod/blob.bin": sops.encrypt(blob, groups=[recipients], keys=MasterKeys({}), now=NOW)})
    assert found(repository) == []


# Each changes the repository so that exactly one rule is broken.
ATTACKS: dict[str, tuple[Callable[[Path], None], set[str]]] = {
    "a recipient added to .sops.yaml": (
        lambda root: edit(root, ".sops.yaml", "creation_rules", "# mallory\ncreation_rules"),
        {"generated-drift"},
    ),
    ".sops.yaml removed": (lambda root: (root / ".sops.yaml").unlink(), {"generated-drift"}),
    "the lock removed": (lambda root: (root / "keys/keyring.lock").unlink(), {"lost-lock"}),
    "the lock edited": (lambda root: edit(root, "keys/keyring.lock", '"active"', '"suspended"'), {"lost-lock"}),
    "the lock replaced by nonsense": (
        lambda root: put(root, {"keys/keyring.lock": b"[]"}),
        {"lost-lock"},
    ),
    "a nested .sops.yaml": (
        lambda root: put(root, {"prod/.sops.yaml": b"creation_rules: []\n"}),
        {"nested-config"},
    ),
    "an age identity in keys": (
        lambda root: put(root, {"keys/people/alice.txt": age.generate().expose().encode()}),
        {"private-key-in-repository"},
    ),
    "a post-quantum identity anywhere": (
        lambda root: put(root, {"notes.md": b"key: " + age.generate(post_quantum=True).expose().encode()}),
        {"private-key-in-repository"},
    ),
    "a PGP private key": (
        lambda root: put(root, {"keys/pgp/x.asc": b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n"}),
        {"private-key-in-repository"},
    ),
    "a PEM private key": (
        lambda root: put(root, {"keys/sealing/tls.key": b"-----BEGIN RSA PRIVATE KEY-----\n"}),
        {"private-key-in-repository"},
    ),
    "an envelope nobody knows": (
        lambda root: put(root, {FILE: encrypted("alice-1", "bob-1", "bob-2", "prod-1", "mallory")}),
        {"unknown-recipient"},
    ),
    "an envelope for somebody else's file": (
        lambda root: put(root, {FILE: encrypted("alice-1", "bob-1", "bob-2", "prod-1", "carol-1")}),
        {"extra-recipient"},
    ),
    "an envelope missing": (lambda root: put(root, {FILE: encrypted("alice-1", "prod-1")}), {"missing-recipient"}),
    "another selector in the file": (
        lambda root: put(
            root, {FILE: encrypted("alice-1", "bob-1", "bob-2", "prod-1", selector=Selector.default())}
        ),
        {"other-selector"},
    ),
    "key groups where the policy has none": (
        lambda root: put(root, {FILE: encrypted("alice-1", "bob-1", "bob-2", "prod-1", groups=2, threshold=2)}),
        {"other-groups"},
    ),
    "a damaged file": (
        lambda root: edit(root, FILE, "  lastmodified", "  lastmodifed"),
        {"sops-metadata"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_found_and_nothing_else(repository: Path, attack: str) -> None:
    change, expected = ATTACKS[attack]
    change(repository)
    assert rules(repository) == expected


def test_a_finding_names_the_line_of_the_envelope(repository: Path) -> None:
    put(repository, {FILE: encrypted("alice-1", "bob-1", "bob-2", "prod-1", "mallory")})
    (finding,) = found(repository)
    lines = (repository / FILE).read_text().splitlines()
    near = lines[(finding.line or 0) - 2 : (finding.line or 0) + 12]
    assert any(recipient("mallory") in line for line in near)


def test_a_file_without_a_rule_is_found(tmp_path: Path) -> None:
    policy = b'rules:\n  - paths: ["prod/**"]\n    readers: [alice]\n'
    put(tmp_path, {**ring_files(policy=policy), "dev/x.yaml": encrypted("alice-1")})
    apply(tmp_path, editing.regenerated(Checkout(tmp_path), {}, today=TODAY))
    assert rules(tmp_path) == {"no-rule"}


def test_a_retired_recipient_in_a_file_is_found(repository: Path) -> None:
    apply(repository, editing.retire(Checkout(repository), "bob", Retirement("left", TODAY)))
    findings = [finding for finding in found(repository) if finding.rule == "retired-recipient"]
    assert {finding.file for finding in findings} == {FILE}
    assert "bob-1 of bob, which was retired on 2026-11-24 (left)" in findings[0].message


def test_a_retired_recipient_back_in_the_ring_is_found(repository: Path) -> None:
    before = (repository / "keys/people/bob.yaml").read_bytes()
    apply(repository, editing.retire(Checkout(repository), "bob", Retirement("left", TODAY)))
    put(repository, {"keys/people/bob.yaml": before})
    assert "retired-recipient" in {each.rule for each in found(repository) if each.file == "keys/people/bob.yaml"}


def test_a_shortened_deny_list_is_found(repository: Path) -> None:
    apply(repository, editing.retire(Checkout(repository), "bob", Retirement("left", TODAY)))
    (repository / "keys/retired/bob.yaml").unlink()
    assert "keys/retired/bob.yaml" in {each.file for each in found(repository) if each.rule == "retired-recipient"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("^(data|stringData)$", "^nothing$"),
        ('paths: ["prod/**"]', 'paths: ["prod/*"]'),
        ("encrypt: {", "encrypt: {mac_only_encrypted: true, "),
    ],
    ids=["the selector", "the paths", "the MAC"],
)
def test_a_weaker_rule_is_found_against_the_lock(repository: Path, old: str, new: str) -> None:
    edit(repository, "keys/policy.yaml", old, new)
    assert "changed-selector" in rules(repository)


def test_weaker_defaults_are_found_against_the_lock(tmp_path: Path) -> None:
    policy = b'defaults: {min_recipients: 2, forbid_mixed_pq: true, require: [carol]}\nrules:\n  - paths: ["**"]\n    readers: [alice]\n'
    put(tmp_path, ring_files(policy=policy))
    apply(tmp_path, editing.regenerated(Checkout(tmp_path), {}, today=TODAY))
    strict = "min_recipients: 2, forbid_mixed_pq: true, require: [carol]"
    edit(tmp_path, "keys/policy.yaml", strict, 'allow_private_keys: ["**"]')
    messages = [each.message for each in found(tmp_path) if each.rule == "weaker-defaults"]
    assert len(messages) == 4


def test_lock_drift_says_who_gains_what(repository: Path) -> None:
    edit(repository, "keys/groups.yaml", "[alice, bob]", "[alice, bob, carol]")
    (drift,) = [each for each in found(repository) if each.rule == "lock-drift"]
    assert "carol/carol-1 gains prod/**" in drift.message


def test_a_swapped_key_is_lock_drift_by_name(repository: Path) -> None:
    edit(repository, "keys/people/alice.yaml", recipient("alice-1"), recipient("mallory"))
    (drift,) = [each for each in found(repository) if each.rule == "lock-drift"]
    assert "alice/alice-1 is another key" in drift.message


@pytest.mark.parametrize(
    ("policy", "groups", "extra", "rule"),
    [
        (b'defaults: {min_recipients: 2}\nrules:\n  - paths: ["**"]\n    readers: [alice]\n', b"", "", "too-few-recipients"),
        (b'rules:\n  - paths: ["**"]\n    readers: [alice]\n', b"groups: {g: {members: [alice, bob], max_members: 1}}\n", "", "large-group"),
        (b'rules:\n  - paths: ["**"]\n    readers: [carol]\n', b"", "    expires: 2026-11-23\n", "expired-key"),
        (b'rules:\n  - paths: ["**"]\n    readers: [carol]\n', b"", "    expires: 2026-12-01\n", "expiring-key"),
        (b'rules:\n  - paths: ["**"]\n    readers: [carol]\n', b"", "    status: compromised\n", "compromised-key"),
        (b'rules:\n  - paths: ["**"]\n    readers: [nobody]\n', b"", "", "configuration"),
        (b'rules:\n  - paths: ["**"]\n    reader: [alice]\n', b"", "", "configuration"),
    ],
    ids=["thin", "large", "expired", "expiring", "compromised", "unknown name", "misspelt"],
)  # fmt: skip
def test_an_unsound_ring_is_found(tmp_path: Path, policy: bytes, groups: bytes, extra: str, rule: str) -> None:
    put(
        tmp_path,
        {
            **ring_files(policy=policy, groups=groups),
            "keys/people/alice.yaml": principal("alice", "alice-1", extra=extra),
        },
    )
    assert rule in rules(tmp_path)


def test_doubled_demo_and_unnamed_keys_are_found(tmp_path: Path) -> None:
    demo = min(DEMO_RECIPIENTS)
    text = "name: bob\nkeys:\n" + "".join(
        f"  - id: {name}\n    type: age\n    recipient: {key}\n"
        for name, key in (("bob-1", recipient("alice-1")), ("unknown-1", demo))
    )
    put(tmp_path, {**ring_files(), "keys/people/bob.yaml": text.encode()})
    assert {"duplicate-recipient", "demo-recipient", "unnamed-key"} <= rules(tmp_path)


def test_weak_and_token_keys_are_found(tmp_path: Path) -> None:
    text = "name: bob\nkeys:\n  - {id: bob-1, type: age-ssh, recipient: sk-ssh-ed25519@openssh.com AAAA}\n"
    put(tmp_path, {**ring_files(), "keys/people/bob.yaml": text.encode()})
    assert "weak-key" in rules(tmp_path)


def test_mixed_strength_is_found_where_it_is_forbidden(tmp_path: Path) -> None:
    policy = b'defaults: {forbid_mixed_pq: true}\nrules:\n  - paths: ["**"]\n    readers: [alice, bob]\n'
    strong = str(age.generate(post_quantum=True))
    text = f"name: bob\nkeys:\n  - {{id: bob-1, type: age-pq, recipient: {strong}}}\n"
    put(tmp_path, {**ring_files(policy=policy), "keys/people/bob.yaml": text.encode()})
    assert "mixed-post-quantum" in rules(tmp_path)


def test_a_swapped_sealing_certificate_is_found(repository: Path) -> None:
    apply(repository, editing.pin(Checkout(repository), "prod", CERTIFICATE.read_bytes(), now=NOW))
    assert found(repository) == []
    (pin,) = load(repository).policy.sealing
    edit(repository, "keys/policy.yaml", pin.spki_sha256, "f" * 64)
    assert {"wrong-pin", "changed-pin"} <= rules(repository)


def test_a_swapped_pgp_key_is_found(repository: Path, peer: Callable[[str], Path]) -> None:
    """The armored file is what a colleague imports and what `keys prove` encrypts to."""
    peer("gpg")
    fingerprint = "0" * 39 + "A"
    put(
        repository,
        {
            "keys/people/carol.yaml": f"name: carol\nkeys: [{{id: carol-1, type: pgp, recipient: {fingerprint}}}]\n".encode(),
            f"keys/pgp/{fingerprint}.asc": OTHER_PGP_KEY,
        },
    )
    (finding,) = [each for each in found(repository) if each.rule == "wrong-pgp-key"]
    assert finding.file == f"keys/pgp/{fingerprint}.asc"


def test_private_keys_of_tests_can_be_allowed_but_never_in_keys(tmp_path: Path) -> None:
    policy = b'defaults: {allow_private_keys: ["**"]}\nrules:\n  - paths: ["**"]\n    readers: [alice]\n'
    secret = b"-----BEGIN RSA PRIVATE KEY-----\n"
    put(tmp_path, {**ring_files(policy=policy), "tests/tls.key": secret, "keys/tls.key": secret})
    assert [each.file for each in found(tmp_path) if each.rule == "private-key-in-repository"] == ["keys/tls.key"]


def test_a_certificate_without_a_pin_is_found(repository: Path) -> None:
    put(repository, {"keys/sealing/prod/other.pem": CERTIFICATE.read_bytes()})
    assert rules(repository) == {"unpinned-certificate"}


def test_an_expiring_key_changes_no_lock(tmp_path: Path) -> None:
    source = Checkout(tmp_path)
    put(tmp_path, ring_files())
    apply(tmp_path, editing.regenerated(source, {}, today=TODAY))
    key = PublicKey("dave-1", "age", recipient("dave-1"), expires=date(2026, 12, 31))
    apply(tmp_path, editing.add_key(source, Principal("dave", "person"), key, today=TODAY, groups=["sre"]))
    assert rules(tmp_path, date(2027, 1, 1)) == {"expired-key", "generated-drift"}


def test_the_lock_is_a_chain(repository: Path) -> None:
    before = (repository / "keys/keyring.lock").read_bytes()
    apply(repository, editing.retire(Checkout(repository), "bob", Retirement("left", TODAY)))
    lock = json.loads((repository / "keys/keyring.lock").read_bytes())
    assert lock["prev"] == sha256(before).hexdigest()


def _as_version_1(root: Path, **changed: object) -> bytes:
    """Put a lock as the first version wrote it in place of today's."""
    path = root / "keys/keyring.lock"
    lock = json.loads(path.read_bytes())
    old = {name: value for name, value in lock.items() if name not in {"sops_yaml", "digest", "prev"}}
    old |= {"version": 1, "sops": lock["sops_yaml"], **changed}
    data = json.dumps({**old, "digest": lockfile.digest(old), "prev": ""}, sort_keys=True, indent=2).encode() + b"\n"
    path.write_bytes(data)
    return data


def test_a_lock_of_the_first_version_is_read(repository: Path) -> None:
    _as_version_1(repository)
    assert rules(repository) == set()


def test_only_a_change_of_the_ring_writes_an_old_lock_anew(repository: Path) -> None:
    old = _as_version_1(repository)
    source = Checkout(repository)
    assert (repository / "keys/keyring.lock").read_bytes() == old
    apply(repository, editing.retire(source, "bob", Retirement("left", TODAY)))
    lock = json.loads((repository / "keys/keyring.lock").read_bytes())
    assert (lock["version"], lock["prev"]) == (2, sha256(old).hexdigest())
    assert lock["sops_yaml"] == {}
    assert "sops" not in lock


def test_an_old_lock_still_tells_what_changed(repository: Path) -> None:
    _as_version_1(repository, sops={"stores": {"yaml": {"indent": 2}}})
    assert rules(repository) == {"lock-drift"}


@pytest.mark.parametrize("version", [0, 3, "1", None, True, 1.0])
def test_a_lock_of_another_version_is_refused(repository: Path, version: object) -> None:
    _as_version_1(repository, version=version)
    assert rules(repository) == {"lost-lock"}
