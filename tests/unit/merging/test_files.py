"""The merge of encrypted files: what stays byte for byte, who can open the result, and what is refused."""

from __future__ import annotations

import pytest

from secretsync.documents.tree import Scalar
from secretsync.errors import (
    AuthenticationTagError,
    DuplicateKeyError,
    MacMismatchError,
    MetadataError,
    NoIdentityMatchError,
    PolicyError,
    SecretsyncError,
)
from secretsync.merging.conflicts import ConflictKind, Side
from secretsync.sops.selectors import Selector
from tests.unit.merging.encrypted import (
    BOB,
    BOBS,
    EVE,
    ME,
    edited,
    given_to,
    key,
    made,
    merged,
    opened,
    rotated,
    rule,
)

PLAIN = "# head\na: alpha # inline\nb: beta\nlist:\n  # one\n  - x\nopen_unencrypted: 1\n"
BASE = made(PLAIN)


def _changed(*changes: tuple[str, str], before: bytes = BASE, text: str = PLAIN) -> bytes:
    for old, new in changes:
        text = text.replace(old, new)
    return edited(before, text)


OURS = _changed(("alpha", "mine"))
THEIRS = _changed(("beta", "theirs"))


def _lines(data: bytes) -> list[str]:
    return data.decode().splitlines()


def test_two_changed_values_come_together_and_every_other_line_stays() -> None:
    result = merged(BASE, OURS, THEIRS)
    assert opened(result.text).replace("    ", "  ") == PLAIN.replace("alpha", "mine").replace("beta", "theirs")
    assert result.conflicts == ()
    new = [line.split(":")[0].strip() for line in _lines(result.text) if line not in _lines(OURS)]
    assert new == ["b", "mac"]  # both sides were changed in one second
    assert [line for line in _lines(result.text) if line.startswith("b:")] == [
        line for line in _lines(THEIRS) if line.startswith("b:")
    ]


def test_ours_stays_byte_for_byte_where_theirs_has_nothing_new() -> None:
    assert merged(BASE, OURS, BASE).text is OURS
    assert merged(BASE, OURS, OURS).text is OURS


def test_a_conflict_leaves_a_valid_file_with_ours_there_and_the_rest_merged() -> None:
    theirs = _changed(("alpha", "other"), ("beta", "theirs"))
    result = merged(BASE, OURS, theirs)
    assert [(each.kind, each.path) for each in result.conflicts] == [(ConflictKind.BOTH_CHANGED, ("a",))]
    assert "a: mine" in opened(result.text)
    assert "b: theirs" in opened(result.text)
    assert "other" not in repr(result)


@pytest.mark.parametrize(("choice", "value"), [(Side.THEIRS, "other"), (Side.OURS, "mine"), (Scalar("both"), "both")])
def test_a_choice_is_put_at_its_conflict(choice: object, value: str) -> None:
    theirs = _changed(("alpha", "other"), ("beta", "theirs"))
    result = merged(BASE, OURS, theirs, choices={1: choice})  # type: ignore[dict-item]
    assert f"a: {value}" in opened(result.text)


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_the_data_key_of_the_rotated_side_is_taken(side: str) -> None:
    ours, theirs = (rotated(OURS), THEIRS) if side == "ours" else (OURS, rotated(THEIRS))
    result = merged(BASE, ours, theirs)
    envelope = _envelope(ours if side == "ours" else theirs)
    assert envelope in result.text.decode()
    assert "a: mine" in opened(result.text)
    assert "b: theirs" in opened(result.text)
    assert bool(result.notes) == (side == "theirs")


def test_values_that_theirs_has_under_its_new_data_key_keep_their_ciphertext() -> None:
    theirs = rotated(THEIRS)
    result = merged(BASE, OURS, theirs)
    kept = [line for line in _lines(result.text) if line in _lines(theirs)]
    assert {line.split(":")[0] for line in kept} >= {"b", "list", "open_unencrypted", "sops"}


