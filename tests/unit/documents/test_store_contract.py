"""What every store keeps, whatever its format: one class of tests, run by sops' five and by a toy."""

from __future__ import annotations

import pytest

from secretsync import sops
from secretsync.documents.stores import FALLBACK, STORES, Store, by_content, store_for_path, store_named
from secretsync.documents.tree import Comment, Entry, Limits, Mapping, Node, Scalar, Sequence
from secretsync.errors import LimitError, SecretsyncError, TreeError
from secretsync.sops.recognition import carried_store, may_be_encrypted, store_of
from tests.toys import store as toy
from tests.unit.sops.golden import FixedKeys
from tests.unit.sops.trees import NOW, ONE

UNLIMITED = Limits.unbounded()


class StoreContract:
    """Run by a subclass for each store: its name, a text of it, and the value that text holds."""

    name: str
    text: bytes
    suffix: str = ""
    value = "canary"

    @pytest.fixture
    def store(self) -> Store:
        """Return the store."""
        return store_named(self.name)

    def _encrypted(self, store: Store, keys: FixedKeys | None = None) -> bytes:
        source = store.load(self.text, limits=UNLIMITED)
        return sops.encrypt(source, groups=ONE, keys=keys or FixedKeys(), now=NOW)

    def test_its_name_is_that_of_the_table(self, store: Store) -> None:
        assert self.name == store.NAME
        assert store.load(self.text, limits=UNLIMITED).store == self.name

    def test_its_suffixes_lead_to_it(self) -> None:
        assert store_for_path(f"a{self.suffix}") == self.name
        assert all(store_for_path(f"a.b{suffix}") == self.name for suffix in STORES[self.name].suffixes)

    def test_nothing_changed_gives_the_same_bytes(self, store: Store) -> None:
        source = store.load(self.text, limits=UNLIMITED)
        assert store.rewrite(source, source.documents) == self.text

    def test_what_it_writes_it_reads(self, store: Store) -> None:
        written = store.dump(store.load(self.text, limits=UNLIMITED).documents)
        assert store.dump(store.load(written, limits=UNLIMITED).documents) == written
        assert self.value.encode() in written

    def test_its_example_is_a_file_of_its_own(self, store: Store) -> None:
        assert store.load(store.EXAMPLE, limits=UNLIMITED).documents

    def test_a_file_larger_than_its_limit_is_refused(self, store: Store) -> None:
        with pytest.raises(LimitError):
            store.load(self.text, limits=UNLIMITED._replace(size=len(self.text) - 1))

    def test_foreign_bytes_are_read_or_refused_in_words(self, store: Store) -> None:
        for data in (b"\xff\xfe\x00", b"\x00", b"{", b"[", b'"', b"=", b": :"):
            try:
                store.load(data, limits=UNLIMITED)
                store.load(data, limits=UNLIMITED, encrypted=True)
            except SecretsyncError:
                continue

    def test_it_takes_as_many_documents_as_it_says(self, store: Store) -> None:
        documents = store.load(self.text, limits=UNLIMITED).documents * 2
        if store.SEVERAL_DOCUMENTS:
            assert len(store.load(store.dump(documents), limits=UNLIMITED).documents) == 2
        else:
            with pytest.raises(TreeError):
                store.dump(documents)

    def test_it_nests_as_it_says(self, store: Store) -> None:
        deep = Mapping([Entry(Scalar("data"), Mapping([Entry(Scalar("b"), Sequence([Scalar("c")]))]))])
        if store.NESTED:
            assert store.load(store.dump([deep]), limits=UNLIMITED).documents[0].get("data") is not None
        else:
            with pytest.raises(TreeError):
                store.dump([deep])

    def test_it_holds_comments_as_it_says(self, store: Store) -> None:
        root = store.load(self.text, limits=UNLIMITED).documents[0]
        top = root.items[-1]
        if isinstance(top, Entry) and isinstance(top.value, Mapping):  # a section: no comment stands outside of one
            top.value.items.insert(0, Comment(" remark"))
        else:
            root.items.insert(0, Comment(" remark"))
        written = store.dump([root])
        assert (b"remark" in written) is store.COMMENTS

    def test_encrypted_it_opens_again(self, store: Store) -> None:
        keys = FixedKeys()
        data = self._encrypted(store, keys)
        assert self.value.encode() not in data
        opened = sops.decrypt(store.load(data, limits=UNLIMITED, encrypted=True), keys)
        assert store.dump(opened.documents) == store.dump(store.load(self.text, limits=UNLIMITED).documents)

    def test_an_encrypted_file_is_told_by_its_marks(self, store: Store) -> None:
        data = self._encrypted(store)
        assert may_be_encrypted(data, self.name)
        assert store_of(f"a{self.suffix}", data) == self.name
        assert not may_be_encrypted(self.text, self.name)

    def test_its_mac_is_told_where_a_secret_carries_it(self, store: Store) -> None:
        data = self._encrypted(store)
        assert store.carries_mac(data)
        assert not store.carries_mac(self.text)
        assert carried_store(data) in {self.name, "json"}
        assert store.MAC_MARK in data

    def test_only_the_plain_form_can_collide_with_the_metadata(self, store: Store) -> None:
        plain = store.load(self.text, limits=UNLIMITED)
        assert not any(store.is_reserved(document) for document in plain.documents)

    def test_it_extracts_a_text_or_refuses(self, store: Store) -> None:
        node: Node = Scalar("text")
        if store.ONE_VALUE:
            with pytest.raises(TreeError):
                store.emit_value(node)
        else:
            assert b"text" in store.emit_value(node)

    def test_it_is_tried_by_content_unless_it_takes_everything(self) -> None:
        assert (self.name in by_content()) is (self.name != FALLBACK)


class TestYaml(StoreContract):
    name, suffix, text = "yaml", ".yaml", b"a:   canary # kept\nb: [1,2]\n"


class TestJson(StoreContract):
    name, suffix, text = "json", ".json", b'{"a":   "canary", "b": [1,2]}\n'


class TestDotenv(StoreContract):
    name, suffix, text = "dotenv", ".env", b"# first\nA=canary\n\nB=2\n"


class TestIni(StoreContract):
    name, suffix, text = "ini", ".ini", b"; first\n[a]\nb=canary\n"


class TestBinary(StoreContract):
    name, text = "binary", b"canary\n\ttext"


class TestToy(StoreContract):
    """A store that no module knows: one row of the table makes it one."""

    name, suffix, text = toy.NAME, ".arrows", b'% first\na -> "canary"\nb -> "2"\n'

    @pytest.fixture(autouse=True)
    def registered(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Give the table its row."""
        monkeypatch.setitem(STORES, toy.NAME, toy.ENTRY)


def test_every_store_of_the_table_runs_the_contract() -> None:
    assert {each.name for each in StoreContract.__subclasses__()} >= STORES.keys()
