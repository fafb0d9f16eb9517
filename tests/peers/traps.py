"""What a hostile repository leaves for a Python that looks for its modules there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

_MODULES: Final = ("sitecustomize", "usercustomize", "startup", "yaml", "re", "json", "base64", "cryptography")


def lay_traps(folder: Path, canary: Path) -> None:
    """Put modules into `folder` that make the file `canary` when one of them is run."""
    trap = f"import os\nos.close(os.open({str(canary)!r}, os.O_CREAT | os.O_WRONLY))\n"
    for name in _MODULES:
        (folder / f"{name}.py").write_text(trap)
    (folder / "secretsync").mkdir()
    (folder / "secretsync" / "__init__.py").write_text(trap)
