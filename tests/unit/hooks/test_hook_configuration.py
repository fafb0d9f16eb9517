"""The hook's configuration: strict reading, what it gives hooks, and that nothing a caller asks for widens it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from secretsync.documents.tree import Limits
from secretsync.errors import (
    ConfigError,
    FileAccessError,
    FormatError,
    LimitError,
    ManifestError,
    NoIdentityMatchError,
    PolicyError,
    SecretsyncError,
)
from secretsync.hooks import Call, context, render_command
from secretsync.hooks.argv import Request
from secretsync.hooks.context import find, keys, resolved_options
from secretsync.hooks.hook_configuration import HookConfiguration, parse
from secretsync.rendering import Input, Options, render
from secretsync.sealed import SealingCertificate
from tests.unit.render.workshop import CONFIG, ENVIRON, IDENTITY, KEYS, NOW, SECRET, certificate, encrypted

HEAD = "apiVersion: secretsync/v1\nkind: HookConfiguration\n"
OPENS = f"{HEAD}identities: {{age: [{IDENTITY}]}}\n"


def configured(folder: Path, text: str) -> str:
    path = folder / "hook.yaml"
    path.write_text(text)
    return os.fspath(path)


def rendered(text: str | bytes, governed: HookConfiguration) -> str:
    options = resolved_options(Request(), governed)
    data = text.encode() if isinstance(text, str) else text
    inputs = [Input("0.yaml", "0.yaml", content=data)]
    return render(inputs, options, keys=keys(governed, options.environ), now=NOW).stream().decode()


def test_every_field_is_read(tmp_path: Path) -> None:
    text = f"""{HEAD}identities: {{age: [/k/a, /k/b], ssh: /k/ssh, gnupg_home: /k/gnupg}}
sealing: {{certificate: /k/c, pin_spki_sha256: {"ab" * 32}, seal_key: /k/s, allow_expired: true,
  scopes: [strict, cluster-wide]}}
