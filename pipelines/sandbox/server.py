"""The simulated server: TLS on loopback, threads, a clean shutdown; one server for each region.

``python -m pipelines.sandbox.server`` serves one region in a separate process, for programs. It
prints a line of JSON when it is ready, and exits when its standard input closes, so that it never
outlives the program that started it. People use ``insights sandbox``.
"""

import json
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Self, TypeAlias

import click

from pipelines.sandbox.calendars import generated_tenant
from pipelines.sandbox.ews import PATH, EwsConnection
from pipelines.sandbox.faults import Fault
from pipelines.sandbox.graph import GraphConnection
from pipelines.sandbox.model import Tenant
from pipelines.sandbox.wire import CertificateAuthority
from transforms.contract import Region

_Request: TypeAlias = socket.socket | tuple[bytes, socket.socket]  # TCP has only the first


class Connection(EwsConnection, GraphConnection):
    """Serves one client's requests, one after the other: EWS at its path, Graph elsewhere."""

    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        """Serve Graph; EWS does not use GET."""
        if self._is_ews():
            self.refuse_get()
        else:
            self.serve_graph()

    def do_POST(self) -> None:  # noqa: N802 - http.server's name
        """Serve one EWS request or token request."""
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self._is_ews():
            self.serve_ews(data)
        else:
            self.serve_graph(data)

    def _is_ews(self) -> bool:
        return self.path.casefold() == PATH.casefold()


class SandboxExchange:
    """A simulated Exchange on https://localhost; a context manager.

    ``port`` is the one that it listens on; stopping and starting again keeps it.
    """

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
        self.port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The EWS endpoint."""
        return f"https://localhost:{self.port}{PATH}"

    @property
    def base_url(self) -> str:
        """Where Graph and the sign-in service answer."""
        return f"https://localhost:{self.port}"

    def start(self) -> Self:
        """Listen, and serve in a background thread.

        Raises:
            OSError: the port is taken.
        """
        self._server = _Server(self.tenant, self._context, self.port)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        return self

    def stop(self) -> None:
        """Close every connection, and wait for the requests being served."""
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
        # Handshakes run in each connection's own thread, so a slow client delays nobody.
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
        """Remember the connection, to close it when the server stops."""
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
        """Print nothing: tests make clients go away on purpose."""

    def stop(self) -> None:
        """Stop serving, wake every waiting thread, and wait for them to end."""
        self.stopping.set()
        self.shutdown()
        with self._guard:
            for connection in self._open:
                # This ends blocking reads. It bypasses TLS, whose state another thread owns.
                with suppress(OSError):
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
        self.server_close()


@dataclass(frozen=True)
class Served:
    """Where a region's sandbox is, and how to sign in. ``ca_file`` is absolute.

    ``url`` serves EWS to the account; ``graph_url`` serves Graph to the app, and signs it in.
    """

    region: str
    url: str
    username: str
    password: str
    ca_file: str
    graph_url: str
    tenant_id: str
    client_id: str
    client_secret: str


@contextmanager
def serving(
    regions: Sequence[Region],
    directory: Path,
    rooms: int = 40,
    latency_seconds: float = 0.0,
    first_port: int = 0,
) -> Iterator[list[Served]]:
    """Serve that many rooms in each region while the block runs, on any free ports by default.

    Each region has its own server, and its own CA in ``<directory>/<region>/ca.pem``.

    Raises:
        OSError: a port is taken, or the directory cannot be written.
    """
    with ExitStack() as servers:
        served = []
        for number, region in enumerate(regions):
            tenant = generated_tenant(region, rooms)
            if latency_seconds > 0:
                tenant.faults.add(Fault("latency", seconds=latency_seconds))
            authority = CertificateAuthority(directory.resolve() / region.lower())
            port = first_port + number if first_port else 0
            server = servers.enter_context(SandboxExchange(tenant, authority, port))
            served.append(
                Served(
                    region=region,
                    url=server.url,
                    username=tenant.account,
                    password=tenant.password,
                    ca_file=str(authority.ca_file),
                    graph_url=server.base_url,
                    tenant_id=tenant.app.tenant_id,
                    client_id=tenant.app.client_id,
                    client_secret=tenant.app.client_secret or "",
                )
            )
        yield served


def end_of_process() -> threading.Event:
    """Return an event that SIGINT and SIGTERM set, even if a shell made this process ignore them.

    Main thread only.
    """
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    return over


@click.command()
@click.option("--region", required=True)
@click.option("--rooms", type=click.IntRange(min=1), default=40, show_default=True)
@click.option("--dir", "directory", type=click.Path(path_type=Path), required=True)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 is any free one.")
@click.option("--latency", type=click.FloatRange(min=0), default=0.0, help="Seconds an answer.")
def main(region: Region, rooms: int, directory: Path, port: int, latency: float) -> None:
    """Serve one region's simulated Exchange until standard input closes."""
    stop = end_of_process()

    def wait_for_end_of_input() -> None:
        # Not sys.stdin.read: a thread that holds its buffer's lock breaks the interpreter's exit.
        while os.read(sys.stdin.fileno(), 1024):
            pass
        stop.set()

    threading.Thread(target=wait_for_end_of_input, daemon=True).start()
    try:
        with serving([region], directory, rooms, latency, port) as (served,):
            click.echo(json.dumps(asdict(served)))
            stop.wait()
    except OSError as error:
        raise click.ClickException(f"the sandbox cannot start: {error.strerror}") from None


if __name__ == "__main__":
    main()