def test_two_rotated_sides_keep_the_key_of_ours_and_say_so() -> None:
    ours = rotated(OURS)
    result = merged(BASE, ours, rotated(THEIRS))
    assert _envelope(ours) in result.text.decode()
    assert result.notes == ("each side has a data key of its own: that of ours is taken",)


def _envelope(data: bytes) -> str:
    return data.decode().partition("BEGIN AGE")[2].partition("END AGE")[0]


def test_the_same_recipients_need_no_rule() -> None:
    base = made(PLAIN, groups=[[key(ME), key(BOB)]])
    theirs = _changed(("beta", "theirs"), before=base)
    result = merged(base, _changed(("alpha", "mine"), before=base), theirs)
    assert opened(result.text, keys=BOBS) == opened(result.text)


def test_recipients_that_differ_without_a_rule_are_a_conflict_and_nothing_is_taken() -> None:
    theirs = given_to(THEIRS, [key(ME), key(EVE)])
    result = merged(BASE, OURS, theirs)
    assert [each.kind for each in result.conflicts] == [ConflictKind.RECIPIENTS]
    assert result.text is OURS


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_the_side_that_has_the_recipients_of_the_rule_is_taken(side: str) -> None:
    more = [key(ME), key(BOB)]
    ours, theirs = (given_to(OURS, more), THEIRS) if side == "ours" else (OURS, given_to(THEIRS, more))
    result = merged(BASE, ours, theirs, by=rule(more))
    assert result.conflicts == ()
    assert "b: theirs" in opened(result.text, keys=BOBS)
    assert "a: mine" in opened(result.text, keys=BOBS)


def test_a_smuggled_recipient_is_dropped_where_ours_is_as_the_rule_says() -> None:
    theirs = given_to(THEIRS, [key(ME), key(EVE)])
    result = merged(BASE, OURS, theirs, by=rule([key(ME)]))
    assert str(EVE) not in result.text.decode()
    assert "b: theirs" in opened(result.text)


def test_never_a_union_where_neither_side_is_as_the_rule_says() -> None:
    ours, theirs = given_to(OURS, [key(ME), key(BOB)]), given_to(THEIRS, [key(ME), key(EVE)])
    result = merged(BASE, ours, theirs, by=rule([key(ME), key(BOB), key(EVE)]))
    assert [each.kind for each in result.conflicts] == [ConflictKind.RECIPIENTS]
    assert result.text is ours


@pytest.mark.parametrize(("side", "there"), [(Side.OURS, False), (Side.THEIRS, True)])
def test_a_person_can_take_the_recipients_of_a_side(side: Side, there: bool) -> None:
    theirs = given_to(THEIRS, [key(ME), key(EVE)])
    result = merged(BASE, OURS, theirs, choices={1: side})
    assert (str(EVE) in result.text.decode()) is there
    assert "b: theirs" in opened(result.text)


def test_a_new_data_key_of_one_side_is_wrapped_for_the_recipients_of_the_other() -> None:
    more = [key(ME), key(BOB)]
    ours, theirs = given_to(OURS, more), rotated(THEIRS)
    result = merged(BASE, ours, theirs, by=rule(more))
    assert "a: mine" in opened(result.text, keys=BOBS)
    assert "b: theirs" in opened(result.text, keys=BOBS)
    assert result.conflicts == ()


def test_a_recipient_for_whom_a_new_data_key_cannot_be_wrapped_is_a_conflict() -> None:
    rot = rotated(THEIRS)
    broken = [key(ME), key("age1broken")]
    block = b"        - enc: forged\n          recipient: age1broken\n"
    ours = OURS.replace(b"    lastmodified", block + b"    lastmodified", 1)
    result = merged(BASE, ours, rot, by=rule(broken))
    assert [each.kind for each in result.conflicts] == [ConflictKind.RECIPIENTS]
    assert result.text is ours


GROUPS = ([key(ME)], [key(ME), key(BOB)])


