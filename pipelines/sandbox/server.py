"""The simulated server as a whole: TLS on loopback, threads, a clean end.

Belongs here: listening, and closing what is open.
Does not belong here: one connection (``connection.py``), what an answer says (``operations.py``).
"""

import socket
import ssl
import threading
from http.server import ThreadingHTTPServer
from typing import Self, TypeAlias

from pipelines.sandbox.connection import PATH, Connection
from pipelines.sandbox.model import Tenant
from pipelines.sandbox.tls import CertificateAuthority

_Request: TypeAlias = socket.socket | tuple[bytes, socket.socket]  # TCP has only the first


class SandboxExchange:
    """A simulated Exchange on https://localhost; a context manager."""

    def __init__(
        self,
        tenant: Tenant,
        authority: CertificateAuthority,
        port: int = 0,
        minimum_tls: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
        maximum_tls: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
    ) -> None:
        self.tenant = tenant
        self.authority = authority
        self._context = authority.server_context(minimum_tls, maximum_tls)
        self._port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The port it listens on; it stays the same when it is stopped and started again."""
        return self._port

    @property
    def url(self) -> str:
        """The EWS endpoint."""
        return f"https://localhost:{self.port}{PATH}"

    @property
    def base_url(self) -> str:
        """Where Graph and the sign-in service answer."""
        return f"https://localhost:{self.port}"

    def start(self) -> Self:
        """Listen and serve in a thread of its own.

        Raises:
            OSError: the port is taken.
        """
        self._server = _Server(self.tenant, self._context, self._port)
        self._port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close every connection and wait until nothing is served any more."""
        if self._server is None or self._thread is None:
            return
        self._server.stop()
        self._thread.join()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 128

    def __init__(self, tenant: Tenant, context: ssl.SSLContext, port: int) -> None:
        self.tenant = tenant
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), Connection)
        # The handshake belongs to a connection's own thread: a slow client delays nobody.
        self.socket = context.wrap_socket(
            self.socket, server_side=True, do_handshake_on_connect=False
        )

    def server_bind(self) -> None:
        """Bind without asking DNS for this machine's name, which may take seconds."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "localhost", self.socket.getsockname()[1]

    def process_request(self, request: _Request, client_address: object) -> None:
        """Remember the connection, so that it can be closed when the server stops."""
        if isinstance(request, socket.socket):
            with self._guard:
                self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: _Request) -> None:
        """Forget the connection and close it."""
        if isinstance(request, socket.socket):
            with self._guard:
                self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: _Request, client_address: object) -> None:
        """Keep quiet: clients that go away are part of the game."""

    def stop(self) -> None:
        """Stop serving, wake every thread that waits, and wait for them."""
        self.stopping.set()
        self.shutdown()
        with self._guard:
            for connection in self._open:
                _wake(connection)
        self.server_close()


def _wake(connection: socket.socket) -> None:
    """Make blocking reads return. Below TLS, whose state belongs to another thread."""
    try:
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
    except OSError:
        return
