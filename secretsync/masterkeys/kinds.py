"""Every kind of master key as one record: its names in files, rules, flags and the key ring, and the service to load.

Nobody else spells a kind. What a record holds is plain text and dicts, so that the formats above can ask it and nothing
heavy loads with it. A new kind is a service (see `protocol`) and a record in `KINDS`; without a service its keys are
still read, compared, written into rules, and refused by name.
Source: sops config/config.go, cmd/sops/main.go, stores/stores.go, and the ToString methods of keysource.go at v3.13.3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple, TypeAlias

import secretsync.masterkeys.spelling as spelling

Fields: TypeAlias = Mapping[str, object]
Spelled: TypeAlias = Callable[[str], str]


class IdentityField(NamedTuple):
    """A field of `identities` in the hook's configuration, which holds a path or, with `several`, a list of them."""

    name: str
    several: bool = False
    variable: str = ""
    """The variable of the service's environment that the path goes into; else `reader` reads it at the start."""
    reader: str = ""
    """`module:function` that returns the age identities in a file."""


class Kind(NamedTuple):
    """What is known of a kind of master key before its service is loaded. `name` is its list in a file's metadata."""

    name: str
    title: str
    """What its names are called in help."""
    rule_list: str
    """Its list in a creation rule; in a key group it may have another name."""
    group_list: str
    flag: str
    """Its option of `encrypt` without hyphens; `add-` and `rm-` go in front for `rotate`."""
    variable: str
    """What stands in for the flag in the environment."""
    ring_types: tuple[str, ...]
    """What the key ring calls its keys, by `ring_type`."""
    name_of: Callable[[Fields], str]
    """Returns what names the key whose metadata fields these are. Raises: MetadataError."""
    fields_of: Callable[[str], dict[str, object]]
    """Returns the metadata fields that name a key."""

    service: str = ""
    """`module:class` of its service, empty where this installation has none."""
    short_flag: str = ""
    rule_turn: int = 2
    """Its place among the lists of a rule, the lowest first."""
    flag_turn: int = 0
    """Its place among keys given by flags or variables, the lowest first."""

    canonical: Spelled = str.strip
    """Returns the one spelling that stands for all spellings of a name."""
    whole: Spelled = str
    """Returns the name of the whole key for that of a part of it, both canonical."""
    stored: Spelled = str
    """Returns a name that somebody wrote as sops stores it."""
    kept: Spelled = str
    """Returns a name that somebody handed in as the key ring keeps it."""
    piece: Spelled = spelling.last_word
    """Returns the part of a name by which the text of a file tells that it names the key."""
    only_parts: bool = False
    """Whether a file holds its names in parts that tell nothing, so that it has to be read."""
    starts: tuple[str, ...] = ()
    """What its names start with."""
    pattern: str = ""
    """The RE2 pattern that tells a name from other texts; `type_of` does so where none is given."""
    type_of: Callable[[str], str | None] = lambda _: None
    """Returns the ring type of a text that is a name of this kind by its form."""
    check: str = ""
    """`module:function` that raises where a name cannot be encrypted for, without asking anybody."""
    weakness: str = ""
    """`module:function` that returns what is wrong with a key that can be encrypted for, or None."""
    post_quantum: tuple[str, ...] = ()
    """What the names of its post-quantum keys start with."""

    group_fields: tuple[tuple[str, str], ...] = ()
    """The fields of a key group's element and those of metadata they are; none where an element is the name."""
    mapping_fields: tuple[str, ...] = ()
    """Which of them hold a mapping; the others are text."""
    group_commas: bool = False
    """Whether a text in a key group may hold several names."""
    rule_text: bool = True
    """Whether a rule may give its names as one text with commas between them."""
    rule_profile: str = ""
    """A key beside a rule's list whose value belongs to each of its names."""
    context_mark: str = ""
    """What begins the part of a name that only a key group can spell, and in which commas separate nothing."""

    records_created_at: bool = True
    always_written: bool = False
    """Whether sops writes its list into a key group even where it is empty, as it lacks omitempty there."""
    unattended: bool = False
    """Whether identities of this machine open its envelopes without asking a person, a program or a service."""
    together: bool = False
    """Whether its service answers many questions in about the time of one."""
    is_service: bool = True
    """Whether the private half is held by a key management service, not by whoever uses it."""
    envelope_mark: str = ""
    """What an envelope of it, and of no other kind, holds."""
    envelope_form: Callable[[str], bool] | None = None
    """Whether an envelope has the form that its service gives it; needed only where no service of ours can say."""
    armored_folder: str = ""
    """Where in the key ring its public keys lie, each `NAME.asc`; empty where a name is all it takes."""
    armor_mark: str = ""
    """What such a public key begins with."""
    identity_fields: tuple[IdentityField, ...] = ()

    def ring_type(self, name: str) -> str:
        """Return what the key ring calls a key of this kind."""
        return self.type_of(name) or self.ring_types[0]

    def element_of(self, name: str) -> str | dict[str, object]:
        """Return how a key group spells a key: as its name or by fields."""
        fields = self.fields_of(name)
        return {ours: fields[theirs] for ours, theirs in self.group_fields if theirs in fields} or name

    def name_of_element(self, fields: Fields) -> str:
        """Return the name of the key that an element of a key group gives by fields."""
        return self.name_of({theirs: fields[ours] for ours, theirs in self.group_fields if ours in fields})

    def is_post_quantum(self, name: str) -> bool:
        """Whether a quantum computer would not open what is wrapped for this key."""
        return name.startswith(self.post_quantum)


