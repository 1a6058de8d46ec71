"""Tokens: by secret or certificate, renewed during a run, requested only once if refused."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from pipelines.sandbox.faults import Fault
from pipelines.sandbox.model import Tenant
from pipelines.sandbox.wire import CertificateAuthority
from pipelines.sources import Reach
from pipelines.sources.session import ATTEMPTS
from tests.conftest import StartExchange
from tests.sources.conftest import ROOM, WEEK, FakeTime, Open, meetings, refused, room


class SignIn:
    """A sign-in service: hands out ``t1``, ``t2``, … to whoever knows the secret."""

    def __init__(self, authority: CertificateAuthority, tenant: Tenant) -> None:
        self.asked: list[dict[str, list[str]]] = []
        self.status = 200
        self.expires_in = 3600
        self.retry_after: str | None = None
        self.logins: set[str | None] = set()
        self.page = b""  # sent in place of every token
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                base = f"{service.url}/contoso"
                names = ("authorization_endpoint", "token_endpoint", "issuer")
                self.answer({name: f"{base}/oauth2/v2.0/{name}" for name in names})

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                service.asked.append(form)
                service.logins.add(self.headers["Authorization"])
                if form.get("client_secret", ["secret"]) != ["secret"]:
                    return self.answer({"error": "invalid_client"}, 401)
                token = f"t{len(service.asked)}"
                tenant.bearer_tokens = {token}
                expires_in = service.expires_in
                return self.answer(
                    {"access_token": token, "token_type": "Bearer", "expires_in": expires_in},
                    service.status,
                )

            def answer(self, content: dict[str, Any], status: int = 200) -> None:
                is_token = "access_token" in content
                body = (is_token and service.page) or json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                if service.retry_after is not None:
                    self.send_header("Retry-After", service.retry_after)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.socket = authority.server_context().wrap_socket(
            self._server.socket, server_side=True
        )
        self.url = f"https://localhost:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def tenant() -> Tenant:
    return room(meetings(3))


@pytest.fixture
def sign_in(authority: CertificateAuthority, tenant: Tenant) -> Iterator[SignIn]:
    service = SignIn(authority, tenant)
    yield service
    service.stop()


@pytest.fixture
def app(sign_in: SignIn) -> dict[str, Any]:
    """The settings of an app registration."""
    return {
        "auth": "oauth",
        "username": None,
        "password": None,
        "authority": sign_in.url,
        "tenant_id": "contoso",
        "client_id": "app",
        "client_secret": "secret",
    }


def test_one_token_serves_every_room(
    exchange: StartExchange, open_source: Open, tenant: Tenant, sign_in: SignIn, app: dict[str, Any]
) -> None:
    source = open_source(exchange(tenant), with_invitees=True, **app)
    assert len(source.read(ROOM, WEEK)) == len(source.read(ROOM, WEEK)) == 3
    (form,) = sign_in.asked
    assert form["scope"] == ["https://localhost/.default"]
    assert form["grant_type"] == ["client_credentials"]


def test_a_token_about_to_end_is_renewed_before_the_next_request(
    exchange: StartExchange, open_source: Open, tenant: Tenant, sign_in: SignIn, app: dict[str, Any]
) -> None:
    sign_in.expires_in = 60  # within msal's margin of five minutes
    source = open_source(exchange(tenant), with_invitees=True, **app)
    assert len(source.read(ROOM, WEEK)) == 3
    assert len(sign_in.asked) == 2


def test_a_token_that_is_revoked_in_the_middle_of_a_run_is_renewed_once(
    exchange: StartExchange, open_source: Open, tenant: Tenant, sign_in: SignIn, app: dict[str, Any]
) -> None:
    source = open_source(exchange(tenant), **app)
    source.read(ROOM, WEEK)
    tenant.bearer_tokens = set()
    assert len(source.read(ROOM, WEEK)) == 3
    tenant.faults.add(Fault("http", status=401))
    assert refused(lambda: source.read(ROOM, WEEK)) == ("HTTP401", Reach.EXCHANGE)
    assert len(sign_in.asked) == 3


def test_a_token_that_was_never_taken_is_not_asked_for_again(
    exchange: StartExchange, open_source: Open, tenant: Tenant, sign_in: SignIn, app: dict[str, Any]
) -> None:
    tenant.faults.add(Fault("http", status=401))
    source = open_source(exchange(tenant), **app)
    assert refused(lambda: source.read(ROOM, WEEK)) == ("HTTP401", Reach.EXCHANGE)
    assert len(sign_in.asked) == 1


def test_a_wrong_secret_is_tried_once(
    exchange: StartExchange, open_source: Open, tenant: Tenant, sign_in: SignIn, app: dict[str, Any]
) -> None:
    source = open_source(exchange(tenant), **app | {"client_secret": "expired"})
    for _ in range(2):
        assert refused(lambda: source.read(ROOM, WEEK)) == ("TokenRefused", Reach.EXCHANGE)
    assert len(sign_in.asked) == 1
    assert tenant.log.operations() == []


BUSY = b'{"error": "temporarily_unavailable", "error_description": "AADSTS90033"}'


@pytest.mark.parametrize(
    ("status", "page"),
    [(408, b""), (429, b""), (500, b""), (503, b""), (200, b"<html>"), (400, BUSY)],
)
def test_a_token_endpoint_that_is_down_is_asked_a_few_times(
    exchange: StartExchange,
    open_source: Open,
    tenant: Tenant,
    sign_in: SignIn,
    app: dict[str, Any],
    status: int,
    page: bytes,
) -> None:
    sign_in.status, sign_in.page = status, page
    source = open_source(exchange(tenant), **app)
    expected = ("TokenEndpointUnavailable", Reach.EXCHANGE)
    assert refused(lambda: source.read(ROOM, WEEK)) == expected
    assert len(sign_in.asked) == ATTEMPTS


def test_the_wait_that_the_sign_in_service_asks_for_is_kept(
    exchange: StartExchange,
    open_source: Open,
    tenant: Tenant,
    sign_in: SignIn,
    app: dict[str, Any],
    fake_time: FakeTime,
) -> None:
    sign_in.status, sign_in.retry_after = 429, "20"
    source = open_source(exchange(tenant), **app)
    refused(lambda: source.read(ROOM, WEEK))
    assert fake_time.sleeps[0] >= 20


def test_a_login_of_netrc_is_not_shown_to_the_sign_in_service(
    exchange: StartExchange,
    open_source: Open,
    tenant: Tenant,
    sign_in: SignIn,
    app: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    source = open_source(exchange(tenant), **app)
    assert len(source.read(ROOM, WEEK)) == 3
    assert sign_in.logins == {None}


def test_a_token_endpoint_that_is_not_there_is_bounded_too(
    exchange: StartExchange, open_source: Open, tenant: Tenant, app: dict[str, Any]
) -> None:
    source = open_source(exchange(tenant), **app | {"authority": "https://localhost:9"})
    assert refused(lambda: source.read(ROOM, WEEK)) == ("CannotConnect", Reach.EXCHANGE)


def test_the_sign_in_service_is_https_too(
    exchange: StartExchange, open_source: Open, tenant: Tenant, app: dict[str, Any]
) -> None:
    server = exchange(tenant)
    expected = ("HttpsRequired", Reach.EXCHANGE)
    plain = app | {"authority": "http://localhost:9"}
    assert refused(lambda: open_source(server, **plain)) == expected


@pytest.mark.parametrize(
    ("name", "password"), [("app.pem", None), ("app.pem", "pass"), ("app.pfx", "pass")]
)
def test_a_certificate_proves_the_app_without_a_secret(
    exchange: StartExchange,
    open_source: Open,
    tenant: Tenant,
    sign_in: SignIn,
    app: dict[str, Any],
    tmp_path: Path,
    name: str,
    password: str | None,
) -> None:
    path = tmp_path / name
    path.write_bytes(_certificate_file(path.suffix, password))
    with_certificate = app | {
        "client_secret": None,
        "certificate_file": path,
        "certificate_password": password,
    }
    source = open_source(exchange(tenant), **with_certificate)
    assert len(source.read(ROOM, WEEK)) == 3
    (form,) = sign_in.asked
    assert form["client_assertion"][0].count(".") == 2
    assert "client_secret" not in form


@pytest.mark.parametrize("suffix", [".pem", ".pfx"])
@pytest.mark.parametrize("name", ["missing", "empty", "other", "elliptic"])
def test_a_certificate_file_that_cannot_be_used_stops_the_exchange(
    exchange: StartExchange,
    open_source: Open,
    tenant: Tenant,
    app: dict[str, Any],
    tmp_path: Path,
    name: str,
    suffix: str,
) -> None:
    (tmp_path / f"empty{suffix}").write_text("")
    (tmp_path / f"other{suffix}").write_bytes(_certificate_file(suffix, "other password"))
    elliptic = _certificate_file(suffix, "password", ec.generate_private_key(ec.SECP256R1()))
    (tmp_path / f"elliptic{suffix}").write_bytes(elliptic)
    broken = app | {
        "client_secret": None,
        "certificate_file": tmp_path / f"{name}{suffix}",
        "certificate_password": "password",
    }
    source = open_source(exchange(tenant), **broken)
    expected = ("CertificateFileUnreadable", Reach.EXCHANGE)
    assert refused(lambda: source.read(ROOM, WEEK)) == expected


def _certificate_file(
    suffix: str, password: str | None, other_key: ec.EllipticCurvePrivateKey | None = None
) -> bytes:
    key = other_key or rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "app")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    protection: serialization.KeySerializationEncryption = (
        serialization.BestAvailableEncryption(password.encode())
        if password
        else serialization.NoEncryption()
    )
    if suffix == ".pfx":
        return pkcs12.serialize_key_and_certificates(b"app", key, certificate, None, protection)
    pem = serialization.Encoding.PEM
    return key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, protection
    ) + certificate.public_bytes(pem)
