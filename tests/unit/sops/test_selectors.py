"""The six selectors and RE2's meaning of a pattern."""

from __future__ import annotations

import subprocess
import sys

import pytest

from secretsync.errors import ConfigError
from secretsync.sops.selectors import KINDS, Selector


@pytest.mark.parametrize(
    ("kind", "encrypting", "by_comment"),
    [
        ("unencrypted_suffix", False, False),
        ("encrypted_suffix", True, False),
        ("unencrypted_regex", False, False),
        ("encrypted_regex", True, False),
        ("unencrypted_comment_regex", False, True),
        ("encrypted_comment_regex", True, True),
    ],
)
def test_what_a_match_means(kind: str, encrypting: bool, by_comment: bool) -> None:
    selector = Selector(kind, "x")
    assert (selector.encrypting, selector.by_comment) == (encrypting, by_comment)
    assert kind in KINDS


def test_a_suffix_is_plain_text() -> None:
    selector = Selector("encrypted_suffix", ".*")
    assert selector.matches("a.*")
    assert not selector.matches("a.b")


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("^(data|stringData)$", "data", True),
        ("^(data|stringData)$", "datas", False),
        ("^(data|stringData)$", "data\n", False),
        ("^data$", "data", True),
        ("^data$", "mydata", False),
        ("data", "mydatas", True),
        ("(a|b)", "xbx", True),
        ("a|b", "xcx", False),
        ("^(data | stringData)$", "data", False),
        ("^(data | stringData)$", "data ", True),
        ("^a|b$", "ax", True),
        ("^a|b$", "xb", True),
        ("^(a|)$", "", True),
        ("(?i)secret", "MYSECRET", True),
        (r"\d", "٣", False),
        (r"^\Qa.b\E\z", "a.b", True),
        ("[[:alpha:]]", "5", False),
        (r"^\pL+$", "é", True),
        ("^.$", "🔑", True),
        ("", "anything", True),
    ],
)
def test_patterns_mean_what_re2_says(pattern: str, text: str, expected: bool) -> None:
    assert Selector("encrypted_regex", pattern).matches(text) is expected


@pytest.mark.parametrize("pattern", ["(?!x)", "[z-a", r"(a)\1", "(?<=x)y", "a**", "("])
def test_what_re2_refuses_matches_nothing_and_cannot_encrypt(pattern: str) -> None:
    selector = Selector("encrypted_regex", pattern)
    assert selector.invalid
    assert not selector.matches("x")
    with pytest.raises(ConfigError, match="not a valid RE2 pattern"):
        selector.require_valid()


def test_a_valid_pattern_can_encrypt() -> None:
    selector = Selector("encrypted_regex", "^x")
    assert selector.require_valid() is selector


def test_selectors_compare_by_kind_and_pattern() -> None:
    assert Selector("encrypted_regex", "a") == Selector("encrypted_regex", "a")
    assert Selector("encrypted_regex", "a") != Selector("unencrypted_regex", "a")
    assert len({Selector("encrypted_regex", "a"), Selector("encrypted_regex", "a")}) == 1
    assert Selector("encrypted_regex", "a") != "a"
    assert repr(Selector.default()) == "Selector(unencrypted_suffix='_unencrypted')"


def test_plain_words_do_not_load_re2_and_other_patterns_do_so_silently() -> None:
    code = (
        "import sys\n"
        "from secretsync.sops.selectors import Selector\n"
        "Selector('encrypted_regex', '^(data|stringData)$').matches('data')\n"
        "print('re2' in sys.modules)\n"
        "Selector('encrypted_regex', '(?!')\n"
        "print('re2' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout.split(), done.stderr) == (["False", "True"], "")
