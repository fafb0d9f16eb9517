"""Which documents form a unit of encryption, as real sops and joined streams have them."""

from __future__ import annotations

import pytest

from secretsync.errors import CiphertextFormatError, IntegrityError, MetadataError, NoIdentityMatchError
from tests.unit.render.workshop import CONFIG, KEYS, SECRET, STRANGER, encrypted, rendered, stream

VECTORS = KEYS.parent / "kubernetes"
OTHER = SECRET.replace("db", "cache").replace("hunter2", "correct horse")


def _parts(data: bytes) -> tuple[str, str]:
    first, second = data.decode().split("\n---\n")
    return first + "\n", second


def test_one_file_of_two_documents_is_one_unit() -> None:
    both = SECRET + "---\n" + OTHER
    assert stream(encrypted(both)) == both


def test_a_plain_document_may_stand_in_a_unit_that_verifies_whole() -> None:
    data = encrypted(SECRET).decode()
    assert stream(data + "---\n# nothing\n") == SECRET + "---\n# nothing\n"


def test_a_stream_of_separately_encrypted_documents_verifies_each() -> None:
    joined = "---\n".join([encrypted(SECRET).decode(), CONFIG, encrypted(OTHER).decode()])
    assert stream(joined) == f"{SECRET}---\n{CONFIG}---\n{OTHER}"


def test_a_unit_may_be_interleaved_with_plain_documents() -> None:
    first, second = _parts(encrypted(f"{SECRET}---\n{OTHER}"))
    assert (
        stream(f"{CONFIG}---\n{first}---\n{CONFIG}---\n{second}") == f"{CONFIG}---\n{SECRET}---\n{CONFIG}---\n{OTHER}"
    )


@pytest.mark.parametrize("change", ["swapped", "left-out", "doubled"])
def test_documents_of_a_unit_cannot_be_rearranged(change: str) -> None:
    first, second = _parts(encrypted(f"{SECRET}---\n{OTHER}"))
    text = {"swapped": [second, first], "left-out": [second], "doubled": [first, second, first]}[change]
    with pytest.raises(IntegrityError):
        rendered("---\n".join(text))


def test_the_remedy_of_a_unit_that_does_not_verify_is_one_file_per_document() -> None:
    with pytest.raises(IntegrityError, match=r"^0\.yaml#2 metadata|^0\.yaml#2") as caught:
        rendered(CONFIG + "---\n" + encrypted(SECRET).decode().replace("name: db", "name: x"))
    assert "one file per document" in str(caught.value.hint)


def test_an_error_counts_the_documents_of_the_stream() -> None:
    bad = encrypted(OTHER).decode().replace("password: ENC", "password: XNC")
    with pytest.raises(CiphertextFormatError, match=r"^0\.yaml#3 stringData\.password: "):
        rendered("---\n".join([encrypted(SECRET).decode(), CONFIG, bad]))


def test_a_damaged_block_is_named_with_its_document() -> None:
    with pytest.raises(MetadataError, match=r"^0\.yaml#2 "):
        rendered(CONFIG + "---\nkind: Secret\nsops: text\n---\nkind: Secret\nsops: text\n")


def test_a_plain_object_with_a_sops_entry_is_refused() -> None:
    with pytest.raises(MetadataError, match=r"^0\.yaml "):
        rendered("kind: ConfigMap\nsops: {enabled: true}\n")


def test_no_key_names_the_recipient_and_what_was_tried() -> None:
    with pytest.raises(NoIdentityMatchError, match=r"^1\.yaml: .*age1q23uhdy.*SOPS_AGE_KEY_FILE"):
        rendered(CONFIG, encrypted(SECRET, recipient=STRANGER))


@pytest.mark.parametrize("mode", ["reveal", "redact"])
def test_separately_encrypted_items_of_a_list_are_opened(mode: str) -> None:
    item = "".join(f"  {line}\n" for line in encrypted(SECRET).decode().splitlines())
    text = "apiVersion: v1\nkind: List\nitems:\n- " + item[2:]
    result = stream(text, mode=mode)
    assert "sops" not in result
    assert ("hunter2" in result) == (mode == "reveal")


@pytest.mark.parametrize("name", ["list", "secret-and-secret", "secret-data", "secret-tls"])
def test_files_of_the_real_sops_are_revealed_as_it_decrypts_them(name: str) -> None:
    assert stream(VECTORS / name / "encrypted.yaml") == (VECTORS / name / "decrypted.yaml").read_text()


def test_comments_are_revealed_in_their_places() -> None:
    folder = VECTORS / "secret-comments"
    wider = (folder / "plain.yaml").read_text().replace("\n  ", "\n    ")  # sops indents by four
    assert stream(folder / "encrypted.yaml") == wider


def test_a_json_file_of_the_real_sops_is_revealed_as_it_decrypts_it() -> None:
    folder = VECTORS / "secret-json"
    assert stream(folder / "encrypted.json") == (folder / "decrypted.json").read_text()
