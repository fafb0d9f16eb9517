"""A renewed sealing key: older items are opened first, and sealed anew in place under the scope that opened them."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from secretsync.errors import ChangedFileError
from secretsync.git import Repository
from secretsync.manifests.secret import decode_base64
from secretsync.processes import Pool
from secretsync.rotation import applying
from secretsync.rotation.applying import ApplyOutcome
from secretsync.rotation.file_worker import FileWork
from secretsync.rotation.journal import Operation
from secretsync.rotation.model import Plan
from secretsync.rotation.planning import make_plan
from secretsync.rotation.run import RunbookRun
from secretsync.rotation.scenario import scenario_named
from secretsync.rotation.sealed_files import sealed_items
from secretsync.rotation.survey import Setting
from secretsync.rotation.writing import Controls
from secretsync.sealed import SealingCertificate, items, privatekeys, seal
from secretsync.sealed.privatekeys import UnsealingKey
from tests.unit.rotation.repositories import NOW, Sandbox

SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "db", "namespace": "shop"},
    "stringData": {"user": "shop", "password": "hunter2-sealed"},
}


@cache
def key_pem(name: str) -> tuple[str, str]:
    """Return a certificate and its private key, both PEM, made once for a test run."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=3650))
        .sign(private, hashes.SHA256())
    )
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), pem.decode()


def _key(name: str) -> tuple[str, UnsealingKey]:
    certificate, private = key_pem(name)
    return certificate, privatekeys.load(private.encode())[0]


def sealed_manifest() -> str:
    """Return a SealedSecret with one item for the new key, and one for the old."""
    return _manifest(_sealed("new")["user"], _sealed("old")["password"])


def _sealed(name: str) -> dict[str, str]:
    certificate = SealingCertificate.load(_key(name)[0].encode(), now=NOW)
    items: dict[str, str] = seal(SECRET, certificate)["spec"]["encryptedData"]  # type: ignore[index]
    return items


def _manifest(user: str, password: str) -> str:
    return (
        "# kept as it is\napiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n"
        "metadata: {name: db,   namespace: shop, labels: {own: label}}\nspec:\n  encryptedData:\n"
        f"    user: {user} # who\n    password: '{password}'\n  template: {{metadata: {{annotations: {{a: b}}}}}}\n"
    )


def _plan(sandbox: Sandbox, *keys: UnsealingKey, **more: str) -> Plan:
    repository = Repository.containing(sandbox.root)
    given = {"subject": "prod", "certificate": _key("new")[0]} | {
        name.replace("_", "-"): value for name, value in more.items()
    }
    with Pool(FileWork(repository, sandbox.keys(), unsealing=keys)) as pool:
        return make_plan(scenario_named("reseal"), given, Setting(repository, sandbox.keys(), pool, NOW))


def _apply(sandbox: Sandbox, plan: Plan, *keys: UnsealingKey) -> ApplyOutcome:
    repository = Repository.containing(sandbox.root)
    operation = Operation(repository, plan.operation)
    with Pool(FileWork(repository, sandbox.keys(), unsealing=keys)) as pool:
        outcome = applying.apply(plan, operation, repository, pool, Controls(lambda: False, lambda _d, _t: None))
    sandbox.merge(outcome)
    return outcome


@pytest.fixture
def path(sandbox: Sandbox) -> str:
    """Return a file whose user is sealed for the new key and whose password still for the old one."""
    name = "prod/db.sealed.yaml"
    sandbox.write({name: sealed_manifest()})
    sandbox.commit()
    return name


def test_items_of_older_keys_are_sealed_anew_and_every_other_byte_stays(sandbox: Sandbox, path: str) -> None:
    new, old = _key("new")[1], _key("old")[1]
    before = (sandbox.root / path).read_text()
    plan = _plan(sandbox, new, old)
    assert plan.problems == []
    assert [(file.path, file.items) for file in plan.files] == [(path, 1)]
    outcome = _apply(sandbox, plan, new, old)
    checks = {check.id: check.status for check in outcome.checks}
    assert (checks["V4"], checks["V9"], checks["V10"]) == ("passed", "passed", "passed")
    after = (sandbox.root / path).read_text()
    was, now = list(sealed_items(before.encode())), list(sealed_items(after.encode()))
    assert [one.text == other.text for one, other in zip(was, now, strict=True)] == [True, False]
    assert before.replace(was[1].text, "") == after.replace(now[1].text, "")
    assert _plan(sandbox, new, old).files == []


