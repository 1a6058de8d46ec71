"""Real receivers of alerts on loopback: an HTTPS server and a mail server, both with TLS.

Belongs here: listening, answering as a test asks, and recording what arrives.
Does not belong here: what a test expects to arrive.
"""

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from pipelines.sandbox.wire import CertificateAuthority


@dataclass
class Webhook:
    """An HTTPS receiver: the requests that it got, and the status that it answers with."""

    authority: CertificateAuthority
    status: int = 200
    url: str = ""
    got: list[dict[str, Any]] = field(default_factory=list)

    def settings(self) -> dict[str, Any]:
        return {"url": self.url, "ca_file": str(self.authority.ca_file)}


@contextmanager
def webhook_receiver(authority: CertificateAuthority) -> Iterator[Webhook]:
    """Listen until the block ends."""
    webhook = Webhook(authority)

    class Receive(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            webhook.got.append(json.loads(body))
            self.send_response(webhook.status)
            if 300 <= webhook.status < 400:
                self.send_header("Location", webhook.url)
            self.end_headers()

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("localhost", 0), Receive)
    server.socket = authority.server_context().wrap_socket(server.socket, server_side=True)
    webhook.url = f"https://localhost:{server.server_port}/hook/secret-part"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield webhook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class MailServer:
    """A mail server: the messages that it accepted, and the users that logged in."""

    authority: CertificateAuthority
    tls: str
    port: int = 0
    refused: frozenset[str] = frozenset()
    got: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)

    def settings(self) -> dict[str, Any]:
        return {
            "host": "localhost",
            "port": self.port,
            "tls": self.tls,
            "from": "room-insights@contoso.example",
            "to": ["it@contoso.example", "rooms@contoso.example"],
            "username": "insights",
            "password_env": "TEST_SMTP_PASSWORD",
            "ca_file": str(self.authority.ca_file),
        }

    def authenticate(self, *details: Any) -> AuthResult:
        given = details[-1]
        assert isinstance(given, LoginPassword)
        self.logins.append((given.login.decode(), given.password.decode()))
        return AuthResult(success=given.password == b"open sesame", handled=False)

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert session.ssl is not None or self.tls == "implicit"
        content = envelope.content
        assert isinstance(content, bytes)
        self.got.append(message_from_bytes(content, policy=policy.default))
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 taken"


class _Listener(Controller):
    """The library's server on a free port, with STARTTLS or implicit TLS."""

    def __init__(self, mail: MailServer, context: ssl.SSLContext) -> None:
        is_implicit = mail.tls == "implicit"
        super().__init__(
            mail,
            hostname="localhost",
            port=0,
            ssl_context=context if is_implicit else None,
            tls_context=None if is_implicit else context,
            require_starttls=not is_implicit,
            auth_require_tls=not is_implicit,
            authenticator=mail.authenticate,
            auth_required=not is_implicit,
            auth_exclude_mechanism=["LOGIN"],
        )

    def _trigger_server(self) -> None:
        """Connect once to the actual port; the library would connect to port 0."""
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        with socket.create_connection((self.hostname, self.port)):
            pass


@contextmanager
def mail_server(authority: CertificateAuthority, tls: str) -> Iterator[MailServer]:
    """Listen until the block ends."""
    mail = MailServer(authority, tls)
    listener = _Listener(mail, authority.server_context())
    listener.start()
    mail.port = listener.port
    try:
        yield mail
    finally:
        listener.stop()
