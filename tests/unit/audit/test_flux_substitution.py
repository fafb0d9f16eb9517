"""postBuild: what each expression makes of a text. The rows that the controller was seen with are in the layouts as well."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from secretsync.audit.flux.substitution import MalformedError, UnsetError, Variables, doubles_lost, substituted

KNOWN = Variables({"env": "prod", "path": "a/b/a", "empty": ""})


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("${env}", "prod"),
        ("x${env}y${env}", "xprodyprod"),
        ("${y:=dflt}", "dflt"),
        ("${y:-a b}", "a b"),
        ("${y=dflt}", "dflt"),
        ("${env:-x}", "prod"),
        ("${empty:-x}", "x"),
        ("${y:-${env}-1}", "prod-1"),
        ("$${HOME}", "${HOME}"),
        ("a$$b", "a$b"),
        ("$$", "$"),
        ("$$$", "$$"),
        ("$$${env}", "$prod"),
        ("p$word$", "p$word$"),
        ("^a$", "^a$"),
        ("$1", "$1"),
        ("$(env)", "$(env)"),
        ("${#env}", "4"),
        ("${env^}", "Prod"),
        ("${env^^}", "PROD"),
        ("${env,,}", "prod"),
        ("${env:1}", "rod"),
        ("${env:1:2}", "ro"),
        ("${env: -2}", "od"),
        ("${env:1:-1}", "ro"),
        ("${path/a/x}", "x/b/a"),
        ("${path//a/x}", "x/b/x"),
        ("${path/#a/x}", "x/b/a"),
        ("${path/%a/x}", "a/b/x"),
    ],
)
def test_a_text_becomes_what_the_controller_makes_of_it(text: str, result: str) -> None:
    assert substituted(text, KNOWN) == result


@pytest.mark.parametrize("text", ["${x}", "${x^^}", "a${env}${x}", "${#x}"])
def test_a_variable_that_nobody_set_is_an_error(text: str) -> None:
    with pytest.raises(UnsetError):
        substituted(text, KNOWN)


@pytest.mark.parametrize(
    "text", ["${env", "x${bad var}y", "${", "${}", "${env:-x", "${env+x}", "${#env", "${env^^x}", "${env/a}"]
)
def test_an_expression_that_cannot_be_read_is_an_error_without_its_text(text: str) -> None:
    with pytest.raises(MalformedError) as caught:
        substituted(text, KNOWN)
    assert "env" not in str(caught.value)
    assert "bad var" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "lost"), [("a$$b", True), ("$$", True), ("$${a}", False), ("$a$", False), ("$$${a}", True)]
)
def test_two_signs_are_lost_where_they_escape_nothing(text: str, lost: bool) -> None:
    assert doubles_lost(text) is lost


@given(st.text("${}:-=#/ab", max_size=60))
def test_every_text_ends_in_a_text_or_in_one_of_two_errors(text: str) -> None:
    with suppress(UnsetError, MalformedError):
        substituted(text, KNOWN)
