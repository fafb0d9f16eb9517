"""A toy age plugin in Python, which behaves as its `mode` file says, and the folder it lives in."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

from secretsync.age.interaction import Interaction
from secretsync.crypto import bech32

RECIPIENT = bech32.encode("age1toy", b"")
IDENTITY = bech32.encode("age-plugin-toy-", b"").upper()

TOY = r"""
import base64, os, sys, time
from pathlib import Path

def b64(raw): return base64.b64encode(raw).decode().rstrip("=")
def unb64(text): return base64.b64decode(text + "=" * (-len(text) % 4))
def send(head, body=b""):
    text = b64(body)
    lines = [text[i:i + 64] for i in range(0, len(text) + 1, 64)]
    sys.stdout.write("-> " + head + "\n" + "\n".join(lines) + "\n"); sys.stdout.flush()
def receive():
    head, body = sys.stdin.readline().split()[1:], b""
    while True:
        line = sys.stdin.readline().rstrip("\n"); body += unb64(line)
        if len(line) < 64: return head, body
def command(*words, body=b""):
    send(" ".join(words), body)
    return receive()

here = Path(sys.argv[0]).parent
(here / "environ").write_text("\n".join(os.environ))
mode = (here / "mode").read_text() if (here / "mode").exists() else ""
if mode == "early": sys.exit(4)
if mode == "deaf": time.sleep(60)
if mode == "killed": os.kill(os.getpid(), 9)
got = []
while (message := receive())[0] != ["done"]: got.append(message)
if mode == "die": sys.exit(3)
if mode == "hang": time.sleep(60)
if mode == "garble": print("hello"); sys.exit(0)
if mode == "error": command("error", "internal", body=b"the token\nis locked"); sys.exit(0)
if mode == "strange": assert command("frobnicate")[0] == ["unsupported"]
if mode == "bad stanza": command("recipient-stanza", "1", "toy"); sys.exit(0)
if mode == "bad option": command("confirm", "=", body=b"Really"); sys.exit(0)
if mode == "endless": print("-> " + "x" * (1 << 21)); sys.exit(0)
if mode == "mute": os.close(1); time.sleep(60)
if mode == "gone": sys.exit(0)
if mode == "none": send("done"); sys.exit(0)
pin = b""
if mode == "ask":
    assert command("msg", body=b"touch it")[0] == ["ok"]
    reply = command("request-secret", body=b"PIN")
    if reply[0] != ["ok"]: command("error", "internal", body=b"no PIN"); sys.exit(0)
    pin = reply[1]
    assert command("confirm", b64(b"Do it"), body=b"Really")[0] == ["ok", "yes"]
if sys.argv[1].endswith("recipient-v1"):
    key = next(body for head, body in got if head[0] == "wrap-file-key")
    command("recipient-stanza", "0", "toy", "arg", body=bytes(b ^ 7 for b in key) + pin)
    if mode == "label": command("labels", "postquantum")
else:
    for head, body in got:
        if head[0] == "recipient-stanza" and head[2] == "toy":
            command("file-key", "0", body=bytes(b ^ 7 for b in body[:16]))
            if mode == "two keys": command("file-key", "0", body=bytes(16))
send("done")
if mode == "linger": time.sleep(60)
"""


class Toy:
    """A folder with the toy plugin on its PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "age-plugin-toy"
        program.write_text(f"#!{sys.executable}\n{TOY}")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        self.environ = {"PATH": str(folder), "SOPS_AGE_KEY": "secret", "VAULT_TOKEN": "secret", "LANG": "C"}

    def behave(self, mode: str) -> None:
        (self.folder / "mode").write_text(mode)

    def interaction(self, **changes: object) -> Interaction:
        return Interaction(plugins=True, environ=self.environ)._replace(**changes)  # type: ignore[arg-type]  # of a test
