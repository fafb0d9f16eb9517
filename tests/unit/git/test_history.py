"""History as rotation asks for it, with file names that no separator but NUL survives."""

from __future__ import annotations

import os

import pytest

from secretsync.git import Repository
from secretsync.git.commits import parse
from secretsync.sops.recognition import spellings
from tests.unit.git.repositories import Made

ODD = (
    b"a\x1eb",
    b"a\x1f2020-01-01T00:00:00+00:00\x1f",
    b"line\nbreak",
    b":100644 100644 0000000000000000000000000000000000000000 0000000000000000000000000000000000000000 M",
    b"0123456789012345678901234567890123456789",
    b'"quoted"',
    b"-rf",
    b":(top)magic",
    b"*.yaml",
    b"not-utf-8-\xff",
    b" blank ",
    b"tab\there",
    b"\xc3\xa9",
)


@pytest.mark.parametrize("name", ODD)
def test_a_file_is_found_and_read_whatever_it_is_called(made: Made, name: bytes) -> None:
    made.write(b"folder/" + name, "the text")
    commit, path = made.commit(), "folder/" + os.fsdecode(name)
    repository = Repository.containing(made.root)
    assert list(repository.blobs(commit)) == [path]
    assert list(repository.blobs(commit, path)) == [path]
    assert repository.read(commit, path) == b"the text"
    assert repository.files_with(commit, b"the text") == [path]
    assert {name for name, _ in repository.history.brought_in()[0]} == {path}
    assert [change.path for change in repository.history.arrivals(commit)] == [path]
    assert repository.history.last_authors(commit, [path]) == {path: "test@example.org"}
    assert repository.listed(str(made.root)) == [path]


@pytest.mark.parametrize("name", ODD)
def test_an_odd_name_changes_nothing_for_other_files(made: Made, name: bytes) -> None:
    made.write("plain", "1")
    first = made.commit(date="2024-05-06T07:08:09+02:00")
    made.write(name, "2")
    made.commit()
    (made.root / os.fsdecode(name)).unlink()
    last = made.commit()
    history = Repository.containing(made.root).history
    (change,) = (one for one in history.arrivals(last) if one.path == "plain")
    assert [(one.commit, one.date) for one in history.entries([change.commit])] == [
        (first, "2024-05-06T07:08:09+02:00")
    ]


def test_a_file_with_an_odd_name_that_changed_is_dirty(made: Made) -> None:
    paths = [os.fsdecode(name) for name in ODD]
    for name in ODD:
        made.write(name, "1")
    made.commit()
    repository = Repository.containing(made.root)
    assert repository.dirty(paths) == []
    for name in ODD[::2]:
        made.write(name, "22")
    assert repository.dirty(paths) == sorted(paths[::2])


def test_changes_follow_the_first_parents_and_history_all_of_them(made: Made) -> None:
    made.write("base", "0")
    made.commit()
    made.git("checkout", "-q", "-b", "side")
    made.write("side", "1")
    side = made.commit()
    made.git("checkout", "-q", "main")
    made.write("other", "2")
    made.commit()
    made.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    merge = made.text("rev-parse", "HEAD")
    history = Repository.containing(made.root).history
    assert [change.commit for change in history.arrivals(merge) if change.path == "side"] == [merge, side]
    assert {path for path, _ in history.brought_in()[0]} == {"base", "side", "other"}
    found = history.introduced(merge, "side", b"1")
    assert found is not None
    assert found.commit == side
    assert history.introduced(merge, "side", b"absent") is None


def test_what_brought_a_text_in_is_the_last_commit_that_did(made: Made) -> None:
    for number, text in enumerate(("key", "", "key", "key and more")):
        made.write("file", text)
        made.commit(str(number))
    found = Repository.containing(made.root).history.introduced(made.text("rev-parse", "HEAD"), "file", b"key")
    assert found is not None
    assert found.message == "2"


def test_replacements_and_grafts_show_no_other_history(made: Made) -> None:
    made.write("a", "1")
    first = made.commit()
    made.write("a", "2")
    second = made.commit()
    before = Repository.containing(made.root).history.arrivals(second)
    made.git("replace", first, second, env={"GIT_NO_REPLACE_OBJECTS": ""})
    (made.root / ".git/info/grafts").write_text(f"{second}\n")
    assert Repository.containing(made.root).history.arrivals(second) == before
    assert len(before) == 2


