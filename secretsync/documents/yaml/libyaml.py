"""libyaml's parser, and of PyYAML nothing else: the extension module without the package around it.

`import yaml` loads twelve modules of loaders and dumpers written in Python; they cost 8 of its 10 milliseconds and serve
nothing here, while a hook is a new process each time. What is loaded stays out of `sys.modules`, so to everybody else
PyYAML is not loaded yet. But a process can hold the extension once only, and it binds classes of eleven other modules
while it loads: a finder sees to it that whoever imports `yaml` later gets those very classes, and their own errors.
"""

from __future__ import annotations

import sys
from _frozen_importlib import (  # type: ignore[attr-defined]  # what import itself takes, and all that it takes
    _ModuleLockManager,
    module_from_spec,
)
from _frozen_importlib_external import PathFinder  # the module behind importlib.machinery, without the package
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec

_PARTS: Final = ("error", "tokens", "events", "nodes")
# The errors that the extension raises, with the modules that define them and the class that each derives from.
# Source: the head of yaml/_yaml.pyx of PyYAML at 6.0.3.
_ERRORS: Final = {
    "ReaderError": ("reader", "YAMLError"),
    "ScannerError": ("scanner", "MarkedYAMLError"),
    "ParserError": ("parser", "MarkedYAMLError"),
    "ComposerError": ("composer", "MarkedYAMLError"),
    "ConstructorError": ("constructor", "MarkedYAMLError"),
    "EmitterError": ("emitter", "YAMLError"),
    "SerializerError": ("serializer", "YAMLError"),
    "RepresenterError": ("representer", "YAMLError"),
}


class _Finder:
    """Finds the package `yaml` for others: the one that the extension was taken from, with what is loaded of it."""

    def __init__(self, origin: str | None, parts: dict[str, ModuleType]) -> None:
        self._origin = origin
        self._parts = parts

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        """Return the package's own spec, whose loader completes what is loaded already."""
        spec = PathFinder.find_spec(name) if name == "yaml" else None
        if spec is None or spec.loader is None or spec.origin != self._origin:
            return None  # another PyYAML has an extension of its own
        loader: Any = spec.loader
        loader.exec_module = lambda package: self._complete(loader, package)
        return spec

    def _complete(self, loader: Any, package: ModuleType) -> None:
        del loader.exec_module  # from here on a loader like any other
        for name, part in self._parts.items():
            sys.modules[f"yaml.{name}"] = part
            setattr(package, name, part)
        loader.exec_module(package)
        raised = {name: getattr(sys.modules[f"yaml.{home}"], name) for name, (home, _) in _ERRORS.items()}
        vars(self._parts["_yaml"]).update(raised, yaml=package)
        sys.meta_path.remove(self)


def _load(name: str, folders: Sequence[str]) -> ModuleType:
    spec = PathFinder.find_spec(name, folders)
    if spec is None or spec.loader is None:
        raise ImportError(f"PyYAML without {name}", name=name)
    module: ModuleType = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _load_extension(folders: Sequence[str]) -> dict[str, ModuleType]:
    """Return `yaml._yaml` and the four small modules that it takes more than errors from.

    While it loads it imports `yaml`, and is shown base classes in place of the errors.
    """
    parts = {name: _load(f"yaml.{name}", folders) for name in _PARTS}
    package = ModuleType("yaml")
    package.__spec__ = SimpleNamespace(_initializing=True)  # type: ignore[assignment]  # other threads wait for the lock
    vars(package).update(parts)
    for name, (home, base) in _ERRORS.items():
        setattr(package, home, SimpleNamespace(**{name: getattr(parts["error"], base)}))
    sys.modules["yaml"] = package
    try:
        parts["_yaml"] = _load("yaml._yaml", folders)
    finally:
        del sys.modules["yaml"]
        sys.modules.pop("yaml._yaml", None)  # Cython puts it there
    bound = vars(parts["_yaml"])["yaml"]  # another package where somebody had loaded it, and taken it out again
    return {**{name: getattr(bound, name) for name in _PARTS}, "_yaml": parts["_yaml"]}


def _parts() -> dict[str, ModuleType]:
    """Return the modules by their names in the package: of PyYAML where somebody has loaded it, else our own."""
    with _ModuleLockManager("yaml"):
        spec = None if "yaml" in sys.modules else PathFinder.find_spec("yaml")
        if spec is not None and spec.submodule_search_locations is not None:
            parts = _load_extension(spec.submodule_search_locations)
            sys.meta_path.insert(0, _Finder(spec.origin, parts))
            return parts
    return {name: __import__(f"yaml.{name}", fromlist=["*"]) for name in (*_PARTS, "_yaml")}


if TYPE_CHECKING:
    from yaml import events, tokens
    from yaml._yaml import CParser
    from yaml.error import MarkedYAMLError, YAMLError
else:
    _loaded = _parts()
    events, tokens = _loaded["events"], _loaded["tokens"]
    CParser = _loaded["_yaml"].CParser
    MarkedYAMLError, YAMLError = _loaded["error"].MarkedYAMLError, _loaded["error"].YAMLError

__all__ = ["CParser", "MarkedYAMLError", "YAMLError", "events", "tokens"]
