"""Where commands live: whoever reads the table of commands finds each in a module that says so by its name."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from typer.models import DefaultPlaceholder

from secretsync.cli._commands import COMMANDS

if TYPE_CHECKING:
    import typer


def _callbacks(app: typer.Typer) -> Iterator[Any]:
    """Yield the functions of an app's commands, and of the groups in it."""
    yield from (each.callback for each in app.registered_commands)
    for group in app.registered_groups:
        assert group.typer_instance is not None
        assert not isinstance(group.typer_instance, DefaultPlaceholder)
        yield from _callbacks(group.typer_instance)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_lives_in_a_module_of_shared_parts(name: str) -> None:
    module = import_module(f"secretsync.cli.{COMMANDS[name].module}")
    functions = list(_callbacks(module.app)) if hasattr(module, "app") else [getattr(module, COMMANDS[name].module)]
    assert functions
    places = {inspect.unwrap(each).__module__ for each in functions}
    assert [place for place in places if any(part.startswith("_") for part in place.split("."))] == []