KINDS: Final[dict[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(
            "kms", "AWS KMS keys", "kms", "kms", "kms", "SOPS_KMS_ARN", ("aws-kms",),
            spelling.kms_name, spelling.kms_fields, short_flag="k",
            canonical=spelling.kms, piece=spelling.kms_piece, starts=("arn:",), pattern=spelling.KMS,
            group_fields=tuple((name, name) for name in ("arn", "role", "context", "aws_profile")),
            mapping_fields=("context",), rule_profile="aws_profile", context_mark="|",
        ),
        Kind(
            "gcp_kms", "Google Cloud KMS keys", "gcp_kms", "gcp_kms", "gcp-kms", "SOPS_GCP_KMS_IDS", ("gcp-kms",),
            *spelling.one_field("resource_id"),
            canonical=spelling.without_spaces, starts=("projects/",), pattern=spelling.GCP_KMS,
            group_fields=(("resource_id", "resource_id"),),
        ),
        Kind(
            "hckms", "HuaweiCloud KMS keys", "hckms", "hckms", "hckms", "SOPS_HUAWEICLOUD_KMS_IDS", ("huawei-kms",),
            *spelling.one_field("key_id"), group_fields=(("key_id", "key_id"),), rule_text=False,
        ),
        Kind(
            "azure_kv", "Azure Key Vault keys", "azure_keyvault", "azure_keyvault", "azure-kv",
            "SOPS_AZURE_KEYVAULT_URLS", ("azure-kv",), spelling.azure_name, spelling.azure_fields,
            canonical=spelling.without_slash, piece=spelling.azure_piece, starts=("https://",), pattern=spelling.AZURE,
            group_fields=(("vaultUrl", "vault_url"), ("key", "name"), ("version", "version")),
        ),
        Kind(
            "hc_vault", "Vault transit keys", "hc_vault_transit_uri", "hc_vault", "hc-vault-transit",
            "SOPS_VAULT_URIS", ("vault-transit",), spelling.vault_name, spelling.vault_fields, flag_turn=2,
            canonical=spelling.without_slash, only_parts=True, starts=("http://", "https://"),
            pattern=spelling.VAULT, always_written=True, envelope_form=spelling.is_vault_envelope,
        ),
        Kind(
            "pgp", "PGP fingerprints", "pgp", "pgp", "pgp", "SOPS_PGP_FP", ("pgp",), *spelling.one_field("fp", "pgp"),
            service="secretsync.masterkeys.pgp:PgpService", short_flag="p", rule_turn=1, flag_turn=1,
            canonical=spelling.pgp, whole=spelling.pgp_certificate, stored=lambda name: name.replace(" ", ""),
            type_of=lambda text: "pgp" if spelling.is_fingerprint(text) else None, is_service=False,
            envelope_mark="-----BEGIN PGP MESSAGE-----", armored_folder="pgp",
            armor_mark="-----BEGIN PGP PUBLIC KEY BLOCK-----",
            identity_fields=(IdentityField("gnupg_home", variable="GNUPGHOME"),),
        ),
        Kind(
            "age", "age recipients", "age", "age", "age", "SOPS_AGE_RECIPIENTS",
            spelling.AGE_TYPES, *spelling.one_field("recipient", "age"),
            service="secretsync.masterkeys.age:AgeService", short_flag="a", rule_turn=0, flag_turn=3,
            canonical=spelling.age, kept=spelling.age, type_of=spelling.age_type, check="secretsync.age:parse_recipient",
            weakness="secretsync.masterkeys.ssh_strength:weakness", post_quantum=(spelling.POST_QUANTUM,),
            group_commas=True, records_created_at=False, always_written=True, unattended=True, is_service=False,
            identity_fields=(
                IdentityField("age", several=True, reader="secretsync.masterkeys.age_files:read"),
                IdentityField("ssh", reader="secretsync.masterkeys.age_files:read_ssh"),
            ),
        ),
    )
}  # fmt: skip
"""Kinds by name, in the order in which sops loads them from a file. Source: stores.go `internalGroupFrom`."""

