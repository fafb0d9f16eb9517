"""What leaves is judged as Kubernetes reads it: split by lines, `items` of any kind taken apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from secretsync.documents.yaml.loading import load
from secretsync.errors import ManifestError, PlaintextError, PolicyError, SecretsyncError
from secretsync.rendering import emit
from secretsync.rendering.formats import Piece
from secretsync.rendering.kubernetes_reader import confirm_joined, identities, parts
from secretsync.rendering.options import Outputs
from tests.unit.render.workshop import CONFIG, SECRET, certificate, encrypted, rendered, stream

RULES = Outputs(kinds=frozenset({"ConfigMap", "Secret"}), namespaces=frozenset({"prod"}))
BINDING = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: b, namespace: prod}\n"
CANARY_SECRET = "{metadata: {name: a, namespace: prod}, stringData: {p: c4n4ry}}"
JUDGED: list[dict[str, object]] = [{"outputs": RULES}, {"mode": "redact"}, {"mode": "seal"}, {"is_hook": True}]
IDS = ["outputs", "redact", "seal", "hook"]


def indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())


@pytest.mark.parametrize(
    "separator",
    ["---", "--- ", "---\t", "--- # a comment", "---\t# another", "---\r", "--- \r"],
    ids=["alone", "blank", "tab", "comment", "tab comment", "CR LF", "blank CR LF"],
)
@pytest.mark.parametrize("options", JUDGED, ids=IDS)
def test_lines_that_separate_for_every_reader_pass(separator: str, options: dict[str, object]) -> None:
    text = f"{CONFIG}{separator}\n{CONFIG}"
    assert stream(text, **options) == text


@pytest.mark.parametrize(
    "line",
    ["---#x:", "---x: 1", "---\u00a0#x:", "---\u2003x:", "----: 1", "--- {a: b}", "--- &a", "--- # x\rkind: Role", "--- #\u0085kind: Role"],
    ids=["comment glued", "key", "no-break space", "em space", "four dashes", "flow", "anchor", "CR", "NEL"],
)  # fmt: skip
@pytest.mark.parametrize("options", JUDGED, ids=IDS)
def test_lines_that_separate_for_some_readers_only_are_refused(line: str, options: dict[str, object]) -> None:
    with pytest.raises(SecretsyncError):
        stream(f"{CONFIG}{line}\n{indented(BINDING)}", **options)


def test_such_a_line_is_named() -> None:
    with pytest.raises(ManifestError, match=r"^0\.yaml line 6: the line starts with ---") as caught:
        stream(f'{CONFIG}---\u2003#:\n"a": b\n', is_hook=True)
    assert "quote or indent" in str(caught.value.hint)
    with pytest.raises(ManifestError, match=r"^0\.yaml: a key starts with ---"):
        stream(f"{CONFIG}---#x:\n{indented(BINDING)}", outputs=RULES)


def test_without_a_promise_such_a_line_stays() -> None:
    text = f"{CONFIG}---#x:\n{indented(BINDING)}"
    assert stream(text) == text


@pytest.mark.parametrize("options", JUDGED, ids=IDS)
@pytest.mark.parametrize(
    "text",
    [f"{CONFIG}...\n{CONFIG}", f"{CONFIG}\r---\r{BINDING}", f"{CONFIG}...\n%TAG ! tag:x:\n---\n{CONFIG}"],
    ids=["end of document", "carriage returns", "directive"],
)
def test_documents_that_kubernetes_does_not_tell_apart_are_refused(text: str, options: dict[str, object]) -> None:
    if "is_hook" in options and "%TAG" in text:
        return  # the number of documents is right
    with pytest.raises(SecretsyncError):
        stream(text, **options)


@pytest.mark.parametrize("break_", ["\u0085", "\u2028", "\u2029"], ids=["NEL", "LS", "PS"])
def test_an_object_behind_a_comment_and_an_odd_line_break_is_judged(break_: str) -> None:
    text = f"# {break_}" + BINDING.replace("\n", break_) + "\n"
    with pytest.raises(PolicyError):
        stream(text, outputs=RULES)


@pytest.mark.parametrize("kind", ["ConfigMap", "Basket", "SecretList", "Secret"])
def test_objects_in_items_of_any_kind_are_judged(kind: str) -> None:
    text = f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: x, namespace: prod}}\nitems:\n- " + indented(BINDING)[2:]
    rules = RULES._replace(kinds=frozenset({"ConfigMap", "Basket", "Secret"}))
    with pytest.raises(PolicyError, match=r"^0\.yaml items\[0\]: ") as caught:
        stream(text, outputs=rules)
    assert "ClusterRoleBinding" not in str(caught.value)


def test_objects_in_items_of_items_are_judged() -> None:
    inner = "{apiVersion: v1, kind: ConfigMap, metadata: {name: inner, namespace: prod}, items: [{kind: Role, metadata: {}}]}"
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x, namespace: prod}}\nitems: [{inner}]\n"
    with pytest.raises(PolicyError, match=r"^0\.yaml items\[0\]\.items\[0\]: "):
        stream(text, outputs=RULES)


@pytest.mark.parametrize("mode", ["redact", "seal"])
@pytest.mark.parametrize("kind", ["", "kind: null, ", 'kind: "", ', "kind: , ", "kind: 5, "])
@pytest.mark.parametrize("around", ["SecretList", "Secret"])
def test_no_secret_in_a_list_leaves_in_the_clear(mode: str, kind: str, around: str, tmp_path: Path) -> None:
    text = f"apiVersion: v1\nkind: {around}\nmetadata: {{name: x, namespace: prod}}\nitems:\n- {{{kind}{CANARY_SECRET[1:]}\n"
    (tmp_path / "seal.key").write_bytes(bytes(range(64)))
    try:
        result = stream(text, mode=mode, cert_file=certificate(tmp_path), seal_key_file=str(tmp_path / "seal.key"))
    except PlaintextError:
        assert (mode, around) == ("seal", "Secret")
    else:
        assert "c4n4ry" not in result


@pytest.mark.parametrize("mode", ["redact", "seal"])
@pytest.mark.parametrize("around", ["ConfigMap", "Basket"])
def test_secrets_below_another_kind_are_hidden(mode: str, around: str, tmp_path: Path) -> None:
    item = "{apiVersion: v1, kind: Secret, " + CANARY_SECRET[1:]
    text = f"apiVersion: v1\nkind: {around}\nmetadata: {{name: x, namespace: prod}}\nitems: [{item}]\n"
    (tmp_path / "seal.key").write_bytes(bytes(range(64)))
    options = {"cert_file": certificate(tmp_path), "seal_key_file": str(tmp_path / "seal.key")}
    assert "c4n4ry" not in stream(text, mode=mode, **options)


@pytest.mark.parametrize(
    "items", ["[x, y]", "{a: b}", "5", "null", "[[a]]"], ids=["texts", "mapping", "number", "null", "lists"]
)
@pytest.mark.parametrize("options", JUDGED, ids=IDS)
def test_items_that_are_no_objects_make_no_list(items: str, options: dict[str, object]) -> None:
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x, namespace: prod}}\nitems: {items}\n"
    assert stream(text, **options) == text


@pytest.mark.parametrize("options", JUDGED[:3], ids=IDS[:3])
@pytest.mark.parametrize("items", [f"[x, {CANARY_SECRET}]", "[null]", "[x, ~]"])
def test_items_of_which_some_are_objects_are_refused(items: str, options: dict[str, object]) -> None:
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: x, namespace: prod}}\nitems: {items}\n"
    with pytest.raises(ManifestError, match="items"):
        stream(text, **options)


def test_a_value_file_with_items_is_no_list() -> None:
    text = "items:\n- name: a\n- b\n"
    assert stream(text, is_hook=True) == text


@pytest.mark.parametrize("namespace", ["[kube-system]", "{a: b}", "5", "true", "yes", "1.5", "2026-01-01", "!!int 7"])
@pytest.mark.parametrize("options", JUDGED[:3], ids=IDS[:3])
def test_a_namespace_that_is_no_text_is_refused(namespace: str, options: dict[str, object]) -> None:
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  namespace: {namespace}\n"
    chosen = {**options, "outputs": RULES._replace(namespaces=None)} if "outputs" in options else options
    with pytest.raises(ManifestError, match=r"^0\.yaml metadata namespace: must be a string"):
        stream(text, **chosen)


@pytest.mark.parametrize("namespace", ["'5'", '"yes"', "null", "~", '""', "", "prod"])
def test_a_namespace_that_is_text_or_absent_passes(namespace: str) -> None:
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  namespace: {namespace}\n"
    names = frozenset({"", "prod", "5", "yes"})
    assert stream(text, outputs=Outputs(namespaces=names)) == text


@pytest.mark.parametrize(
    "text",
    [
        "apiVersion: v1\nkind: ConfigMap\n!!binary a2luZA==: Role\nmetadata: {name: x, namespace: prod}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: prod, !!binary bmFtZXNwYWNl : kube-system}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: [x]\n",
        "apiVersion: v1\nkind: List\n!!binary aXRlbXM=: x\nitems: [{kind: Role}]\n",
        "apiVersion: v1\nkind: List\nitems: null\n!!binary aXRlbXM=: [{kind: Role}]\n",
    ],
    ids=["kind", "namespace", "metadata", "items", "null items"],
)
def test_a_name_that_stands_twice_in_different_spellings_is_refused(text: str) -> None:
    with pytest.raises(ManifestError):
        stream(text, outputs=RULES, allow_empty=True)


@pytest.mark.parametrize("options", JUDGED, ids=IDS)
def test_utf_16_passes_only_where_no_reader_splits_it(options: dict[str, object]) -> None:
    data = CONFIG.encode("utf-16")
    assert rendered(data, **options).stream() == data
    with pytest.raises(ManifestError, match="UTF-16"):
        rendered(
            (CONFIG + "# \u2d0a\u2d2d\n" + f"---\n{CONFIG}").encode("utf-16-le").join([b"\xff\xfe", b""]), **options
        )


def test_json_and_conversions_are_read_again(tmp_path: Path) -> None:
    both = stream(encrypted(SECRET), CONFIG, mode="seal", cert_file=certificate(tmp_path), output="json")
    assert both.count('"kind": "SealedSecret"') == 1
    text = f"{CONFIG}---\n{CONFIG}"
    assert stream(text, mode="redact", output="yaml") == text
    assert stream(text, mode="redact", output="json").count('"kind"') == 2


def test_a_kind_is_that_of_the_list_where_an_item_names_none() -> None:
    text = b"apiVersion: v1\nkind: ConfigMapList\nitems: [{metadata: {name: a}}, {kind: Role, metadata: {name: b}}]\n"
    assert [str(each) for each in identities(load(text).documents[0])] == ["ConfigMap a", "Role b"]


@pytest.mark.parametrize("namespace", ['"prod "', '"prod\\n"', "|\n    prod", '" "'])
def test_a_namespace_with_blanks_is_refused(namespace: str) -> None:
    text = f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  namespace: {namespace}\n"
    with pytest.raises(ManifestError, match="must have no blanks in it"):
        stream(text, outputs=RULES)


def test_a_list_without_items_is_judged_as_an_object() -> None:
    text = "apiVersion: example.org/v1\nkind: List\nmetadata: {name: x, namespace: prod}\n"
    with pytest.raises(PolicyError):
        stream(text, outputs=RULES, allow_empty=True)


def test_a_name_that_looks_like_a_date_passes() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: 2026-01-01\n  namespace: prod\n"
    assert stream(text, outputs=RULES) == text


# --- joined streams ---------------------------------------------------------------------------------------------------


def piece(data: bytes) -> Piece:
    return Piece("a.yaml", "yaml", data, 1)


@pytest.mark.parametrize(
    "pair",
    [
        (b"kind: A\n# " + b"x" * 4090 + b"---\n", b"kind: B\n"),
        (b"kind: A\n", b"# \xc2\x85kind: B\n---\nkind: C\n"),
        (b"kind: A\n# \xe2\x80\xa8---\n", b"kind: B\n"),
        (b"kind: A\n---\n# end\n", b"# start\n---\nkind: B\n"),
        (b"kind: A\n...\n", b"kind: B\n"),
        (b"kind: A", b"\xef\xbb\xbfkind: B\n"),
        (b"kind: |\n  A", b"kind: B"),
    ],
    ids=["long comment", "NEL before", "LS behind", "both", "ended", "byte order mark", "block"],
)
def test_files_are_joined_so_that_each_keeps_its_documents(pair: tuple[bytes, bytes]) -> None:
    pieces = [piece(data) for data in pair]
    confirm_joined(emit.join(pieces), pieces)


def test_a_join_that_loses_a_separator_is_noticed() -> None:
    pieces = [piece(b"kind: A\n"), piece(b"kind: B\n")]
    with pytest.raises(ManifestError, match="documents"):
        confirm_joined(b"kind: A\nkind: B\n", pieces)
    with pytest.raises(ManifestError, match="another object"):
        confirm_joined(b"kind: A\n---\nkind: C\n", pieces)


def test_a_text_is_split_in_linear_time() -> None:
    assert len(parts(b"---\n" * 250_000)) == 250_001
