"""The door to RE2: what a pattern may cost, whoever wrote it."""

from __future__ import annotations

import time

import pytest

from secretsync.sops.patterns import LONGEST, InvalidPatternError, compiled


def test_groups_that_nobody_asks_for_cost_nothing() -> None:
    """With captures RE2 takes seconds of CPU for this one; the bound leaves a slow machine two hundred times as much."""
    pattern = compiled("(a|a)*" * 1200)
    started = time.process_time()
    assert pattern.found_in("a" * 1000)
    assert pattern.matches_all("a" * 1000)
    assert time.process_time() - started < 1


@pytest.mark.parametrize("pattern", ["a" * (LONGEST + 1), "(a{1,9})" * LONGEST])
def test_a_pattern_beyond_the_limit_is_refused_before_it_is_compiled(pattern: str) -> None:
    with pytest.raises(InvalidPatternError, match="longer than 8192 characters"):
        compiled(pattern)


def test_a_long_list_of_names_is_a_pattern() -> None:
    names = "|".join(f"name{number}" for number in range(900))
    assert compiled(f"^({names})$").found_in("name899")