DEMO_RECIPIENTS: Final = frozenset(
    {
        "age1ldjrtxyfk8lnw6pteyhqlh692udwlgz5r86n9m8lq92k6vd7q5hslexcfk",
        "age1c8aqaewpxdztvgurgzcnt4mgputrd3k39elfttnhl2lrjyrpwavqnkzqrm",
    }
)
"""Names whose private keys lie in this repository (examples/demo-keys): they protect nothing."""

DECRYPTION_ORDER: Final = ("age", "pgp")
"""Kinds tried first. Source: sops.go `DefaultDecryptionOrder`."""

FALLBACK: Final = "age"
"""What an envelope counts as where its text does not tell."""


def in_rules() -> list[Kind]:
    """Return the kinds in the order that their lists have in a rule. Source: `getKeyGroupsFromCreationRule`."""
    return sorted(KINDS.values(), key=lambda kind: kind.rule_turn)


def in_flags() -> list[Kind]:
    """Return the kinds in the order that keys given by flags get in a file. Source: main.go `keyGroups`."""
    return sorted(KINDS.values(), key=lambda kind: kind.flag_turn)


def usable(kinds: Iterable[Kind]) -> list[Kind]:
    """Return those that this installation has a service for."""
    return [kind for kind in kinds if kind.service]


def unattended() -> list[Kind]:
    """Return those whose envelopes this machine opens without asking anybody."""
    return [kind for kind in usable(KINDS.values()) if kind.unattended]


def of_ring_type(ring_type: str) -> Kind:
    """Return the kind of a key that the key ring calls so. Raises: KeyError."""
    return next((kind for kind in KINDS.values() if ring_type in kind.ring_types), None) or KINDS[ring_type]


def of_envelope(text: str) -> Kind:
    """Return the kind of an envelope that stands alone."""
    marked = (kind for kind in KINDS.values() if kind.envelope_mark and kind.envelope_mark in text)
    return next(marked, KINDS[FALLBACK])


def canonical(kind: str, name: str) -> str:
    """Return a name in the spelling that stands for all of its spellings; only the text is looked at.

    What is no name of the kind comes back without the white space around it. What a short PGP id or a subkey belongs
    to, gpg knows: see `MasterKeyService.canonical`.
    """
    known = KINDS.get(kind)
    return known.canonical(name.strip()) if known else name.strip()


def whole(kind: str, spelled: str) -> str:
    """Return the canonical name of a key for that of a part of it: of the certificate for that of a subkey."""
    known = KINDS.get(kind)
    return known.whole(spelled) if known else spelled
