"""What the tests of rendering are made with: an identity, files encrypted for it, a sealing certificate and its key."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from secretsync import sops
from secretsync.documents.stores import store_named
from secretsync.masterkeys import MasterKeys
from secretsync.rendering import Input, Options, Rendered, render
from secretsync.sops.selectors import Selector

KEYS = Path(__file__).parents[2] / "vectors" / "sops" / "keys"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
IDENTITY = KEYS / "age-1.txt"
ENVIRON = {"SOPS_AGE_KEY_FILE": str(IDENTITY)}
RECIPIENT = "age1hlgmxgkvk80dmlgyhv8dv9nh7tdgguc647n0vxp0tlht25unks4q79ftpr"
STRANGER = "age1q23uhdy3g8cuzh28sme0390a5k729xsy9ry4wv4lvh2385n4r3psnnd69s"
CANARY = "c4n4ry-h3rm1t-0wl"

SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: db
  namespace: prod
stringData:
  password: hunter2
  user: admin
"""
CONFIG = """\
apiVersion: v1
kind:   ConfigMap   # odd spacing stays
metadata: {name: app,   namespace: prod}
data:
  "key" : 'value'
"""
SEALED = """\
apiVersion: bitnami.com/v1alpha1
kind: SealedSecret
metadata: {name: s,  namespace: prod}
spec:
  encryptedData:   {a: AgBx}
"""
MANIFEST = "^(data|stringData)$"


def commented_list(*, flow: bool = False) -> str:
    """Return a List of a Secret, before which a comment stands that names the canary."""
    secret = "{apiVersion: v1, kind: Secret, metadata: {name: a, namespace: b}, stringData: {a: b}}"
    items = f"items: [\n  # {CANARY}\n  {secret}]" if flow else f"items:\n# {CANARY}\n- {secret}"
    return f"apiVersion: v1\nkind: List\n{items}\n"


def as_elements(data: bytes) -> bytes:
    """Return an encrypted List with its comments as elements of the sequence, which is how sops writes them."""
    return data.replace(b"\n# ENC[", b"\n- ENC[").replace(b"\n#ENC[", b"\n- ENC[")


def encrypted(text: str, pattern: str | None = MANIFEST, *, store: str = "yaml", recipient: str = RECIPIENT) -> bytes:
    """Return `text` encrypted for the tests' identity, each call under a data key of its own."""
    return sops.encrypt(
        store_named(store).load(text.encode()),
        groups=[[("age", recipient)]],
        keys=MasterKeys({}),
        now=NOW,
        selector=Selector("encrypted_regex", pattern) if pattern else None,
    )


def rendered(*contents: bytes | str | Input | Path, **options: object) -> Rendered:
    """Render contents (as YAML files `0.yaml`, `1.yaml`, …), inputs or paths with the tests' identity."""
    inputs: list[str | Input] = []
    for number, content in enumerate(contents):
        if isinstance(content, Input):
            inputs.append(content)
        elif isinstance(content, Path):
            inputs.append(str(content))
        else:
            data = content.encode() if isinstance(content, str) else content
            inputs.append(Input(f"{number}.yaml", f"{number}.yaml", content=data))
    chosen = Options(environ=ENVIRON)._replace(**options)  # type: ignore[arg-type]  # tests pass what Options takes
    return render(inputs, chosen, now=NOW)


def stream(*contents: bytes | str | Input | Path, **options: object) -> str:
    """Render and return the stream as text."""
    return rendered(*contents, **options).stream().decode()


@cache
def sealing_key() -> rsa.RSAPrivateKey:
    """Return the private key of the tests' controller."""
    return rsa.generate_private_key(65537, 2048)


def certificate(folder: Path, *, days: int = 3650) -> str:
    """Write the sealing certificate to `folder` and return its path."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sealed-secrets")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(sealing_key().public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=400))
        .not_valid_after(NOW + timedelta(days=days))
        .sign(sealing_key(), hashes.SHA256())
    )
    path = folder / "sealing.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return os.fspath(path)


def unsealing_pem() -> bytes:
    """Return the controller's private key as PEM."""
    return sealing_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