def test_key_groups_are_kept_as_they_are() -> None:
    base = made(PLAIN, groups=GROUPS, threshold=2)
    ours, theirs = _changed(("alpha", "mine"), before=base), _changed(("beta", "theirs"), before=base)
    result = merged(base, ours, theirs)
    start = _lines(ours).index("    key_groups:")
    assert _lines(result.text)[start : start + 20] == _lines(ours)[start : start + 20]


def test_other_key_groups_are_a_change_of_recipients() -> None:
    base = made(PLAIN, groups=GROUPS, threshold=2)
    ours = _changed(("alpha", "mine"), before=base)
    theirs = given_to(_changed(("beta", "theirs"), before=base), [key(ME)], [key(ME)], [key(ME)], threshold=2)
    assert [each.kind for each in merged(base, ours, theirs).conflicts] == [ConflictKind.RECIPIENTS]
    result = merged(base, ours, theirs, by=rule([key(ME)], [key(ME)], [key(ME)], threshold=2))
    assert result.conflicts == ()
    assert "a: mine" in opened(result.text)


MORE = Selector("unencrypted_suffix", "_clear")


def test_a_selector_that_one_side_changed_to_that_of_the_rule_is_taken_where_it_encrypts_more() -> None:
    theirs = made(PLAIN.replace("beta", "theirs"), selector=MORE)
    result = merged(BASE, OURS, theirs, by=rule([key(ME)], selector=MORE))
    assert result.conflicts == ()
    assert "open_unencrypted: ENC[" in result.text.decode()
    assert "unencrypted_suffix: _clear" in result.text.decode()


def test_the_selector_of_theirs_is_written_into_the_block_of_ours() -> None:
    ours = rotated(OURS)
    theirs = made(PLAIN.replace("beta", "theirs"), selector=MORE, mac_only=True)
    result = merged(BASE, ours, theirs, by=rule([key(ME)], selector=MORE, mac_only=True))
    assert result.conflicts == ()
    assert _envelope(ours) in result.text.decode()
    assert "open_unencrypted: ENC[" in result.text.decode()
    assert "mac_only_encrypted: true" in result.text.decode()
    assert result.by_rule
    plain = made(PLAIN.replace("beta", "theirs"))
    again = merged(result.text, rotated(result.text), plain, by=rule([key(ME)]))
    assert [each.kind for each in again.conflicts] == [ConflictKind.SELECTOR]


@pytest.mark.parametrize("changed", [False, True])
def test_what_stands_in_the_clear_below_no_mac_does_not_come_below_one(changed: bool) -> None:
    base = made(PLAIN, mac_only=True)
    theirs = edited(base, PLAIN.replace("beta", "theirs"))
    theirs = theirs.replace(b"open_unencrypted: 1", b"open_unencrypted: 2") if changed else theirs
    ours = made(PLAIN.replace("alpha", "mine"))
    result = merged(base, ours, theirs, by=rule([key(ME)]))
    assert [each.kind for each in result.conflicts] == ([ConflictKind.SELECTOR] if changed else [])
    assert (result.text is ours) is changed
    assert b"mac_only" not in result.text


def test_a_selector_that_both_changed_is_a_conflict_for_which_a_side_can_be_taken() -> None:
    ours = made(PLAIN.replace("alpha", "mine"), selector=MORE)
    theirs = made(PLAIN.replace("beta", "theirs"), selector=Selector("unencrypted_suffix", "_open"))
    result = merged(BASE, ours, theirs, by=rule([key(ME)], selector=MORE))
    assert [(each.kind, each.document) for each in result.conflicts] == [(ConflictKind.SELECTOR, 0)]
    assert result.text is ours
    for side, suffix in ((Side.OURS, "_clear"), (Side.THEIRS, "_open")):
        text = merged(BASE, ours, theirs, choices={1: side}).text
        assert f"unencrypted_suffix: {suffix}" in text.decode()
        assert "b: theirs" in opened(text)


