"""Encryption: certificates are always judged, by the name that was asked for."""

import contextlib
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connections.connectors.errors import TransientError
from connections.connectors.http import HttpClient
from tests.connections.raw_server import CLOSE, serving


@pytest.fixture
def self_signed(tmp_path):
    """A certificate for shop.test that nobody vouches for, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.test")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(1)
    )
    signed = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.test")]), False).sign(
        key, hashes.SHA256()
    )
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = tmp_path / "shop.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, *plain) + signed.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_a_certificate_nobody_vouches_for_is_refused_before_anything_is_sent(self_signed):
    asked, heard = [], []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed)
    context.sni_callback = lambda sock, name, context: asked.append(name)

    def serve(listener):
        peer, _ = listener.accept()
        with contextlib.suppress(OSError), context.wrap_socket(peer, server_side=True) as secure:
            heard.append(secure.recv(100))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        client = HttpClient(allow_private=True, resolve=lambda host, port: ["127.0.0.1"])
        with pytest.raises(TransientError) as caught:
            client.post(f"https://shop.test:{listener.getsockname()[1]}/", data=b"secret")
        thread.join(5)
    assert (caught.value.code, caught.value.was_sent) == ("connector.certificate", False)
    assert asked == ["shop.test"]
    assert b"".join(heard) == b""


def test_a_server_without_encryption_gets_nothing():
    with serving(CLOSE) as server, pytest.raises(TransientError) as caught:
        HttpClient(allow_private=True).post(server.url.replace("http:", "https:"), connect_timeout=0.5)
    assert not caught.value.was_sent
    assert server.requests == []