def _source(sandbox: Sandbox, path: str, password: str, *, namespace: str = "shop") -> None:
    text = (
        f"kind: Secret\napiVersion: v1\nmetadata: {{name: db, namespace: {namespace}}}\n"
        f"stringData:\n  user: shop\n  password: {password}\n"
    )
    sandbox.write({path: sandbox.encrypt(path, text, "alice", "bob", "prod")})


def _written(name: str, scope: str, key: str, value: str = "hunter2-sealed", *, says: str | None = None) -> str:
    """Return a SealedSecret of one item, sealed with `scope`; `says` is what its annotations say instead."""
    certificate = SealingCertificate.load(_key(key)[0].encode(), now=NOW)
    secret = {**SECRET, "metadata": {"name": name, "namespace": "shop"}, "stringData": {"password": value}}
    item = seal(secret, certificate, scope=scope)["spec"]["encryptedData"]["password"]  # type: ignore[index]
    wanted = scope if says is None else says
    annotations = "" if wanted == "strict" else f', annotations: {{"sealedsecrets.bitnami.com/{wanted}": "true"}}'
    return (
        "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\n"
        f"metadata: {{name: {name}, namespace: shop{annotations}}}\nspec: {{encryptedData: {{password: {item}}}}}\n"
    )


def _opened(sandbox: Sandbox, path: str, key: str) -> list[bytes | None]:
    found = sealed_items((sandbox.root / path).read_bytes())
    return [items.unseal(decode_base64(one.text), [_key(key)[1]], one.resource.label) for one in found]


def _pin(sandbox: Sandbox, pins: dict[str, str], **paths: str) -> None:
    """Pin a key for each cluster, with the folder that is its own where one is given."""
    rows = ""
    for cluster, key in pins.items():
        certificate = SealingCertificate.load(_key(key)[0].encode(), now=NOW)
        path = f"sealing/{cluster}/{certificate.spki_sha256[:16]}.pem"
        sandbox.write({f"keys/{path}": _key(key)[0]})
        rows += f"  - cluster: {cluster}\n    cert: {path}\n    pin_spki_sha256: {certificate.spki_sha256}\n"
        rows += f"    paths: ['{paths[cluster]}']\n" if cluster in paths else ""
    policy = sandbox.ring()["keys/policy.yaml"]
    sandbox.change_ring({"keys/policy.yaml": f"{policy}sealing:\n{rows}"})


def test_a_source_that_nobody_names_is_not_asked(sandbox: Sandbox, path: str) -> None:
    _source(sandbox, "prod/source.yaml", "from-sops")
    sandbox.commit()
    new, old = _key("new")[1], _key("old")[1]
    plan = _plan(sandbox, new, old)
    assert [item.sources for file in plan.files for item in file.sealed] == [[]]
    _apply(sandbox, plan, new, old)
    assert _opened(sandbox, path, "new") == [b"shop", b"hunter2-sealed"]


def test_a_named_source_has_to_say_what_opened(sandbox: Sandbox, path: str) -> None:
    _source(sandbox, "prod/same.yaml", "hunter2-sealed")
    _source(sandbox, "prod/stale.yaml", "from-sops")
    sandbox.commit()
    keys = _key("new")[1], _key("old")[1]
    same = _plan(sandbox, *keys, plaintext_from="prod/same.yaml")
    assert (same.problems, same.files[0].sealed[0].sources) == ([], ["prod/same.yaml"])
    for stale in ("prod/stale.yaml", "prod/same.yaml, ./prod/stale.yaml"):
        told = _plan(sandbox, *keys, plaintext_from=stale).problems
        assert [(one.path, one.message) for one in told] == [
            (path, "shop/db password: holds another value than prod/stale.yaml: which one is right, no tool can tell")
        ]
    _apply(sandbox, same, *keys)
    assert _opened(sandbox, path, "new") == [b"shop", b"hunter2-sealed"]


def test_a_source_that_is_none_is_a_problem(sandbox: Sandbox, path: str) -> None:
    assert path
    told = _plan(sandbox, _key("new")[1], _key("old")[1], plaintext_from="prod/none.yaml").problems
    assert [(one.path, one.kind) for one in told] == [("prod/none.yaml", "no-source")]