def test_files_of_many_refs_are_searched_whatever_a_tag_names(made: Made) -> None:
    made.write("keys/a", "needle")
    made.write("deep/er/b", "a needle here")
    first = made.commit()
    made.write("deep/er/b", "gone")
    second = made.commit()
    made.git("tag", "-m", "inner", "inner", first)
    made.git("tag", "-m", "outer", "outer", "inner")
    made.git("tag", "tree", f"{first}^{{tree}}")
    made.git("tag", "blob", f"{first}:keys/a")
    repository = Repository.containing(made.root)
    named = set(repository.refs().values())
    assert {first, second} < named
    found = repository.files_of(sorted(named), b"needle", but_not=("keys",))
    assert found.pop(first) == ["deep/er/b"]
    assert set(map(tuple, found.values())) == {("deep/er/b",)}
    assert second not in found


def test_a_text_is_found_in_a_file_larger_than_what_is_read_at_once(made: Made) -> None:
    for number, at in enumerate((0, 1024 * 1024 - 3, 3 * 1024 * 1024 - 6)):
        data = bytearray(b"." * (3 * 1024 * 1024))
        data[at : at + 6] = b"needle"
        made.write(f"large-{number}", bytes(data))
    made.write("none", b"needl" * 500_000)
    commit = made.commit()
    assert Repository.containing(made.root).files_with(commit, b"absent", b"needle") == [
        "large-0",
        "large-1",
        "large-2",
    ]


@pytest.mark.parametrize(
    ("line", "date"),
    [
        ("1767315845 +0200", "2026-01-02T03:04:05+02:00"),
        ("1767315845 -0330", "2026-01-01T21:34:05-03:30"),
        ("1767315845 +9999", "2026-01-02T01:04:05+00:00"),
        ("99999999999999999999 +0000", "1970-01-01T00:00:00+00:00"),
        ("never", "1970-01-01T00:00:00+00:00"),
        ("", "1970-01-01T00:00:00+00:00"),
    ],
)
def test_a_date_that_no_calendar_has_is_no_error(line: str, date: str) -> None:
    data = f"tree 0\nauthor A <a@b> 1 +0000\ncommitter C <c@d> {line}\n\nsubject\n\nSecretsync-Op: x\n".encode()
    entry = parse("0" * 40, data)
    assert (entry.author, entry.address, entry.date, entry.trailer("Secretsync-Op")) == ("A <a@b>", "a@b", date, "x")


@pytest.mark.parametrize("encoding", ["", "latin-1", "punycode", "base64", "no such thing", "\xff"])
def test_an_encoding_that_nobody_knows_is_no_error(encoding: str) -> None:
    data = f"tree 0\nencoding {encoding}\nauthor M\xfcller <m@b> 1 +0000\n\nh\xfc\n".encode("latin-1")
    assert parse("0" * 40, data).author.startswith("M")


def test_a_commit_without_an_author_is_no_error() -> None:
    assert parse("0" * 40, b"tree 0").author == ""


def test_history_is_read_where_objects_are_named_by_sha256(made: Made) -> None:
    other = Made(made.root.parent / "wide", "--object-format=sha256")
    other.write("a", "the text")
    commit = other.commit()
    repository = Repository.containing(other.root)
    assert repository.files_with(commit, b"the text") == ["a"]
    assert [change.path for change in repository.history.arrivals(commit)] == ["a"]


def test_a_corrupt_date_in_a_real_commit_ends_nothing(made: Made) -> None:
    made.write("a", "1")
    tree = made.text("rev-parse", f"{made.commit()}^{{tree}}")
    raw = f"tree {tree}\nauthor A <a@b> 99999999999999999999 +0000\ncommitter A <a@b> x y\n\nodd\n".encode()
    commit = made.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", source=raw).decode().strip()
    history = Repository.containing(made.root).history
    assert [entry.date for change in history.arrivals(commit) for entry in history.entries([change.commit])] == [
        "1970-01-01T00:00:00+00:00"
    ]


def test_a_spelling_is_found_where_what_is_read_at_once_cuts_it(made: Made) -> None:
    word = "".join(f"\\u{ord(letter):04x}" for letter in "needle").encode("utf-16-le")
    for number, before in enumerate(range(2, len(word), 7)):
        made.write(f"cut-{number}", b"." * (1024 * 1024 - before) + word + b"." * 1024 * 1024)
    made.write("none", b"." * 1024 * 1024)
    commit = made.commit()
    repository = Repository.containing(made.root)
    found = repository.files_of([commit], b"needle", spellings=spellings)[commit]
    assert len(found) == number + 1
    assert repository.files_with(commit, b"needle") == []
