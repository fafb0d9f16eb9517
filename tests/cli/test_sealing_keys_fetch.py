"""A certificate by URL: where it may come from, also after redirects, and who says that it is the right one."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from secretsync.sealed import SealingCertificate
from tests.cli.conftest import Invoke

SECOND = timedelta(seconds=1)


def _certificate(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - SECOND).not_valid_after(now + timedelta(days=1))
    return (
        builder.add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


class Site:
    """A server on loopback; `moved` says where paths lead, every other path gives the certificate."""

    def __init__(self, answer: bytes, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        site = self
        self.moved: dict[str, str] = {}
        self.asked: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.path)
                target = site.moved.get(self.path)
                self.send_response(200 if target is None else 302)
                if target is not None:
                    self.send_header("Location", target)
                self.end_headers()
                self.wfile.write(answer if target is None else b"")

            def log_message(self, *arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer((host, 0), Handler)
        if context is not None:
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'http' if context is None else 'https'}://{host}:{self.server.server_port}"


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def sites(key: rsa.RSAPrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Site]]:
    """Return servers: https and http on this machine, and http that is not named as this machine."""
    pem = _certificate(key)
    (tmp_path / "tls.crt").write_bytes(pem)
    private = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "tls.pem").write_bytes(key.private_bytes(*private))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "tls.crt"))
    monkeypatch.setenv("NO_PROXY", "*")
    found = {"https": Site(pem, context), "http": Site(pem), "elsewhere": Site(pem, host="127.0.0.2")}
    with contextlib.ExitStack() as stack:
        for site in found.values():
            thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(site.server.server_close)
            stack.callback(site.server.shutdown)
        yield found


@pytest.fixture
def pin(key: rsa.RSAPrivateKey) -> str:
    return SealingCertificate.load(_certificate(key), now=datetime.now(UTC)).spki_sha256


@pytest.mark.parametrize(("first", "then"), [("https", "https"), ("http", "http"), ("http", "https")])
def test_a_redirect_to_what_could_be_the_first_address_is_followed(
    invoke: Invoke, sites: dict[str, Site], pin: str, first: str, then: str
) -> None:
    sites[first].moved["/moved"] = f"{sites[then].url}/cert.pem"
    fetched = invoke("sealing-keys", "fetch", "--url", f"{sites[first].url}/moved", "--pin", pin)
    assert (fetched.code, fetched.out[:27]) == (0, b"-----BEGIN CERTIFICATE-----")


@pytest.mark.parametrize(
    ("first", "then"), [("https", "elsewhere"), ("http", "elsewhere"), ("https", "http"), ("https", "file")]
)
def test_a_redirect_to_an_address_that_is_refused_when_it_is_named_is_refused(
    invoke: Invoke, sites: dict[str, Site], pin: str, tmp_path: Path, first: str, then: str
) -> None:
    target = f"{sites[then].url}/cert.pem" if then in sites else f"file://{tmp_path}/tls.crt"
    sites[first].moved = {"/moved": f"{sites[first].url}/again", "/again": target}
    refused = invoke("sealing-keys", "fetch", "--url", f"{sites[first].url}/moved", "--pin", pin)
    assert (refused.code, refused.out) == (9, b"")
    assert sites[first].asked == ["/moved", "/again"]
    assert then == "http" or not sites["elsewhere"].asked
    assert then == "file" or ("https" in refused.err and "again" in refused.err)


def test_redirects_in_a_circle_end(invoke: Invoke, sites: dict[str, Site], pin: str) -> None:
    for number in range(9):
        sites["http"].moved[f"/{number}"] = f"{sites['http'].url}/{number + 1}"
    refused = invoke("sealing-keys", "fetch", "--url", f"{sites['http'].url}/0", "--pin", pin)
    assert (refused.code, refused.out) == (9, b"")
    assert len(sites["http"].asked) < 8


def test_without_a_pin_and_with_nobody_to_ask_a_certificate_of_the_network_is_refused(
    invoke: Invoke, sites: dict[str, Site], pin: str, tmp_path: Path
) -> None:
    refused = invoke("sealing-keys", "fetch", "--url", f"{sites['https'].url}/cert.pem", "-w", tmp_path / "new.pem")
    assert (refused.code, refused.out) == (3, b"")
    assert pin in refused.err
    assert "--pin" in refused.err
    assert not (tmp_path / "new.pem").exists()


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1), ("\x04", 1)])
def test_without_a_pin_a_person_is_shown_the_hash_and_asked(
    sites: dict[str, Site], pin: str, answer: str, code: int
) -> None:
    ours, terminal = os.openpty()
    os.write(ours, answer.encode())
    command = [sys.executable, "-m", "secretsync.cli", "sealing-keys", "fetch", "--url", f"{sites['https'].url}/c.pem"]
    outcome = subprocess.run(command, stdin=terminal, capture_output=True, text=True, check=False)
    os.close(terminal)
    os.close(ours)
    assert outcome.returncode == code
    assert f"{pin}: is that the controller's? [y/N]" in outcome.stderr
    assert bool(outcome.stdout) == (code == 0)