def test_where_no_key_is_left_the_plan_says_that_nothing_was_compared(sandbox: Sandbox, path: str) -> None:
    _source(sandbox, "prod/source.yaml", "from-sops")
    sandbox.commit()
    new = _key("new")[1]
    plan = _plan(sandbox, new, plaintext_from="prod/source.yaml")
    assert [(item.opened, item.sources) for item in plan.files[0].sealed] == [(False, ["prod/source.yaml"])]
    assert any("could not be compared" in note and path in note for note in plan.notes)
    _apply(sandbox, plan, new)
    assert _opened(sandbox, path, "new") == [b"shop", b"from-sops"]


def test_no_forged_or_widened_item_gets_a_value(sandbox: Sandbox) -> None:
    _source(sandbox, "prod/source.yaml", "hunter2-sealed")
    forged = {
        "prod/wide.yaml": _written("db", "strict", "old", says="cluster-wide"),
        "prod/wider.yaml": _written("db", "strict", "old", says="namespace-wide"),
        "prod/narrow.yaml": _written("db", "cluster-wide", "old", says="strict"),
    }
    sealed = _written("db", "strict", "old")
    for number, junk in enumerate(("anVuaw==", "bm90IGJhc2U2N!", "''")):
        forged[f"prod/junk-{number}.yaml"] = f"{sealed.rpartition('password: ')[0]}password: {junk}}}}}\n"
    sandbox.write({**forged, "prod/good.yaml": _written("good", "strict", "old")})
    sandbox.commit()
    for keys in ([_key("new")[1], _key("old")[1]], [_key("new")[1]]):
        plan = _plan(sandbox, *keys, plaintext_from="prod/source.yaml")
        unseen = {"prod/narrow.yaml"} if len(keys) == 1 else set()  # strict: what the file says is its own in any case
        assert forged.keys() - unseen <= {one.path for one in plan.problems}
        assert not {one.path for one in plan.files} & (forged.keys() - unseen)
    plan = _plan(sandbox, _key("new")[1], _key("old")[1])
    assert [one.path for one in plan.files] == ["prod/good.yaml"]


@pytest.mark.parametrize("scope", ["strict", "namespace-wide", "cluster-wide"])
def test_every_scope_stays_what_it_is(sandbox: Sandbox, scope: str) -> None:
    sandbox.write({"prod/db.sealed.yaml": _written("db", scope, "old")})
    sandbox.commit()
    keys = _key("new")[1], _key("old")[1]
    plan = _plan(sandbox, *keys)
    assert [(item.scope, item.cluster) for item in plan.files[0].sealed] == [(scope, "prod")]
    _apply(sandbox, plan, *keys)
    assert _opened(sandbox, "prod/db.sealed.yaml", "new") == [b"hunter2-sealed"]


def test_the_items_of_another_cluster_are_left(sandbox: Sandbox) -> None:
    _pin(sandbox, {"prod": "old", "staging": "other"})
    sandbox.write({f"{folder}/db.sealed.yaml": _written("db", "strict", key, folder) for folder, key in
                   (("prod", "old"), ("staging", "other"), ("apps", "other"))})  # fmt: skip
    sandbox.commit()
    keys = [_key(name)[1] for name in ("new", "old", "other")]
    plan = _plan(sandbox, *keys)
    assert (plan.problems, [file.path for file in plan.files]) == ([], ["prod/db.sealed.yaml"])
    left = [each for each in plan.drift if "db.sealed.yaml" in each]
    assert left == [
        "apps/db.sealed.yaml: shop/db password is sealed for staging",
        "staging/db.sealed.yaml: its 1 items are left, as it lies where those of staging are",
    ]
    _apply(sandbox, plan, *keys)
    assert _opened(sandbox, "staging/db.sealed.yaml", "other") == [b"staging"]
    assert [one.path for one in _plan(sandbox, *keys[:2]).problems] == ["apps/db.sealed.yaml"]


