"""`envs` of a generator: godotenv's dialect as KSOPS' users write it, and refusals where it would change a value."""

from __future__ import annotations

import pytest

from secretsync.errors import ParseError
from secretsync.manifests.envfile import parse


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {}),
        ("# only a comment\n\n", {}),
        ("A=1", {"A": "1"}),
        ("A=1\r\nB=2\r\n", {"A": "1", "B": "2"}),
        ("A=\nB=2\n", {"A": "", "B": "2"}),
        ("export A=1\n", {"A": "1"}),
        ("  A = 1  \n", {"A": "1"}),
        ("A: yes\n", {"A": "yes"}),
        ("A=b=c==\n", {"A": "b=c=="}),
        ("A=1 # comment\n", {"A": "1"}),
        ("A=#hash\n", {"A": "#hash"}),
        ("A=a #b #c\n", {"A": "a #b"}),
        ("A= #b\n", {"A": "#b"}),
        ("A=a#b\n", {"A": "a#b"}),
        ("A='1 # 2'\n", {"A": "1 # 2"}),
        ("A='1' # comment\nB=2", {"A": "1", "B": "2"}),
        ("A='\\n $HOME'\n", {"A": "\\n $HOME"}),
        ('A="x\\ny\\t\\"z\\""\n', {"A": 'x\nyt"z"'}),
        ('A="two\nlines"\nB=1\n', {"A": "two\nlines", "B": "1"}),
        ("A=\\n\n", {"A": "\\n"}),
        ("A=it's\n", {"A": "it's"}),
        ("A=1\nA=2\n", {"A": "2"}),
        ("a.b_c9=ü\n", {"a.b_c9": "ü"}),
        ("A=pa$$word$\n", {"A": "pa$$word$"}),
    ],
)
def test_values_are_those_of_the_dialect(text: str, values: dict[str, str]) -> None:
    assert parse(text) == values


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("A\n", 1),
        ("A=1\n=2\n", 2),
        ("A=1\n-B=2\n", 2),
        ("A='open\n", 1),
        ("A='open\\\\'\n", 1),
        ("export =1\n", 1),
        ('A="1" B=2\n', 1),
        ("A=$HOME\n", 1),
        ("A=1\nB=x${Y}\n", 2),
        ('A="$(id)"\n', 1),
        ("A=a\\$b\n", 1),
    ],
)
def test_what_cannot_be_read_for_sure_is_refused_without_the_value(text: str, line: int) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert caught.value.location == f"line {line}"
    assert "open" not in caught.value.message.replace("stays open", "")


def test_a_long_hostile_text_is_read_in_linear_time() -> None:
    for text in ("#" * 200_000, "A=" + " #" * 100_000, "A='" + "\\" * 200_000, "export " * 50_000):
        try:
            parse(text)
        except ParseError:
            continue
