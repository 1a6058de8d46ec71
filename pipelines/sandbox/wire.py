"""The transport of the simulated server: real TLS, complete answers, and broken ones."""

import socket
import ssl
import struct
import threading
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import time
from typing import Protocol, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pipelines.sandbox.faults import Entry, Fault, Kind
from pipelines.sandbox.model import Tenant

_VALID = timedelta(days=30)
_CA = "Sandbox Exchange CA"
_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)
XML = "text/xml; charset=utf-8"
_HANDSHAKE_SECONDS = 10.0
_ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset


class CertificateAuthority:
    """A CA and a certificate for localhost, written into a directory that the caller owns.

    ``ca_file`` is the path of the CA's certificate (PEM). The CA's key is never written to disk;
    the server's key is there (mode 0600) only while OpenSSL reads it.
    """

    def __init__(self, directory: Path, hosts: tuple[str, ...] = ("localhost",)) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.ca_file = directory / "ca.pem"
        self._directory = directory
        ca_key = ec.generate_private_key(ec.SECP256R1())
        server_key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(host) for host in hosts]
        if "localhost" in hosts:
            names += [x509.IPAddress(ip_address(text)) for text in ("127.0.0.1", "::1")]
        ca = _certificate(_CA, ca_key, ca_key).sign(ca_key, hashes.SHA256())
        server = (
            _certificate(hosts[0], server_key, ca_key)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .sign(ca_key, hashes.SHA256())
        )
        self.ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
        chain = (each.public_bytes(serialization.Encoding.PEM) for each in (server, ca))
        key = server_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        self._chain = key + b"".join(chain)

    def server_context(
        self,
        minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
        maximum: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    ) -> ssl.SSLContext:
        """Return the TLS context of a server on localhost; tests set other versions."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if ssl.TLSVersion.SSLv3 < maximum < ssl.TLSVersion.TLSv1_2:
            context.set_ciphers("DEFAULT:@SECLEVEL=0")  # otherwise OpenSSL refuses old versions
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # tests need old versions
            context.minimum_version = minimum
            context.maximum_version = maximum
        with NamedTemporaryFile(dir=self._directory, suffix=".pem") as chain:
            chain.write(self._chain)
            chain.flush()
            context.load_cert_chain(chain.name)
        return context


def _certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, ca_key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    """Return the parts that both certificates share; strict verifiers need all of them."""
    now = datetime.now(UTC)
    is_ca = subject == _CA
    own, signer = x509.SubjectKeyIdentifier, x509.AuthorityKeyIdentifier
    usage = dict.fromkeys(_USAGES, False) | {
        "digital_signature": True,
        "key_cert_sign": is_ca,
        "crl_sign": is_ca,
    }
    constraints = x509.BasicConstraints(ca=is_ca, path_length=0 if is_ca else None)
    identifier = (
        own.from_public_key(key.public_key())
        if is_ca
        else signer.from_issuer_public_key(ca_key.public_key())
    )
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(_CA))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _VALID)
        .add_extension(constraints, critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(identifier, critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class _Host(Protocol):
    """What a connection needs from the server."""

    tenant: Tenant
    stopping: threading.Event


class Wire(BaseHTTPRequestHandler):
    """Serves one client, one request after the other; subclasses parse the requests.

    ``challenge`` is sent to unauthorized clients.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    challenge = 'Basic realm="localhost"'
    previous = b""

    @property
    def tenant(self) -> Tenant:
        """What the server holds."""
        return self._host.tenant

    @property
    def _host(self) -> _Host:
        return cast("_Host", self.server)

    def handle(self) -> None:
        """Serve until the client leaves or a fault breaks the connection."""
        self.connection.settimeout(_HANDSHAKE_SECONDS)
        try:
            self.connection.do_handshake()
            self.connection.settimeout(None)
            super().handle()
        except OSError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Write nothing: tests use the request log, and answers hold names."""

    def is_broken_off(self, operation: str, mailbox: str) -> bool:
        """Apply a fault that replaces the answer, if there is one; tell whether it did."""
        latency = self.fault("latency", operation, mailbox)
        if latency is not None:
            self._host.stopping.wait(latency.seconds)
        if self.fault("reset", operation, mailbox) is not None:
            self.tenant.log.add(Entry(operation, mailbox, status=0))
            self.close_connection = True  # with a reset instead of an answer
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            self.rfile.close()
            self.connection.close()
            return True
        refusal = self.fault("http", operation, mailbox)
        if refusal is None:
            return False
        self.tenant.log.add(Entry(operation, mailbox, status=refusal.status))
        headers = dict(refusal.headers)
        if refusal.retry_after is not None:
            headers["Retry-After"] = refusal.retry_after
        if refusal.status == HTTPStatus.UNAUTHORIZED:
            headers.setdefault("WWW-Authenticate", self.challenge)
        self.send(refusal.status, refusal.body, headers=headers)
        return True

    def fault(self, kind: Kind, operation: str, mailbox: str) -> Fault | None:
        """Return the fault of a kind that strikes this request."""
        return self.tenant.faults.take(kind, mailbox, operation)

    def reply(
        self,
        entry: Entry,
        body: bytes,
        content_type: str = XML,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Send an answer, or the part of it that a fault lets through."""
        self.tenant.log.add(entry)
        if self.fault("stale", entry.operation, entry.mailbox) is not None:
            self.wfile.write(self.previous)
            return
        cut = self.fault("cut", entry.operation, entry.mailbox)
        if cut is not None:
            body = body[: _position(cut, body)]
        stall = self.fault("stall", entry.operation, entry.mailbox)
        broken = stall or self.fault("hang_up", entry.operation, entry.mailbox)
        stop_at = _position(broken, body) if broken else None
        self.send(entry.status, body, headers, content_type, stop_at)
        if stall is not None:
            self._host.stopping.wait(stall.seconds)
        if broken is not None:
            self.close_connection = True

    def send(
        self,
        status: int,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        content_type: str = XML,
        stop_at: int | None = None,
    ) -> None:
        """Send one response in one piece; ``stop_at`` cuts the body, but not its Content-Length."""
        moment = time() + self.tenant.clock_skew_seconds
        phrase = next((each.phrase for each in HTTPStatus if each == status), "Unknown")
        lines = [
            f"HTTP/1.1 {int(status)} {phrase}",
            "Server: Microsoft-IIS/10.0",
            f"Date: {formatdate(moment, usegmt=True)}",
            f"Content-Type: {content_type}",
            f"Content-Length: {len(body)}",
            *(f"{name}: {value}" for name, value in (headers or {}).items()),
        ]
        if self.headers.get("return-client-request-id") == "true":
            lines.append(f"client-request-id: {self.headers.get('client-request-id', '')}")
        self.previous = "\r\n".join([*lines, "", ""]).encode() + body[:stop_at]
        self.wfile.write(self.previous)


def _position(broken: Fault, body: bytes) -> int:
    return len(body) // 2 if broken.at_byte is None else broken.at_byte