@pytest.mark.parametrize("by", [None, rule([key(ME)]), rule([key(ME)], selector=Selector("encrypted_regex", "^b$"))])
def test_a_selector_that_encrypts_less_or_that_no_rule_has_is_a_conflict(by: object) -> None:
    theirs = made(PLAIN.replace("beta", "theirs"), selector=Selector("encrypted_regex", "^b$"))
    result = merged(BASE, OURS, theirs, by=by)  # type: ignore[arg-type]
    assert [each.kind for each in result.conflicts] == [ConflictKind.SELECTOR]
    assert result.text is OURS


def test_what_the_rule_encrypts_does_not_come_along_in_the_clear() -> None:
    clear = edited(BASE, PLAIN + "new_unencrypted: hunter2\n")
    ruled = rule([key(ME)], selector=Selector("encrypted_regex", "new"))
    with pytest.raises(PolicyError) as refused:
        merged(BASE, OURS, clear, by=ruled)
    assert "hunter2" not in f"{refused.value} {refused.value.hint}"
    assert merged(BASE, clear, _changed(("beta", "x")), by=ruled).conflicts == ()


def test_a_comment_that_selects_is_not_dropped_from_what_it_encrypts() -> None:
    selector = Selector("encrypted_comment_regex", "secret")
    base = made("a: 1\n# secret\nb: 2\n", selector=selector)
    theirs = edited(base, "a: 1\nb: 2\n")
    with pytest.raises(PolicyError):
        merged(base, edited(base, "a: 3\n# secret\nb: 2\n"), theirs)


def _mac_of(data: bytes) -> str:
    return next(line for line in _lines(data) if line.startswith("    mac:"))


def _without(data: bytes, start: str) -> bytes:
    return "".join(f"{line}\n" for line in _lines(data) if not line.startswith(start)).encode()


TAMPERED = {
    "a value removed": lambda data: _without(data, "b:"),
    "a clear value changed": lambda data: data.replace(b"open_unencrypted: 1", b"open_unencrypted: 2"),
    "two values swapped": lambda data: (
        data.replace(b"\na: ", b"\nZ: ").replace(b"\nb: ", b"\na: ").replace(b"\nZ: ", b"\nb: ")
    ),
    "the MAC of another file": lambda data: data.replace(
        _mac_of(data).encode(), _mac_of(BASE if data is not BASE else OURS).encode()
    ),
    "no MAC": lambda data: _without(data, "    mac:"),
    "an older value": lambda data: data.replace(
        next(line for line in _lines(data) if line.startswith("b:")).encode(),
        next(line for line in _lines(_changed(("beta", "stale"))) if line.startswith("b:")).encode(),
    ),
}


@pytest.mark.parametrize("place", [0, 1, 2], ids=["base", "ours", "theirs"])
@pytest.mark.parametrize("fault", [*TAMPERED])
def test_a_side_that_was_tampered_with_is_named_and_refused(place: int, fault: str) -> None:
    sides = [BASE, OURS, THEIRS]
    sides[place] = TAMPERED[fault](sides[place])  # type: ignore[no-untyped-call]
    with pytest.raises((MacMismatchError, AuthenticationTagError)) as refused:
        merged(*sides)
    assert str(refused.value).startswith(("base", "ours", "theirs")[place])


@pytest.mark.parametrize("place", [0, 1, 2], ids=["base", "ours", "theirs"])
def test_a_side_that_is_not_encrypted_is_named_and_refused(place: int) -> None:
    sides = [BASE, OURS, THEIRS]
    sides[place] = PLAIN.encode()
    with pytest.raises(MetadataError) as refused:
        merged(*sides)
    assert str(refused.value) == f"{('base', 'ours', 'theirs')[place]}: is not encrypted"


def test_a_side_of_another_format_is_refused() -> None:
    with pytest.raises(SecretsyncError):
        merged(BASE, OURS, made("a=1\n", "dotenv"))