mode: seal
limits: {{size: 1, depth: 2, nodes: 3, documents: 4, files: 5}}
outputs: {{kinds: [SealedSecret], namespaces: [""]}}
confined: false
"""
    read = parse(text.encode(), "hook.yaml")
    assert read.identities == {"age": ("/k/a", "/k/b"), "ssh": ("/k/ssh",), "gnupg_home": ("/k/gnupg",)}
    assert (read.certificate, read.seal_key) == ("/k/c", "/k/s")
    assert (read.pin_spki_sha256, read.allow_expired, read.mode, read.confined) == ("ab" * 32, True, "seal", False)
    assert (read.limits, read.max_files) == (Limits(1, 2, 3, 4), 5)
    assert read.outputs is not None
    assert (read.outputs.kinds, read.outputs.namespaces) == (frozenset({"SealedSecret"}), frozenset({""}))
    assert read.scopes == {"strict", "cluster-wide"}
    assert parse(HEAD.encode(), "hook.yaml") == HookConfiguration("hook.yaml")
    assert HookConfiguration("hook.yaml").scopes == {"strict"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kind: HookConfiguration\n",
        HEAD.replace("v1", "v2"),
        HEAD + "mod: seal\n",
        HEAD + "mode: none\n",
        HEAD + "identities: {age: key.txt}\n",
        HEAD + "identities: {age: [key.txt]}\n",
        HEAD + "identities: {ssh: ''}\n",
        HEAD + "sealing: {certificate: ./cert.pem}\n",
        HEAD + f"sealing: {{pin_spki_sha256: {'ab' * 32}}}\n",
        HEAD + "sealing: {certificate: /c, pin_spki_sha256: AB}\n",
        HEAD + "sealing: {scopes: []}\n",
        HEAD + "sealing: {scopes: null}\n",
        HEAD + "sealing: {scopes: strict}\n",
        HEAD + "sealing: {scopes: [strict, wide]}\n",
        HEAD + "sealing: {scopes: ['']}\n",
        HEAD + "limits: {size: 0}\n",
        HEAD + "limits: {depth: 5000}\n",
        HEAD + "limits: {byte: 1}\n",
        HEAD + "outputs:\n",
        HEAD + "outputs: {kinds: Secret}\n",
        HEAD + "confined: 'no'\n",
        HEAD + "---\n" + HEAD,
        "a: [",
    ],
)
def test_a_configuration_that_is_wrong_is_refused_and_named(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(text.encode(), "hook.yaml")
    assert str(caught.value).startswith("hook.yaml")


def test_a_misspelt_field_gets_the_field_that_was_meant() -> None:
    with pytest.raises(ConfigError) as caught:
        parse(f"{HEAD}output: {{}}\n".encode(), "hook.yaml")
    assert caught.value.hint == "did you mean 'outputs'?"


def test_outputs_given_as_an_empty_list_let_nothing_out() -> None:
    governed = parse(f"{OPENS}outputs: {{kinds: []}}\n".encode(), "hook.yaml")
    with pytest.raises(PolicyError):
        rendered(CONFIG, governed)


def test_nothing_at_the_default_path_leaves_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(context, "DEFAULT_PATH", str(tmp_path / "absent"))
    assert find() is None
    assert resolved_options(Request(), None, {"SOPS_AGE_KEY": "x"}) == Options(
        environ={"SOPS_AGE_KEY": "x"}, is_hook=True
    )


def test_a_configuration_that_is_there_and_cannot_be_read_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    dangling = tmp_path / "hook.yaml"
    dangling.symlink_to(tmp_path / "gone")
    for path in (dangling, tmp_path):
        monkeypatch.setattr(context, "DEFAULT_PATH", str(path))
        with pytest.raises(FileAccessError):
            find()
    with pytest.raises(FileAccessError):
        find(str(tmp_path / "absent"))


def test_identities_come_from_the_operator_and_not_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    governed = parse(OPENS.encode(), "hook.yaml")
    monkeypatch.setattr(os, "environ", {"SOPS_AGE_KEY": "nonsense", "HOME": "/"})
    assert rendered(encrypted(SECRET), governed) == SECRET
    monkeypatch.setattr(os, "environ", ENVIRON)
    with pytest.raises(NoIdentityMatchError):
        rendered(encrypted(SECRET), parse(HEAD.encode(), "hook.yaml"))


def test_an_identity_file_that_cannot_be_read_is_an_error_before_anything_is_rendered(tmp_path: Path) -> None:
    (tmp_path / "broken.txt").write_text("no identity\n")
    for path, kind in ((tmp_path / "absent.txt", FileAccessError), (tmp_path / "broken.txt", FormatError)):
        governed = parse(f"{HEAD}identities: {{age: [{path}]}}\n".encode(), "hook.yaml")
        with pytest.raises(kind) as caught:
            keys(governed, {})
        assert str(path) in str(caught.value)


def test_a_kind_of_key_that_the_operator_does_not_name_asks_nobody() -> None:
    governed = keys(parse(OPENS.encode(), "hook.yaml"), ENVIRON)
    for kind in ("pgp", "kms", "hc_vault"):
        with pytest.raises(SecretsyncError, match="names no identity of this kind"):
            governed.unwrap(kind, {"fp": "85D77543B3D624B63CEA9E6DBC17301B491B3F21", "enc": "x"})


@pytest.mark.parametrize(
    "request_",
    [
        Request(mode="reveal"),
        Request(cert_file="/other"),
        Request(seal_key_file="/other"),
        Request(allow_expired=True),
        Request(size=Limits().size + 1),
        Request(documents=Limits().documents + 1),
    ],
    ids=lambda request: next(name for name, value in request._asdict().items() if value),
)
def test_asking_for_more_than_the_operator_allows_is_refused(request_: Request) -> None:
    with pytest.raises(PolicyError):
        resolved_options(request_, HookConfiguration("hook.yaml", mode="seal"))


def test_asking_for_the_same_or_less_is_fine() -> None:
    governed = HookConfiguration("hook.yaml", certificate="/c", mode="seal")
    options = resolved_options(Request(mode="seal", cert_file="/c", size=7, documents=8, namespace="n"), governed)
    assert (options.mode, options.limits.size, options.limits.documents, options.namespace) == ("seal", 7, 8, "n")
    assert resolved_options(Request(mode="redact"), HookConfiguration("hook.yaml")).mode == "redact"
    assert resolved_options(Request(), HookConfiguration("hook.yaml")).mode == "reveal"


def test_the_certificate_of_the_checkout_is_never_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "keys").mkdir()
    certificate(tmp_path / "keys")
    monkeypatch.chdir(tmp_path)
    governed = parse(f"{OPENS}mode: seal\n".encode(), "hook.yaml")
    with pytest.raises(ConfigError, match="names no certificate"):
        rendered(encrypted(SECRET), governed)


def test_a_certificate_with_another_key_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    path = certificate(tmp_path)
    spki = SealingCertificate.load(Path(path).read_bytes(), now=NOW).spki_sha256
    for pin in (spki, "ab" * 32):
        text = f"{OPENS}mode: seal\nsealing: {{certificate: {path}, pin_spki_sha256: {pin}}}\n"
        governed = parse(text.encode(), "hook.yaml")
        if pin == spki:
            assert "kind: SealedSecret" in rendered(encrypted(SECRET), governed)
        else:
            with pytest.raises(PolicyError):
                rendered(encrypted(SECRET), governed)


@pytest.mark.parametrize(
    ("outputs", "document", "allowed"),
    [
        ("{kinds: [Secret]}", SECRET, True),
        ("{kinds: [SealedSecret]}", SECRET, False),
        ("{kinds: [Secret]}", CONFIG, False),
        ("{namespaces: [prod]}", SECRET, True),
        ("{namespaces: [staging]}", SECRET, False),
        ("{namespaces: [prod]}", SECRET.replace("  namespace: prod\n", ""), False),
        ("{namespaces: ['']}", SECRET.replace("  namespace: prod\n", ""), True),
        ("{kinds: [Secret], namespaces: [staging]}", SECRET, False),
        ("{kinds: [List]}", "kind: List\napiVersion: v1\nitems:\n- {kind: Secret, apiVersion: v1}\n", False),
        ("{kinds: [Secret]}", "kind: List\napiVersion: v1\nitems:\n- {kind: Secret, apiVersion: v1}\n", True),
        ("{kinds: [Secret]}", "kind: SecretList\napiVersion: v1\nitems:\n- {type: Opaque}\n", True),
        ("{kinds: [Secret]}", "kind: RoleList\nitems:\n- {kind: Secret, apiVersion: v1}\n", False),
        ("{kinds: [Secret]}", "kind: Role\nitems:\n- {kind: Secret}\n", False),
    ],
)
def test_outputs_are_judged_by_kind_and_namespace(outputs: str, document: str, allowed: bool) -> None:
    governed = parse(f"{OPENS}outputs: {outputs}\n".encode(), "hook.yaml")
    if allowed:
        rendered(document, governed)
        return
    with pytest.raises(PolicyError) as caught:
        rendered(document, governed)
    assert (caught.value.location or "").startswith("0.yaml")


def test_what_counts_is_the_sealed_output(tmp_path: Path) -> None:
    text = f"{OPENS}mode: seal\nsealing: {{certificate: {certificate(tmp_path)}}}\noutputs: {{kinds: [SealedSecret]}}\n"
    assert "kind: SealedSecret" in rendered(encrypted(SECRET), parse(text.encode(), "hook.yaml"))


WIDE = "sealedsecrets.bitnami.com/cluster-wide"


def _widened(annotations: str) -> bytes:
    """Return an encrypted Secret whose scope somebody widened afterwards: above a clear leaf no key is authenticated."""
    labelled = SECRET.replace("stringData:", '  labels:\n    managed: "true"\nstringData:')
    data = encrypted(labelled)
    assert data.count(b"labels:\n        managed: ") + data.count(b"labels:\n    managed: ") == 1
    return data.replace(b"labels:", b"annotations:").replace(b"managed:", annotations.encode())


@pytest.mark.parametrize(
    ("scopes", "annotation", "allowed"),
    [
        ("", "note:", True),
        ("", f"{WIDE}:", False),
        ("", f'"{WIDE}":', False),
        ("", "sealedsecrets.bitnami.com/namespace-wide:", False),
        ("scopes: [strict]", f"{WIDE}:", False),
        ("scopes: [namespace-wide]", "sealedsecrets.bitnami.com/namespace-wide:", True),
        ("scopes: [namespace-wide]", f"{WIDE}:", False),
        ("scopes: [namespace-wide]", "note:", False),
        ("scopes: [cluster-wide]", f"{WIDE}:", True),
    ],
)
def test_a_manifest_seals_only_for_the_scopes_of_the_configuration(
    scopes: str, annotation: str, allowed: bool, tmp_path: Path
) -> None:
    text = f"{OPENS}mode: seal\nsealing: {{certificate: {certificate(tmp_path)}, {scopes}}}\n"
    governed, data = parse(text.encode(), "hook.yaml"), _widened(annotation)
    if allowed:
        assert "kind: SealedSecret" in rendered(data, governed)
        return
    with pytest.raises(PolicyError) as caught:
        rendered(data, governed)
    assert (caught.value.location or "").startswith("0.yaml")
    assert "sealing: {scopes: [" in (caught.value.hint or "")


def test_a_widened_secret_in_the_clear_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "seal.key").write_bytes(bytes(range(32)))
    sealing = f"{{certificate: {certificate(tmp_path)}, seal_key: {tmp_path / 'seal.key'}}}"
    governed = parse(f"{OPENS}mode: seal\nsealing: {sealing}\n".encode(), "hook.yaml")
    assert "kind: SealedSecret" in rendered(SECRET, governed)
    with pytest.raises(PolicyError):
        rendered(SECRET.replace("stringData:", f"  annotations: {{{WIDE}: 'true'}}\nstringData:"), governed)


def test_without_a_configuration_a_manifest_chooses_its_scope(tmp_path: Path) -> None:
    data = _widened(f"{WIDE}:")
    options = Options(mode="seal", cert_file=certificate(tmp_path), environ=ENVIRON)
    result = render([Input("0.yaml", "0.yaml", content=data)], options, now=NOW).stream().decode()
    assert f"{WIDE}: " in result


def test_a_configuration_that_others_may_write_is_refused_wherever_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = configured(tmp_path, HEAD)
    monkeypatch.setattr(context, "DEFAULT_PATH", path)
    assert find() == find(path) == HookConfiguration(path)
    os.chmod(path, 0o620)
    for named in (None, path):
        with pytest.raises(PolicyError, match="may be written by other users"):
            find(named)


def test_the_command_line_names_another_configuration(tmp_path: Path) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_bytes(encrypted(SECRET))
    path = configured(tmp_path, f"{OPENS}limits: {{size: 100}}\n")
    with pytest.raises(LimitError):
        render_command.run(Call(["--operator-config", path, str(secret)]))
    configured(tmp_path, OPENS)
    assert render_command.run(Call(["--operator-config", path, str(secret)])).decode() == SECRET
    configured(tmp_path, f"{HEAD}identities: {{age: [{KEYS / 'age-2.txt'}]}}\n")
    with pytest.raises(NoIdentityMatchError):
        render_command.run(Call(["--operator-config", path, str(secret)]))


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: ConfigMap\n<<: {kind: Secret}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, <<: {namespace: other}}\n",
        "apiVersion: v1\nkind: List\n<<: {items: [{apiVersion: v1, kind: Secret}]}\n",
        "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: ConfigMap, metadata: {<<: {namespace: other}}}]\n",
    ],
)
def test_a_merge_key_hides_no_kind_and_no_namespace(text: str) -> None:
    with pytest.raises(ManifestError, match="merge key"):
        rendered(text, parse(f"{HEAD}outputs: {{kinds: [ConfigMap, List], namespaces: ['']}}\n".encode(), "hook.yaml"))


@pytest.mark.parametrize("mode", ["seal", "redact"])
def test_a_merge_key_makes_no_secret_in_the_clear(mode: str) -> None:
    text = "apiVersion: v1\nmetadata: {name: a}\n<<: {kind: Secret, stringData: {a: b}}\n"
    with pytest.raises(ManifestError, match="merge key"):
        rendered(text, parse(f"{HEAD}mode: {mode}\n".encode(), "hook.yaml"))
