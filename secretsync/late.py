"""What a start does not need, loaded when it is first used: the one place that imports by name.

Tables of kinds, commands and stores hold places, `package.module:name`, that `load` resolves. A module that some runs
need and most do not stands at the head of the one that uses it, as a `LateModule` beside the import that types it:

    if TYPE_CHECKING:
        from secretsync.crypto import shamir
    else:
        shamir = LateModule("secretsync.crypto.shamir")

So the head of a module tells all that it stands on, and the import contract sees it. `__import__` is what an import
statement calls; `importlib` would be three modules more at each start of a hook.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def load(place: str) -> Any:
    """Return what `package.module:name` names, or the module itself where no name is given.

    Raises:
        ImportError: there is no such module.
        AttributeError: the module has no such name.
    """
    module, _, name = place.partition(":")
    loaded = __import__(module, fromlist=["__name__"])  # with a list, `__import__` returns the module and not its root
    return getattr(loaded, name) if name else loaded


def names(package: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package whose names are loaded when they are first asked for, from their places."""

    def __getattr__(name: str) -> Any:  # noqa: N807  # Python's name for it
        place = places.get(name)
        if place is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return load(place)

    return __getattr__


class LateModule:
    """Stands for a module that is imported when the first of its names is asked for."""

    __slots__ = ("_loaded", "_name")

    def __init__(self, name: str) -> None:
        self._name = name
        self._loaded: Any = None

    def __getattr__(self, attribute: str) -> Any:
        """Return a name of the module, which is looked up once: an import, even of what is there, costs microseconds."""
        if self._loaded is None:
            self._loaded = load(self._name)
        return getattr(self._loaded, attribute)

    def __repr__(self) -> str:
        return f"LateModule({self._name!r})"
