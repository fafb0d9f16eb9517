"""Writes the files that are measured: `python -m benchmarks.corpus FOLDER COUNT RECIPIENT`, in a process of its own.

FOLDER/plain holds COUNT Secrets, FOLDER/sops the same as SOPS files of 1.6 to 1.7 KB, each with its own data key.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from secretsync import sops
from secretsync.documents.stores import store_named
from secretsync.masterkeys import MasterKeys
from secretsync.sops.selectors import Selector

_SECRET: Final = """\
apiVersion: v1
kind: Secret
metadata:
  name: {name}
  namespace: apps
  labels:
    app.kubernetes.io/name: {name}
type: Opaque
stringData:
  username: {name}-user
  password: {name}-0123456789abcdef
  url: postgres://db.example/{name}?sslmode=require
"""


def write(folder: Path, count: int, recipient: str) -> None:
    """Write `count` Secrets, plain and encrypted to one age recipient."""
    keys, selector = MasterKeys({}), Selector("encrypted_regex", "^(data|stringData)$")
    for part in ("plain", "sops"):
        (folder / part).mkdir()
    for number in range(count):
        name = f"app-{number:04}"
        plain = _SECRET.format(name=name).encode()
        encrypted = sops.encrypt(
            store_named("yaml").load(plain),
            groups=[[("age", recipient)]],
            keys=keys,
            now=datetime.now(UTC),
            selector=selector,
        )
        (folder / "plain" / f"{name}.yaml").write_bytes(plain)
        (folder / "sops" / f"{name}.yaml").write_bytes(encrypted)


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
