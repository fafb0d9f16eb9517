"""What every kind of master key keeps: one class of tests on its names, and one on its service, run by each and by a toy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from secretsync import age
from secretsync.errors import (
    ConfigError,
    FormatError,
    IncorrectIdentityError,
    IntegrityError,
    KeyServiceError,
    MetadataError,
    MissingDependencyError,
    SecretsyncError,
)
from secretsync.masterkeys import MasterKeys
from secretsync.masterkeys.kinds import KINDS, Kind, of_ring_type
from secretsync.secrecy import SecretBytes
from tests.peers.gnupg import gnupg_home
from tests.toys import kind as toy

DATA_KEY = SecretBytes(bytes(range(32)))
OTHER_KEY = SecretBytes(bytes(range(33)))  # a share, which is one byte longer


class NamesContract:
    """Run by a subclass for each kind: its name, that of a key, and how else that key may be spelled."""

    kind: str
    recipient: str
    spelled = ""

    @pytest.fixture
    def record(self) -> Kind:
        """Return the record of the kind."""
        return KINDS[self.kind]

    def test_metadata_names_the_key(self, record: Kind) -> None:
        fields = {**record.fields_of(self.recipient), "enc": "…", "created_at": "2026-11-27T00:00:00Z"}
        assert record.name_of(fields) == self.recipient

    def test_a_key_group_names_the_key(self, record: Kind) -> None:
        element = record.element_of(self.recipient)
        assert (element if isinstance(element, str) else record.name_of_element(element)) == self.recipient
        assert isinstance(element, str) == (not record.group_fields)

    def test_its_spellings_are_one(self, record: Kind) -> None:
        one = record.canonical(self.recipient)
        assert one == record.canonical(one) == record.canonical(self.spelled or self.recipient)

    def test_the_key_ring_has_a_type_for_it(self, record: Kind) -> None:
        assert of_ring_type(record.ring_type(self.recipient)) is record

    def test_what_somebody_wrote_is_stored_once_and_for_all(self, record: Kind) -> None:
        assert record.stored(record.stored(self.recipient)) == record.stored(self.recipient) == self.recipient


class UnsupportedContract(NamesContract):
    """A kind without a service: named, compared and refused."""

    def test_its_keys_are_refused_by_name(self, record: Kind) -> None:
        keys = MasterKeys({})
        fields = {**record.fields_of(self.recipient), "enc": "…"}
        for use in (lambda: keys.unwrap(self.kind, fields), lambda: keys.wrap(self.kind, self.recipient, DATA_KEY)):
            with pytest.raises(MissingDependencyError, match="no support") as caught:
                use()
            assert self.recipient in str(caught.value)
        assert [type(one) for one in keys.unwrap_many(self.kind, [fields])] == [MissingDependencyError]
        assert keys.matches(self.kind, fields) in (None, False)
        assert keys.service(self.kind).alone() == {}
        assert keys.service(self.kind).sources() == []
        assert keys.canonical(self.kind, self.recipient) == record.canonical(self.recipient)


class KeyServiceContract(NamesContract):
    """Run by a subclass for each service: `keys` open what is wrapped for the recipient, `strangers` do not."""

    @pytest.fixture
    def keys(self) -> MasterKeys:
        """Return keys that hold the recipient's private half."""
        raise NotImplementedError

    @pytest.fixture
    def strangers(self) -> MasterKeys:
        """Return keys that do not."""
        return MasterKeys({})

    def test_what_it_wraps_it_unwraps(self, keys: MasterKeys, record: Kind) -> None:
        for data_key in (DATA_KEY, OTHER_KEY):
            fields = keys.wrap(self.kind, self.recipient, data_key)
            assert record.name_of(fields) == keys.recipient(self.kind, fields) == self.recipient
            assert set(fields) - {"created_at"} == {"enc", *record.fields_of(self.recipient)}
            assert MasterKeys.of(keys._context).unwrap(self.kind, fields) == data_key  # as they were

    def test_nobody_else_unwraps_it(self, keys: MasterKeys, strangers: MasterKeys) -> None:
        with pytest.raises(IncorrectIdentityError):
            strangers.unwrap(self.kind, keys.wrap(self.kind, self.recipient, DATA_KEY))

    def test_an_envelope_of_another_form_is_said_to_be_none(self, keys: MasterKeys, record: Kind) -> None:
        with pytest.raises((FormatError, IntegrityError)):
            keys.unwrap(self.kind, {**record.fields_of(self.recipient), "enc": "nonsense"})

    def test_a_field_that_is_missing_is_named(self, keys: MasterKeys) -> None:
        with pytest.raises(MetadataError, match="lacks field"):
            keys.unwrap(self.kind, {"enc": "…"})

    def test_what_names_no_key_is_not_wrapped_for(self, keys: MasterKeys) -> None:
        with pytest.raises(ConfigError):
            keys.wrap(self.kind, "nonsense", DATA_KEY)

    def test_many_are_unwrapped_in_order_and_each_once(self, keys: MasterKeys, record: Kind) -> None:
        good, other = (keys.wrap(self.kind, self.recipient, one) for one in (DATA_KEY, OTHER_KEY))
        bad = {**record.fields_of(self.recipient), "enc": "nonsense"}
        answers = keys.unwrap_many(self.kind, [good, bad, other, good])
        assert [answers[0], answers[2], answers[3]] == [DATA_KEY, OTHER_KEY, DATA_KEY]
        assert isinstance(answers[1], SecretsyncError)
        assert keys.known(self.kind, good) is keys.unwrap(self.kind, good)
        assert keys.known(self.kind, bad) is None

    def test_an_envelope_is_not_said_to_be_for_another_key(self, keys: MasterKeys) -> None:
        assert keys.matches(self.kind, keys.wrap(self.kind, self.recipient, DATA_KEY)) in (None, True)

    def test_each_identity_alone_opens_its_own(self, keys: MasterKeys, strangers: MasterKeys) -> None:
        fields = keys.wrap(self.kind, self.recipient, DATA_KEY)
        for name, context in keys.service(self.kind).alone().items():
            assert name == self.recipient
            assert MasterKeys.of(context).unwrap(self.kind, fields) == DATA_KEY
        assert self.recipient not in strangers.service(self.kind).alone()

    def test_places_say_what_is_there(self, keys: MasterKeys) -> None:
        found = keys.service(self.kind).sources()
        assert all(each.name and each.status for each in found)
        assert any(self.recipient in each.recipients for each in found)

    def test_its_canonical_names_agree_with_the_record(self, keys: MasterKeys, record: Kind) -> None:
        assert keys.canonical(self.kind, self.recipient) == record.canonical(self.recipient)

    def test_closed_keys_answer_nobody(self, keys: MasterKeys) -> None:
        fields = keys.wrap(self.kind, self.recipient, DATA_KEY)
        keys.unwrap(self.kind, fields)
        keys.close()
        with pytest.raises(KeyServiceError, match="closed"):
            keys.unwrap(self.kind, fields)
        with pytest.raises(KeyServiceError, match="closed"):
            keys.wrap(self.kind, self.recipient, DATA_KEY)