def test_a_side_for_which_there_is_no_key_is_told_apart_from_what_is_refused() -> None:
    with pytest.raises(NoIdentityMatchError) as absent:
        merged(BASE, OURS, THEIRS, keys=BOBS)
    assert str(absent.value).startswith("base")


@pytest.mark.parametrize("store", ["json", "dotenv"])
def test_a_key_that_stands_twice_is_refused(store: str) -> None:
    plain = {"json": '{"a": "1", "a": "2"}', "dotenv": "a=1\na=2\n"}[store]
    base = made({"json": '{"a": "1"}', "dotenv": "a=1\n"}[store], store)
    with pytest.raises(DuplicateKeyError):
        merged(base, base, made(plain, store), store=store)


def test_a_file_that_both_sides_added_is_merged_from_nothing() -> None:
    ours, theirs = made("a: 1\nb: 1\n"), made("a: 1\nc: 1\n")
    result = merged(b"", ours, theirs)
    assert opened(result.text) == "a: 1\nc: 1\nb: 1\n"
    assert result.conflicts == ()


STORES = {
    "yaml": ("a: {n}\nb: {m}\n", "a: 2\nb: 3\n"),
    "json": ('{{"a": {n}, "b": {m}}}', '{\n\t"a": 2,\n\t"b": 3\n}\n'),
    "dotenv": ("# c\na={n}\n\nb={m}\n", "# c\na=2\n\nb=3\n"),
    "ini": ("[s]\na = {n}\nb = {m}\n", "[s]\na = 2\nb = 3\n"),
}


@pytest.mark.parametrize("store", [*STORES])
def test_every_store_is_merged(store: str) -> None:
    plain, _ = STORES[store]
    base = made(plain.format(n=1, m=1), store)
    ours = edited(base, plain.format(n=2, m=1), store)
    theirs = edited(base, plain.format(n=1, m=3), store)
    result = merged(base, ours, theirs, store=store)
    found, wanted = opened(result.text, store), opened(made(plain.format(n=2, m=3), store), store)
    assert "".join(found.split()) == "".join(wanted.split())
    assert result.conflicts == ()


def test_a_binary_file_that_both_changed_stays_ours() -> None:
    base = made(b"\xff\x00", "binary")
    ours, theirs = edited(base, b"\xff\x01", "binary"), edited(base, b"\xff\x02", "binary")
    result = merged(base, ours, theirs, store="binary")
    assert result.text is ours
    assert [each.path for each in result.conflicts] == [("data",)]
    assert merged(base, base, theirs, store="binary").conflicts == ()


def test_documents_share_one_block_and_stay_apart() -> None:
    plain = "a: 1\n---\nb: 1\n"
    base = made(plain)
    result = merged(base, edited(base, "a: 2\n---\nb: 1\n"), edited(base, "a: 1\n---\nb: 3\nc: 4\n"))
    assert opened(result.text) == "a: 2\n---\nb: 3\nc: 4\n"
    assert result.text.count(b"    mac: ") == 2


def test_encrypted_comments_come_along_and_open() -> None:
    theirs = edited(BASE, PLAIN + "# of new\nnew: 1 # behind\n")
    for data in (theirs, rotated(theirs)):
        result = merged(BASE, OURS, data)
        assert opened(result.text).endswith("# of new\nnew: 1 # behind\n")
        assert "# of new" not in result.text.decode()


def test_fields_of_the_block_that_nobody_knows_stay_where_only_ours_changed_them() -> None:
    odd = b"    odd: 1\n    version"
    assert b"odd: 1" in merged(BASE, OURS.replace(b"    version", odd), THEIRS).text
    found = merged(BASE, OURS, THEIRS.replace(b"    version", odd))
    assert [each.kind for each in found.conflicts] == [ConflictKind.RECIPIENTS]


def test_nothing_is_decided_by_the_clock_of_a_side() -> None:
    assert b'lastmodified: "2026-01-03T03:04:05Z"' in merged(BASE, OURS, THEIRS).text
