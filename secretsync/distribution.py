"""Whether another project's distribution lies beside us: one called `secretsync`, as our package and our command are.

Its metadata is looked for by its folder: loading `importlib.metadata` costs more than a hook's whole start.
"""

from __future__ import annotations

import os
import sys
from typing import Final

from secretsync import files
from secretsync.errors import SecretsyncError

NAME: Final = "gitops-secretsync"
REMEDY: Final = f"pip uninstall secretsync && pip install --force-reinstall {NAME}"

# How our metadata begins its summary; an earlier install of this program under the old name has it too.
_OWN_SUMMARY: Final = "The secrets-aware stage of a GitOps pipeline"
# Where each form of an installed distribution keeps its metadata; the last may be a file itself.
_METADATA: Final = {".dist-info": "METADATA", ".egg": "EGG-INFO/PKG-INFO", ".egg-info": "PKG-INFO"}
_LARGEST: Final = 1 << 20  # metadata holds a whole README


def strangers(path: list[str] | None = None) -> list[str]:
    """Return the metadata of other projects called `secretsync` in the folders of `path`, or of `sys.path`."""
    found = []
    for folder in dict.fromkeys(os.path.abspath(each) for each in (sys.path if path is None else path)):
        try:
            names = sorted(os.listdir(folder))
        except OSError:  # an archive, or nothing at all
            continue
        found += [os.path.join(folder, name) for name in names if _is_namesake(name) and not _is_own(folder, name)]
    return found


def complaint(path: list[str] | None = None) -> str | None:
    """Return one line on the strangers and how to part from them, or None where there is none."""
    found = strangers(path)
    if not found:
        return None
    return f"another project called secretsync may have replaced files of this one: {', '.join(found)} (run: {REMEDY})"


def _is_namesake(name: str) -> bool:
    """Whether a file name says metadata of `secretsync`: names compare in any case, and a version may follow."""
    stem, suffix = os.path.splitext(name.lower())
    return suffix in _METADATA and stem.partition("-")[0] == "secretsync"


def _is_own(folder: str, name: str) -> bool:
    """Whether the metadata is of this program, from before its distribution had a name of its own."""
    inner = _METADATA[os.path.splitext(name.lower())[1]]
    relative = os.path.join(name, inner) if os.path.isdir(os.path.join(folder, name)) else name
    try:
        text = files.read_confined(folder, relative, _LARGEST).decode("utf-8", "replace")
    except SecretsyncError:
        return False
    head = text.replace("\r\n", "\n").partition("\n\n")[0].splitlines()
    return any(line.startswith(f"Summary: {_OWN_SUMMARY}") for line in head)
