"""The hooks' own option parser."""

from __future__ import annotations

import pytest

from secretsync.hooks.argv import Option, UsageError, parse

TABLE = {
    "--mode": Option("mode", choices=("a", "b")),
    "--name": Option("name"),
    "-n": Option("name"),
    "--flag": Option("flag", takes_value=False),
}


@pytest.mark.parametrize(
    ("arguments", "values", "operands"),
    [
        ([], {}, []),
        (["x", "-", "y"], {}, ["x", "-", "y"]),
        (["--mode", "a", "x"], {"mode": "a"}, ["x"]),
        (["x", "--mode=b"], {"mode": "b"}, ["x"]),
        (["-n", "v", "-nw"], {"name": "w"}, []),
        (["-n=v"], {"name": "v"}, []),
        (["--name="], {"name": ""}, []),
        (["--name", "--flag"], {"name": "--flag"}, []),
        (["--flag", "--", "--mode", "-"], {"flag": True}, ["--mode", "-"]),
    ],
)
def test_command_lines_are_read(arguments: list[str], values: dict[str, str | bool], operands: list[str]) -> None:
    assert parse(arguments, TABLE) == (values, operands)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--what"], "no such option: --what"),
        (["-x"], "no such option: -x"),
        (["--mode", "c"], "invalid value 'c' for --mode: use one of a, b"),
        (["--mode"], "option --mode needs a value"),
        (["--flag=yes"], "option --flag does not take a value"),
    ],
)
def test_wrong_command_lines_are_explained(arguments: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}$"):
        parse(arguments, TABLE)
