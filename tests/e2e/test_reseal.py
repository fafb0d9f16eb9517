"""A sealing key is renewed in the real controller; the runbook seals older items anew, and the controller unseals them."""

from __future__ import annotations

import base64
import contextlib
import os
import sys
from typing import TYPE_CHECKING

from secretsync.documents.plain import to_plain
from secretsync.documents.stores import store_named
from tests.e2e.test_sealing_keys import LABEL, _add_key
from tests.peers import run
from tests.peers.api import wait_for
from tests.peers.sealed_controller import sealed_controller as running
from tests.unit.rotation.repositories import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.peers import Completed
    from tests.peers.control_plane import ControlPlane
    from tests.peers.sealed_controller import SealedController

PATH = "prod/db.sealed.yaml"
NAMESPACE = "reseal"
PLAIN = (
    f"apiVersion: v1\nkind: Secret\nmetadata: {{name: db, namespace: {NAMESPACE}}}\nstringData: {{password: hunter2}}\n"
)


def test_after_a_renewal_items_are_sealed_for_the_new_key_alone(
    sealed_controller: SealedController, control_plane: ControlPlane, peer: Callable[[str], Path], tmp_path: Path
) -> None:
    api = control_plane.api
    sandbox = Sandbox(tmp_path / "shop")
    sandbox.fill()
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "SOPS_AGE_KEY_FILE": str(sandbox.key_file("alice")),
        "KUBECONFIG": str(control_plane.kubeconfig),
    }

    def secretsync(*arguments: object, code: int = 0) -> Completed:
        ended = run([sys.executable, "-m", "secretsync.cli", *arguments], env=environ, cwd=sandbox.root, check=False)
        assert ended.code == code, ended.stderr
        return ended

    (tmp_path / "plain.yaml").write_text(PLAIN)
    (tmp_path / "old.crt").write_bytes(sealed_controller.certificate())
    secretsync("seal", "--cert", tmp_path / "old.crt", "-w", PATH, tmp_path / "plain.yaml")
    before = "# a comment that stays\n" + (sandbox.root / PATH).read_text()
    (sandbox.root / PATH).write_text(before)
    sandbox.commit()

    with contextlib.ExitStack() as stack:
        _add_key(api, "renewed-for-reseal", days=5000)
        stack.callback(api.delete, "Secret", "renewed-for-reseal", "kube-system")
        folder = tmp_path / "restarted"
        folder.mkdir()
        stack.enter_context(running(peer, control_plane, folder))
        secretsync("sealing-keys", "fetch", "--from", "secrets", "-w", tmp_path / "new.crt")
        secrets = [one for one in api.list("Secret", "kube-system") if LABEL in one["metadata"].get("labels", {})]
        keys = tmp_path / "keys.pem"
        keys.write_bytes(b"".join(base64.b64decode(one["data"]["tls.key"]) for one in secrets))
        secretsync("sealing-keys", "prove", "--only-newest", PATH, code=8)

        options = ("prod", "--certificate", tmp_path / "new.crt", "--private-keys", keys)
        told = secretsync("runbook", "reseal", "apply", *options, "--yes").stdout
        assert b"V10 passed" in b" ".join(told.split())
        branch = sandbox.git("branch", "--format=%(refname:short)", "--list", "secretsync/*")
        sandbox.git("merge", "-q", "--ff-only", branch)
        secretsync("sealing-keys", "prove", "--only-newest", PATH)

        after = (sandbox.root / PATH).read_text()
        changed = [one for one, other in zip(before.splitlines(), after.splitlines(), strict=True) if one != other]
        assert [line.strip().partition(":")[0] for line in changed] == ["password"]

        api.create_namespace(NAMESPACE)
        manifest = to_plain(store_named("yaml").load(after.encode()).documents[0])
        assert isinstance(manifest, dict)
        api.apply(manifest)
        secret = wait_for(lambda: api.get("Secret", "db", NAMESPACE))
        assert base64.b64decode(secret["data"]["password"]) == b"hunter2"
