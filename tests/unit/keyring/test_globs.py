"""Globs of the policy: what they match, and that RE2 (which sops uses) agrees with the key ring's own matching."""

from __future__ import annotations

from time import process_time

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from secretsync.errors import ConfigError
from secretsync.keyring.globs import matches, to_pattern

CASES = [
    ("a.yaml", "a.yaml", True),
    ("a.yaml", "b/a.yaml", False),
    ("*.yaml", "a.yaml", True),
    ("*.yaml", "b/a.yaml", False),
    ("**/*.yaml", "a.yaml", True),
    ("**/*.yaml", "b/c/a.yaml", True),
    ("clusters/prod-*/**/*.sops.yaml", "clusters/prod-eu/x.sops.yaml", True),
    ("clusters/prod-*/**/*.sops.yaml", "clusters/prod-eu/a/b/x.sops.yaml", True),
    ("clusters/prod-*/**/*.sops.yaml", "clusters/dev/x.sops.yaml", False),
    ("clusters/dev/**", "clusters/dev/a/b", True),
    ("clusters/dev/**", "clusters/developer/a", False),
    ("a?c", "abc", True),
    ("a?c", "a/c", False),
    ("[ab].yaml", "b.yaml", True),
    ("[!ab].yaml", "b.yaml", False),
    ("[!ab].yaml", "c.yaml", True),
    ("{x,y}/*.{yaml,json}", "y/a.json", True),
    ("{x,y}/*.{yaml,json}", "z/a.json", False),
    ("a+b (c).yaml", "a+b (c).yaml", True),
    ("a.b", "axb", False),
]


@pytest.mark.parametrize(("glob", "path", "expected"), CASES, ids=[f"{glob} on {path}" for glob, path, _ in CASES])
def test_a_glob_matches_the_same_paths_here_and_in_sops(glob: str, path: str, expected: bool) -> None:
    assert matches(glob, path) is expected
    assert (re2.search(to_pattern(glob), path) is not None) is expected


@pytest.mark.parametrize("glob", ["", "/etc/x", "../x", "a/../b", "[ab", "{a,b", "[z-a]"])
def test_a_glob_that_leads_away_or_does_not_end_is_refused(glob: str) -> None:
    with pytest.raises(ConfigError):
        to_pattern(glob)


@given(st.text("ab/*?[]!{},.^$\\-|(", max_size=12), st.lists(st.text("ab/.-^$\\\n", max_size=8), max_size=8))
def test_any_glob_is_refused_or_means_the_same_in_sops(glob: str, paths: list[str]) -> None:
    try:
        pattern = re2.compile(to_pattern(glob))
    except ConfigError:
        return
    for path in paths:
        assert matches(glob, path) is (pattern.search(path) is not None)


@pytest.mark.parametrize(
    ("glob", "path"),
    [("**/" * 200 + "x", "a/" * 200 + "y"), ("*a" * 200 + "*b", "a" * 400), ("{a,a*}" * 60 + "b", "a" * 200)],
    ids=["folders", "one segment", "choices"],
)
def test_a_glob_costs_its_length_times_that_of_the_path(glob: str, path: str) -> None:
    before = process_time()
    assert not matches(glob, path)
    assert process_time() - before < 2  # milliseconds here, ages in an engine that tries again
