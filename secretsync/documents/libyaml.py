"""libyaml's parser, and of PyYAML nothing else: the extension module without the package around it.

`import yaml` loads twelve modules of loaders and dumpers written in Python; they cost 8 of its 10 milliseconds and serve
nothing here, while a hook is a new process each time. The package stays importable for everybody else: its module
object completes itself as soon as it is asked for a name that it does not have.
"""

from __future__ import annotations

import sys
from _frozen_importlib_external import PathFinder  # the module behind importlib.machinery, without the package
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
_OWN = frozenset(("__all__", "__version__", "__with_libyaml__"))


class _Package(ModuleType):
    """The package `yaml` before its own code has run."""

    def __getattr__(self, name: str) -> object:
        if name.startswith("__") and name not in _OWN:  # the import system asks for others
            raise AttributeError(name)
        spec: ModuleSpec = self.__dict__["__spec__"]
        assert spec.loader is not None
        self.__class__ = ModuleType  # type: ignore[assignment]  # complete from here on
        spec.loader.exec_module(self)
        return getattr(self, name)


def _load_extension() -> None:
    """Import `yaml._yaml` and the four small modules that it takes more than errors from.

    It binds the errors of eight other modules while it loads; their base classes stand in for them.
    Source: the head of yaml/_yaml.pyx of PyYAML at 6.0.3.
    """
    spec = PathFinder.find_spec("yaml")
    if spec is None or spec.submodule_search_locations is None:
        return  # an importer of another kind: the package loads as a whole
    package = _Package("yaml")
    package.__spec__ = spec
    package.__file__ = spec.origin
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["yaml"] = package
    for part in ("tokens", "events", "nodes", "error"):
        __import__(f"yaml.{part}")
    error: Any = sys.modules["yaml.error"]

    marked, plain = error.MarkedYAMLError, error.YAMLError
    stand_ins = {
        "reader": SimpleNamespace(ReaderError=plain),
        "scanner": SimpleNamespace(ScannerError=marked),
        "parser": SimpleNamespace(ParserError=marked),
        "composer": SimpleNamespace(ComposerError=marked),
        "constructor": SimpleNamespace(ConstructorError=marked),
        "emitter": SimpleNamespace(EmitterError=plain),
        "serializer": SimpleNamespace(SerializerError=plain),
        "representer": SimpleNamespace(RepresenterError=plain),
    }
    vars(package).update(stand_ins)
    try:
        __import__("yaml._yaml")
    except ImportError:
        del sys.modules["yaml"]
        raise
    finally:
        for name in stand_ins:
            vars(package).pop(name, None)


if "yaml" not in sys.modules:
    _load_extension()

from yaml import events, tokens  # noqa: E402
from yaml._yaml import CParser  # noqa: E402
from yaml.error import MarkedYAMLError, YAMLError  # noqa: E402

__all__ = ["CParser", "MarkedYAMLError", "YAMLError", "events", "tokens"]