def test_an_item_of_another_cluster_among_ones_own_is_a_problem(sandbox: Sandbox) -> None:
    _pin(sandbox, {"prod": "old", "staging": "other"})
    sandbox.write({"prod/db.sealed.yaml": _written("db", "strict", "other")})
    _source(sandbox, "prod/source.yaml", "hunter2-sealed")
    sandbox.commit()
    keys = [_key(name)[1] for name in ("new", "old", "other")]
    told = _plan(sandbox, *keys, plaintext_from="prod/source.yaml").problems
    assert [(one.path, "is sealed for staging" in one.message) for one in told] == [("prod/db.sealed.yaml", True)]


def test_the_ring_says_which_folders_are_whose(sandbox: Sandbox) -> None:
    _pin(sandbox, {"prod": "old", "staging": "other"}, prod="apps/live/**", staging="apps/trial/**")
    sandbox.write({"apps/trial/db.sealed.yaml": _written("db", "strict", "other"),
                   "apps/live/db.sealed.yaml": _written("db", "strict", "old")})  # fmt: skip
    sandbox.commit()
    plan = _plan(sandbox, _key("new")[1], _key("old")[1])
    assert (plan.problems, [file.path for file in plan.files]) == ([], ["apps/live/db.sealed.yaml"])


def test_an_item_of_several_lines_is_rewritten(sandbox: Sandbox) -> None:
    text = _written("db", "strict", "old").rstrip("}\n")
    head, _, item = text.replace("spec: {encryptedData: {", "spec:\n  encryptedData:\n    ").rpartition("password: ")
    lines = "".join(f"      {item[at : at + 76]}\n" for at in range(0, len(item), 76))
    kinds = {f"{break_}{indicator}": (indicator, break_) for break_ in ("\n", "\r\n")
             for indicator in ("|", "|-", ">", "|+", "| # a remark")}  # fmt: skip
    paths = {f"prod/{number}.yaml": kind for number, kind in enumerate(kinds.values())}
    for path, (indicator, break_) in paths.items():
        body = f"      {item}\n" if indicator == ">" else lines
        text = f"{head}password: {indicator}\n{body}  template: {{}} # kept\n"
        sandbox.write({path: text.replace("\n", break_)})
    sandbox.commit()
    keys = _key("new")[1], _key("old")[1]
    outcome = _apply(sandbox, _plan(sandbox, *keys), *keys)
    assert {check.id: check.status for check in outcome.checks}["V9"] == "passed"
    for path, (indicator, break_) in paths.items():
        assert _opened(sandbox, path, "new") == [b"hunter2-sealed"]
        after = (sandbox.root / path).read_bytes().decode()
        assert f"password: {indicator}{break_}" in after
        assert after.endswith(f"  template: {{}} # kept{break_}")


def test_an_equal_text_elsewhere_stays_and_documents_of_one_name_are_told_apart(sandbox: Sandbox) -> None:
    one = _written("db", "strict", "old")
    item = one.rpartition("password: ")[2].rstrip("}\n")
    sandbox.write({"prod/db.sealed.yaml": f"# was {item}\n{one}---\n{one}---\n{_written('db', 'strict', 'new')}"})
    sandbox.commit()
    keys = _key("new")[1], _key("old")[1]
    plan = _plan(sandbox, *keys)
    assert [each.number for each in plan.files[0].sealed] == [1, 2]
    _apply(sandbox, plan, *keys)
    assert (sandbox.root / "prod/db.sealed.yaml").read_text().startswith(f"# was {item}\n")
    assert _opened(sandbox, "prod/db.sealed.yaml", "new") == [b"hunter2-sealed"] * 3


def test_lists_json_and_the_legacy_form_are_sealed_anew(sandbox: Sandbox) -> None:
    obj = json.loads(json.dumps(seal(SECRET, SealingCertificate.load(_key("old")[0].encode(), now=NOW))))
    certificate = SealingCertificate.load(_key("old")[0].encode(), now=NOW)
    legacy = items.seal(json.dumps(SECRET).encode(), certificate, b"shop/db")
    head = "apiVersion: bitnami.com/v1alpha1\nkind: SealedSecret\nmetadata: {name: db, namespace: shop}\n"
    sandbox.write(
        {
            "prod/one.json": json.dumps(obj, indent=2),
            "prod/list.yaml": json.dumps({"apiVersion": "v1", "kind": "List", "items": [obj]}),
            "prod/typed.json": json.dumps(
                {
                    "apiVersion": "bitnami.com/v1alpha1",
                    "kind": "SealedSecretList",
                    "items": [{name: obj[name] for name in ("metadata", "spec")}],
                }
            ),
            "prod/legacy.yaml": f"{head}spec:\n  data: {legacy}\n",
        }
    )
    sandbox.commit()
    keys = _key("new")[1], _key("old")[1]
    plan = _plan(sandbox, *keys)
    assert (plan.problems, [file.items for file in plan.files]) == ([], [1, 2, 2, 2])
    _apply(sandbox, plan, *keys)
    for file in plan.files:
        assert None not in _opened(sandbox, file.path, "new")


