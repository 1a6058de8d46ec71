"""Connections use only verified TLS 1.2 or later, whatever the environment says."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from pipelines.sandbox.wire import CertificateAuthority
from pipelines.sources import Reach, ReadError
from pipelines.sources.wire import Deadline, TimedAdapter, secured
from tests.conftest import StartExchange
from tests.sources.conftest import ROOM, WEEK, Open, meetings, refused, room


@pytest.fixture(scope="module")
def strangers_ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return CertificateAuthority(tmp_path_factory.mktemp("stranger")).ca_file


@pytest.mark.parametrize("endpoint", ["http://localhost/EWS/Exchange.asmx", "localhost", "ftp://a"])
def test_nothing_but_https_is_accepted(
    exchange: StartExchange, open_source: Open, endpoint: str
) -> None:
    server = exchange(room([]))
    assert refused(lambda: open_source(server, endpoint=endpoint)) == (
        "HttpsRequired",
        Reach.EXCHANGE,
    )


def test_a_certificate_of_a_stranger_is_refused_at_once(
    exchange: StartExchange, open_source: Open, strangers_ca: Path, sent: list[bytes]
) -> None:
    source = open_source(exchange(room([])), ca_file=strangers_ca)
    assert refused(lambda: source.read(ROOM, WEEK)) == ("CertificateNotTrusted", Reach.EXCHANGE)
    assert len(sent) == 1


def test_without_a_ca_file_a_private_ca_is_not_trusted(
    exchange: StartExchange, open_source: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    source = open_source(exchange(room([])), ca_file=None)
    assert refused(lambda: source.read(ROOM, WEEK)) == ("CertificateNotTrusted", Reach.EXCHANGE)


def test_the_ca_file_wins_over_the_environment(
    exchange: StartExchange,
    open_source: Open,
    strangers_ca: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(strangers_ca))
    monkeypatch.setenv("CURL_CA_BUNDLE", str(strangers_ca))
    assert len(open_source(exchange(room(meetings(2)))).read(ROOM, WEEK)) == 2


def test_without_a_ca_file_the_environment_names_the_trust(
    exchange: StartExchange, open_source: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = exchange(room(meetings(2)))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(server.authority.ca_file))
    assert len(open_source(server, ca_file=None).read(ROOM, WEEK)) == 2


def test_another_host_name_than_the_certificates_is_refused(
    exchange: StartExchange, open_source: Open
) -> None:
    server = exchange(room([]))
    source = open_source(server, endpoint=server.url.replace("localhost", "localhost.localdomain"))
    code, scope = refused(lambda: source.read(ROOM, WEEK))
    assert code in {"CertificateNotTrusted", "NameResolutionError"}  # if the name has no address
    assert scope is Reach.EXCHANGE


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
def test_a_server_of_tls_1_1_is_refused(exchange: StartExchange, open_source: Open) -> None:
    old = ssl.TLSVersion.TLSv1_1
    source = open_source(exchange(room([]), minimum_tls=old, maximum_tls=old))
    assert refused(lambda: source.read(ROOM, WEEK)) == ("TlsRefused", Reach.EXCHANGE)


@pytest.mark.parametrize("content", ["", "not a certificate"])
def test_a_ca_file_that_holds_no_certificate_is_refused_before_anything_is_sent(
    exchange: StartExchange, open_source: Open, tmp_path: Path, content: str
) -> None:
    ca_file = tmp_path / "ca.pem"
    ca_file.write_text(content)
    server = exchange(room([]))
    for path in (ca_file, tmp_path / "missing.pem"):
        expected = ("CaFileUnreadable", Reach.EXCHANGE)
        assert refused(lambda path=path: open_source(server, ca_file=path)) == expected  # type: ignore[misc]


def test_verification_cannot_be_switched_off(exchange: StartExchange, strangers_ca: Path) -> None:
    session = requests.Session()
    session.verify = False
    secured(session, TimedAdapter(Deadline(), 5.0, strangers_ca))
    with pytest.raises(ReadError, match=r"^CertificateNotTrusted$"):
        session.post(exchange(room([])).url, verify=False)
    session.close()


def test_a_server_that_sends_a_byte_now_and_then_is_left_by_the_deadline(
    authority: CertificateAuthority,
) -> None:
    deadline = Deadline()
    with trickling_server(authority) as url, requests.Session() as session:
        secured(session, TimedAdapter(deadline, 30.0, authority.ca_file))
        deadline.start(0.5)
        began = time.monotonic()
        with pytest.raises(ReadError, match=r"^ReadTimeout$"):
            session.get(url)
        assert time.monotonic() - began < 10  # the server would go on for 1,000 seconds


@pytest.mark.parametrize("size", [b"-5", b"zz", b""])
def test_an_answer_in_chunks_of_no_size_is_a_broken_connection(
    authority: CertificateAuthority, size: bytes
) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with trickling_server(authority, head + size + b"\r\n") as url, requests.Session() as session:
        deadline = Deadline()
        deadline.start(10.0)
        secured(session, TimedAdapter(deadline, 30.0, authority.ca_file))
        with pytest.raises(ReadError, match=r"^ConnectionBroken$") as caught:
            session.get(url)
        assert caught.value.is_transient


@contextmanager
def trickling_server(
    authority: CertificateAuthority,
    head: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n",
) -> Iterator[str]:
    """Serve one connection: a header, then a byte of the body every 50 ms."""
    listener = socket.create_server(("127.0.0.1", 0))
    is_over = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        try:
            with authority.server_context().wrap_socket(connection, server_side=True) as peer:
                peer.recv(65536)
                peer.sendall(head)
                while not is_over.wait(0.05):
                    peer.sendall(b"x")
        except OSError:
            return

    server = threading.Thread(target=serve)
    server.start()
    try:
        yield f"https://localhost:{listener.getsockname()[1]}/"
    finally:
        is_over.set()
        server.join()
        listener.close()


@pytest.mark.parametrize("proxy", ["http://localhost:9", "http://", "socks5://localhost:9"])
def test_the_proxy_of_the_environment_is_used(
    exchange: StartExchange, open_source: Open, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    source = open_source(exchange(room([])))
    assert refused(lambda: source.read(ROOM, WEEK)) == ("ProxyError", Reach.EXCHANGE)