_IDENTITY = age.generate()


class TestAge(KeyServiceContract):
    """age."""

    kind = "age"
    recipient = str(_IDENTITY)
    spelled = str(_IDENTITY).upper()

    @pytest.fixture
    def keys(self) -> MasterKeys:
        """Return the identity, given by its variable."""
        return MasterKeys({"SOPS_AGE_KEY": _IDENTITY.expose()})


class TestPgp(KeyServiceContract):
    """PGP, by the real gpg."""

    kind = "pgp"
    recipient = "59D98FCA49659D6CEA8EAC9FC03D1673CBF36A73"
    spelled = "0x59d98fca49659d6cea8e ac9fc03d1673cbf36a73"
    vectors = Path(__file__).parents[2] / "vectors" / "sops" / "keys"

    @pytest.fixture
    def keys(self, peer: Callable[[str], Path]) -> Iterator[MasterKeys]:
        """Return a home of gpg with the key."""
        with gnupg_home(peer("gpg"), [self.vectors / "pgp-rsa3072.asc"]) as home:
            yield MasterKeys(home.environ)

    @pytest.fixture
    def strangers(self, peer: Callable[[str], Path]) -> Iterator[MasterKeys]:
        """Return a home of gpg with another key."""
        with gnupg_home(peer("gpg"), [self.vectors / "pgp-outsider.asc"]) as home:
            yield MasterKeys(home.environ)


class TestToy(KeyServiceContract):
    """The toy."""

    kind = "toy"
    recipient = "toy:ann"

    @pytest.fixture(autouse=True)
    def table(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put the toy into the table."""
        monkeypatch.setitem(KINDS, "toy", toy.KIND)

    @pytest.fixture
    def keys(self) -> MasterKeys:
        """Return a name that is here."""
        return MasterKeys({"TOY_IDENTITIES": "ann"})


class TestKms(UnsupportedContract):
    """AWS KMS."""

    kind = "kms"
    recipient = "arn:aws:kms:x:111122223333:key/1+arn:aws:iam::111122223333:role/r|a-b:2,a:1|me"
    spelled = " arn:aws:kms:x:111122223333:key/1 +arn:aws:iam::111122223333:role/r|a-b:2,a:1|me"

    def test_metadata_names_the_key(self, record: Kind) -> None:
        fields = record.fields_of(self.recipient)
        assert fields["context"] == {"a": "1", "a-b": "2"}
        assert record.name_of(fields) == self.recipient.replace("a-b:2,a:1", "a:1,a-b:2")

    def test_a_key_group_names_the_key(self, record: Kind) -> None:
        sorted_name = self.recipient.replace("a-b:2,a:1", "a:1,a-b:2")
        element = record.element_of(sorted_name)
        assert isinstance(element, dict)
        assert record.name_of_element(element) == sorted_name

    def test_its_keys_are_refused_by_name(self, record: Kind) -> None:
        self.recipient = "arn:aws:kms:x:111122223333:key/1"
        super().test_its_keys_are_refused_by_name(record)


class TestGcpKms(UnsupportedContract):
    """Google Cloud KMS."""

    kind, recipient = "gcp_kms", "projects/p/locations/l/keyRings/r/cryptoKeys/k"


class TestHckms(UnsupportedContract):
    """HuaweiCloud KMS."""

    kind, recipient = "hckms", "region:uuid"


class TestAzure(UnsupportedContract):
    """Azure Key Vault."""

    kind, recipient = "azure_kv", "https://v.vault.azure.net/keys/k/1"


class TestVault(UnsupportedContract):
    """Vault transit."""

    kind, recipient, spelled = "hc_vault", "https://vault:8200/v1/sops/keys/k", "https://vault:8200/v1/sops/keys/k/"

    def test_an_envelope_has_the_form_of_vault(self) -> None:
        fields = KINDS[self.kind].fields_of(self.recipient)
        keys = MasterKeys({})
        assert keys.matches(self.kind, {**fields, "enc": "vault:v1:abc"}) is True
        assert keys.matches(self.kind, {**fields, "enc": "vault:v01:abc"}) is False