def test_what_stands_behind_an_alias_is_refused_by_name(sandbox: Sandbox) -> None:
    text = _written("db", "strict", "old").replace("password: ", "password: &item ")
    sandbox.write({"prod/db.sealed.yaml": text.replace("}}\n", ", copy: *item}}\n")})
    sandbox.commit()
    told = _plan(sandbox, _key("new")[1], _key("old")[1]).problems
    assert {one.path for one in told} == {"prod/db.sealed.yaml"}
    assert all("anchor, alias or tag" in one.message for one in told)


def test_what_cannot_be_read_is_named(sandbox: Sandbox) -> None:
    text = _written("db", "strict", "old")
    sandbox.write(
        {
            "chart/templates/db.yaml": "{{ if .Values.on }}\n" + text,
            "prod/conflict.yaml": f"<<<<<<< ours\n{text}=======\n{text}>>>>>>> theirs\n",
            "docs/page.md": "A SealedSecret: see the manual.\n",
        }
    )
    sandbox.commit()
    plan = _plan(sandbox, _key("new")[1], _key("old")[1])
    assert [one.path for one in plan.problems] == ["prod/conflict.yaml"]
    assert [each.partition(":")[0] for each in plan.drift if "sealed anew" in each] == ["chart/templates/db.yaml"]


def test_an_item_that_nothing_opens_is_named_and_nothing_is_written(sandbox: Sandbox, path: str) -> None:
    plan = _plan(sandbox, _key("new")[1])
    assert [(one.path, one.message.partition(": no key")[0]) for one in plan.problems] == [
        (path, "shop/db password: opens with none of the private keys")
    ]


def test_with_fewer_keys_than_the_plan_was_made_with_nothing_else_is_sealed(sandbox: Sandbox, path: str) -> None:
    _source(sandbox, "prod/source.yaml", "hunter2-sealed")
    sandbox.commit()
    plan = _plan(sandbox, _key("new")[1], _key("old")[1], plaintext_from="prod/source.yaml")
    with pytest.raises(ChangedFileError) as caught:
        _apply(sandbox, plan, _key("new")[1])
    assert (caught.value.location or "").startswith(path)


def test_without_the_new_private_key_the_proof_says_what_it_cannot_tell(sandbox: Sandbox) -> None:
    sandbox.write({"prod/x.yaml": _manifest(_sealed("old")["user"], _sealed("old")["password"])})
    sandbox.commit()
    old = _key("old")[1]
    outcome = _apply(sandbox, _plan(sandbox, old), old)
    assert {check.id: check.status for check in outcome.checks}["V10"] == "unknown"


def test_verify_tells_an_item_that_was_put_back(sandbox: Sandbox, path: str) -> None:
    old, new = _key("old")[1], _key("new")[1]
    before = (sandbox.root / path).read_bytes()
    outcome = _apply(sandbox, _plan(sandbox, old, new), old, new)
    sandbox.git("merge", "-q", "--no-ff", "-m", "sealed anew", outcome.branch)

    def judged(*keys: UnsealingKey) -> tuple[dict[str, str], list[str]]:
        with RunbookRun(Repository.containing(sandbox.root), sandbox.keys(), unsealing=keys) as run:
            found = run.verify("reseal", None, at="main")
        return {check.id: check.status for check in found.checks}, found.failures

    assert judged(old, new)[0]["V10"] == "passed"
    assert judged() == (judged()[0] | {"V10": "unknown"}, [])
    sandbox.write({path: before})
    sandbox.commit("put back")
    assert any(path in failure for failure in judged(old, new)[1])
    sandbox.write({path: before + b"# a comment\n"})
    sandbox.commit("put back, a little otherwise")
    assert any("is sealed as before" in failure for failure in judged(old, new)[1])
