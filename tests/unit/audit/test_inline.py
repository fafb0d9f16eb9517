"""What an ignore comment covers, in YAML, dotenv and INI."""

from __future__ import annotations

import pytest

from secretsync.audit import inline
from secretsync.audit.outline import outline, place_of

SECRET = """\
# secretsync: ignore plaintext-secret test data
apiVersion: v1
kind: Secret
metadata: {name: a, namespace: shop}  # secretsync: ignore suspect behind a value
stringData:  # secretsync: ignore clear-value all of these
  # secretsync: ignore no-key only the next
  user: u
  password: |
    # secretsync: ignore suspect this is text, and no comment
    p
items:
- name: x  # secretsync: ignore demo-key the field
  # secretsync: ignore suspect the next item
- {name: y}
"""


def _grants(text: str, name: str = "a.yaml") -> list[inline.Grant]:
    found = inline.read(name, name, text.encode())
    assert found.mistakes == []
    return found.grants


def test_each_comment_covers_what_stands_in_its_line_or_follows_it() -> None:
    assert [(one.rule, one.path, one.first, one.last) for one in sorted(_grants(SECRET), key=lambda one: one.line)] == [
        ("plaintext-secret", "", 1, 14),
        ("suspect", "metadata", 4, 4),
        ("clear-value", "stringData", 5, 10),
        ("no-key", "stringData.user", 7, 7),
        ("demo-key", "items[0].name", 12, 12),
        ("suspect", "items[1]", 14, 14),
    ]
    assert {one.owner for one in _grants(SECRET)} == {"Secret shop/a"}


@pytest.mark.parametrize(
    ("place", "covered"),
    [
        ("", False),
        ("#1", False),
        ("stringData", True),
        ("#1 stringData.user", True),
        ("stringData[0]", True),
        ("stringDatas", False),
        ("data.user", False),
        ("line 5", True),
        ("line 10", True),
        ("line 11", False),
        ("#2 stringData.user", False),
        ("#2 line 5", False),
    ],
)
def test_a_comment_at_a_field_covers_what_is_in_it(place: str, covered: bool) -> None:
    (grant,) = [one for one in _grants(SECRET) if one.rule == "clear-value"]
    assert grant.covers("clear-value", place_of(place)) == covered
    assert not grant.covers("suspect", place_of(place))


def test_a_comment_in_front_of_a_document_covers_it_and_no_other() -> None:
    text = "a: 1\n---\n# secretsync: ignore suspect it is odd\nb: 1\n---\nc: 1\n"
    (grant,) = _grants(text)
    assert [grant.covers("suspect", place_of(each)) for each in ("", "#1", "#2", "#2 b", "#3 c")] == [
        False, False, True, True, False,
    ]  # fmt: skip


def test_a_comment_in_front_of_a_file_covers_what_is_said_of_all_of_it() -> None:
    for text in (
        "# secretsync: ignore suspect it is odd\na: 1\n",
        "# secretsync: ignore suspect it is odd\n---\na: 1\n",
    ):
        (grant,) = _grants(text)
        assert grant.covers("suspect", place_of(""))
        assert grant.covers("suspect", place_of("line 1"))
        assert grant.covers("suspect", place_of("a"))


def test_a_document_that_does_not_parse_takes_no_comment_from_the_others() -> None:
    text = "{{ if x }}\na: 1\n---\n# secretsync: ignore suspect it is odd\nb: {c: 1}\n"
    (grant,) = _grants(text)
    assert (grant.document, grant.first, grant.last) == (2, 3, 5)
    assert [part.number for part in outline("a.yaml", text.encode())] == [2]


@pytest.mark.parametrize("name", ["a.env", "a.ini"])
def test_a_comment_in_a_file_of_lines_covers_the_next_key_or_at_its_head_all(name: str) -> None:
    text = (
        "# secretsync: ignore suspect all\n\nA=1\n# secretsync: ignore no-key one\nB=2 # secretsync: ignore x y\nC=3\n"
    )
    whole, one = _grants(text, name)
    assert (whole.path, whole.first, whole.last) == ("", 1, 6)
    assert (one.path, one.first, one.last) == ("B", 5, 5)


def test_a_comment_in_front_of_a_section_covers_it() -> None:
    text = "[a]\nx=1\n; secretsync: ignore no-key all of b\n[b]\ny=1\nz=1\n[c]\n; secretsync: ignore suspect w\nw=1\n"
    section, key = _grants(text, "a.ini")
    assert (section.path, section.first, section.last) == ("b", 4, 6)
    assert (key.path, key.first, key.last) == ("c.w", 9, 9)


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        ("ignore", "gives no rule"),
        ("ignore suspect", "gives no reason"),
        ("ignore suspekt because", "no rule is called 'suspekt'"),
        ("ignored suspect because", "says 'ignored'"),
        ("Ignore suspect because", "says 'Ignore'"),
        ("ignore private-key-in-repository because", "not for whoever writes the file"),
        ("ignore extra-recipient because", "not for whoever writes the file"),
        ("ignore ignore-comment because", "not for whoever writes the file"),
    ],
)
def test_a_mistake_in_a_comment_is_a_finding_and_accepts_nothing(comment: str, message: str) -> None:
    for name, text in (("a.yaml", f"# secretsync: {comment}\na: 1\n"), ("a.env", f"# secretsync: {comment}\nA=1\n")):
        found = inline.read(name, name, text.encode())
        assert found.grants == []
        (mistake,) = found.mistakes
        assert (mistake.rule, mistake.line) == ("ignore-comment", 1)
        assert message in mistake.message


@pytest.mark.parametrize(
    "text", ["a: 1\n# secretsync: ignore suspect late\n", "a: [1,\n  2\n] # secretsync: ignore suspect x\n"]
)
def test_a_comment_that_covers_nothing_is_a_finding(text: str) -> None:
    found = inline.read("a.yaml", "a.yaml", text.encode())
    assert found.grants == []
    assert "covers nothing" in found.mistakes[0].message


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.md", "# secretsync: ignore nothing-here x\n"),
        ("a.json", '{"a": "# secretsync: ignore nothing-here x"}'),
        ("a.yaml", "# secretsync: see the handbook\n# secretsync is a tool\na: 1\n"),
        ("a.yaml", "a: '# secretsync: ignore nothing-here x'\n"),
        ("a.env", "A='# secretsync: ignore nothing-here x'\n"),
    ],
)
def test_what_is_no_such_comment_is_left_alone(name: str, text: str) -> None:
    assert inline.read(name, name, text.encode()) == inline.Comments([], [])


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", (0, "", 0)),
        ("#2", (2, "", 0)),
        ("#2 items[0] data.password", (2, "items[0].data.password", 0)),
        ("line 3", (0, "", 3)),
        ("#1 line 3 column 7", (1, "", 3)),
        ("line 4 check.rules", (0, "check.rules", 4)),
        ("data.line 3x", (0, "data.line.3x", 0)),
        ("line 3x", (0, "line.3x", 0)),
    ],
)
def test_the_words_of_a_place_are_understood(text: str, place: tuple[int, str, int]) -> None:
    assert place_of(text) == place
