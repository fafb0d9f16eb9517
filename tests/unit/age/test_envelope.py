"""The file around the stanzas: armor, header and payload, whatever was cut off, added or bent."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsync import age
from secretsync.age import armor, header
from secretsync.errors import AgeArmorError, AgeHeaderError, SecretsyncError

IDENTITY = age.generate()
DATA = age.encrypt(b"text", [IDENTITY.recipient()])
ARMORED = age.encrypt(b"text", [IDENTITY.recipient()], armored=True)


class Trickle(BytesIO):
    """A raw stream that gives a few bytes at a time."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size, 7) if size is not None and size > 0 else size)


@given(st.binary(max_size=300))
def test_armor_gives_back_what_it_was_put_around(raw: bytes) -> None:
    text = armor.encode(raw)
    assert armor.is_armored(text)
    assert armor.decode(text) == armor.decode(b" \n" + text.replace(b"\n", b"\r\n") + b"\n ") == raw


BEGIN, END = armor.BEGIN + b"\n", armor.END + b"\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "first or last line"),
        (BEGIN, "first or last line"),
        (END + BEGIN, "first or last line"),
        (BEGIN + b"A\n" + END, "invalid base64"),
        (BEGIN + b"AB==\n" + END, "not canonical"),
        (BEGIN + b"AAAA" * 17 + b"\n" + END, "not canonical"),
        (b"note\n" + BEGIN + END, "text around"),
        (BEGIN + END + b"note", "text around"),
        (b"\n" * 1025 + BEGIN + END, "too much white space"),
        (BEGIN + END + b"\n" * 1025, "too much white space"),
        (b" " + BEGIN + END, "white space on the first or last line"),
        (BEGIN + armor.END + b" \n", "white space on the first or last line"),
    ],
)
def test_armor_that_is_not_strictly_formed_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(AgeArmorError, match=message):
        armor.decode(text)


STANZA = b"-> X25519 " + header.encode_base64(bytes(32)).encode() + b"\n" + b"A" * 43 + b"\n"
MAC = b"--- " + header.encode_base64(bytes(32)).encode() + b"\n"
VERSION = header.VERSION_LINE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "age file is empty"),
        (b"age-encryption.org/v2\n", "this version of the age format"),
        (b"-----BEGIN PGP MESSAGE-----\n", "not an age file"),
        (VERSION + MAC, "no recipient stanzas"),
        (VERSION + b"-> \n" + MAC, "malformed opening line"),
        (VERSION + b"->  X25519\n" + MAC, "malformed opening line"),
        (VERSION + b"-> m\xc3\xbcll\n" + MAC, "malformed opening line"),
        (VERSION + b"-> " + b"x " * 129 + b"x\n" + MAC, "malformed opening line"),
        (VERSION + b"=> X25519\n" + MAC, "malformed opening line"),
        (VERSION + b"-> X25519", "malformed opening line"),
        (VERSION + b"-> X25519\nAAAA", "ends inside a stanza"),
        (VERSION + b"-> X25519\n" + b"AAAA" * 17 + b"\n", "more than 64 columns"),
        (VERSION + b"-> X25519\nA\n", "invalid base64"),
        (VERSION + b"-> X25519\nAB\n", "not canonical"),
        (VERSION + STANZA * 1025 + MAC, "more than 1024 recipient stanzas"),
        (VERSION + b"-> " + b"x" * (2 << 20), "exceeds 2 MiB"),
        (VERSION + STANZA + b"---\n", "malformed MAC line"),
        (VERSION + STANZA + b"---- AAAA\n", "malformed MAC line"),
        (VERSION + STANZA + b"--- AAAA\n", "MAC of an age header is not 32 bytes"),
    ],
)
def test_a_malformed_header_is_refused(text: bytes, message: str) -> None:
    with pytest.raises(AgeHeaderError, match=message):
        header.parse(BytesIO(text).readline)


def test_a_header_is_written_as_it_was_read() -> None:
    read = header.parse(BytesIO(DATA).readline)
    assert DATA.startswith(read.encode())
    assert header.authenticated_part(read.stanzas) == read.authenticated


def test_a_stanza_body_of_whole_lines_ends_in_an_empty_one() -> None:
    stanza = header.Stanza("x", ("y",), bytes(96))
    lines = stanza.encode().splitlines(keepends=True)
    assert lines[-1] == b"\n"
    source = iter(lines[1:])
    assert header.read_stanza(lines[0], lambda: next(source)) == stanza


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 140_000])
def test_a_stream_of_any_size_comes_back_however_it_trickles(size: int) -> None:
    text = bytes(range(256)) * (size // 256) + bytes(size % 256)
    data = age.encrypt(text, [IDENTITY.recipient()])
    assert age.decrypt(data, [IDENTITY]) == text
    assert b"".join(age.decrypt_stream(Trickle(data), [IDENTITY])) == text


@given(st.integers(0, len(DATA) - 1))
def test_a_file_that_was_cut_off_anywhere_does_not_open(size: int) -> None:
    with pytest.raises(SecretsyncError):
        age.decrypt(DATA[:size], [IDENTITY])


@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_a_file_of_which_any_byte_was_changed_does_not_open(position: int, change: int) -> None:
    bent = bytearray(DATA)
    bent[position] ^= change
    with pytest.raises(SecretsyncError):
        age.decrypt(bytes(bent), [IDENTITY])


def test_a_file_without_a_payload_is_told_so() -> None:
    ends_at = len(header.parse(BytesIO(DATA).readline).encode()) + 15
    with pytest.raises(AgeHeaderError, match="ends before its payload"):
        age.decrypt(DATA[:ends_at], [IDENTITY])


def test_an_armored_file_opens_like_the_other() -> None:
    assert age.decrypt(ARMORED, [IDENTITY]) == b"text"
