"""Graph's tokens: by secret or certificate, renewed once in a run, never requested in a loop."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from pipelines.sandbox.faults import Fault, Kind
from pipelines.sandbox.model import Tenant
from pipelines.sources import Reach, Window
from pipelines.sources.remedies import remedy_for
from pipelines.sources.session import ATTEMPTS
from tests.conftest import StartExchange
from tests.sources.conftest import MONDAY, OTHER_ROOM, ROOM, WEEK, meetings, refused
from tests.sources.conftest import room as tenant_of
from tests.sources.graph_kit import OpenGraph, ReadGraph, open_graph, read_graph

__all__ = ["open_graph", "read_graph"]


def tokens(tenant: Tenant) -> int:
    return tenant.log.operations().count("Token")


def test_one_token_serves_every_room(exchange: StartExchange, open_graph: OpenGraph) -> None:
    tenant = tenant_of(meetings(3))
    source = open_graph(exchange(tenant))
    assert len(source.read(ROOM, WEEK)) == len(source.read(ROOM, WEEK)) == 3
    assert tokens(tenant) == 1


def test_a_token_that_ends_between_two_pages_is_renewed_once(
    exchange: StartExchange, open_graph: OpenGraph
) -> None:
    tenant = tenant_of(meetings(1_500, apart=timedelta(minutes=1)))
    expired = tenant.faults.add(Fault("http", operation="CalendarView", status=401, after=1))
    expired.times = 1
    source = open_graph(exchange(tenant))
    assert len(source.read(ROOM, Window(MONDAY, MONDAY + timedelta(days=2)))) == 1_500
    assert (expired.struck, tokens(tenant)) == (1, 2)


def test_a_token_about_to_end_is_renewed_before_it_does(
    exchange: StartExchange, open_graph: OpenGraph
) -> None:
    tenant = tenant_of(meetings(3))
    tenant.app.token_seconds = 60  # within msal's margin of five minutes
    source = open_graph(exchange(tenant))
    source.read(ROOM, WEEK)
    source.read(ROOM, WEEK)
    assert tokens(tenant) == 2


def test_a_401_that_stays_stops_the_exchange_after_one_more_token(
    exchange: StartExchange, open_graph: OpenGraph
) -> None:
    tenant = tenant_of(meetings(3))
    source = open_graph(exchange(tenant))
    source.read(ROOM, WEEK)
    tenant.faults.add(Fault("http", operation="CalendarView", status=401))
    assert refused(lambda: source.read(ROOM, WEEK)) == ("HTTP401", Reach.EXCHANGE)
    asked = len(tenant.log)
    assert refused(lambda: source.read(OTHER_ROOM, WEEK)) == ("HTTP401", Reach.EXCHANGE)
    assert (tokens(tenant), len(tenant.log)) == (2, asked)


def test_a_token_that_was_never_taken_is_not_asked_for_again(read_graph: ReadGraph) -> None:
    tenant = tenant_of(meetings(3))
    tenant.faults.add(Fault("http", operation="CalendarView", status=401))
    assert refused(lambda: read_graph(tenant)) == ("HTTP401", Reach.EXCHANGE)
    assert tokens(tenant) == 1


@pytest.mark.parametrize(
    "wrong", [{"client_secret": "old"}, {"client_id": "other"}, {"tenant_id": "other"}]
)
def test_an_app_that_is_refused_is_tried_once(
    exchange: StartExchange, open_graph: OpenGraph, wrong: dict[str, str]
) -> None:
    tenant = tenant_of(meetings(3))
    source = open_graph(exchange(tenant), **wrong)
    for _ in range(2):
        assert refused(lambda: source.read(ROOM, WEEK)) == ("TokenRefused", Reach.EXCHANGE)
    assert tokens(tenant) == 1
    assert "CalendarView" not in tenant.log.operations()


@pytest.mark.parametrize("kind", ["http", "reset", "hang_up"])
def test_a_sign_in_service_that_is_down_is_so_for_every_room_and_asked_a_few_times(
    read_graph: ReadGraph, kind: Kind
) -> None:
    tenant = tenant_of(meetings(3))
    tenant.faults.add(Fault(kind, operation="Token"))
    assert refused(lambda: read_graph(tenant)) == ("TokenEndpointUnavailable", Reach.EXCHANGE)
    assert tokens(tenant) == ATTEMPTS


@pytest.mark.parametrize("is_registered", [True, False])
def test_a_certificate_proves_the_app_if_it_is_the_registered_one(
    read_graph: ReadGraph, tmp_path: Path, is_registered: bool
) -> None:
    tenant = tenant_of(meetings(3))
    path = tmp_path / "app.pem"
    certificate = _new_certificate(path)
    tenant.app.client_secret = None
    if is_registered:
        tenant.app.certificates.append(certificate)
        assert len(read_graph(tenant, client_secret=None, certificate_file=path)) == 3
    else:
        expected = ("TokenRefused", Reach.EXCHANGE)
        proof = {"client_secret": None, "certificate_file": path}
        assert refused(lambda: read_graph(tenant, **proof)) == expected


def _new_certificate(path: Path) -> x509.Certificate:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "app")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(private + certificate.public_bytes(pem))
    return certificate


@pytest.mark.parametrize("token", [b"null", b'""', b'["x"]', b'"a\\r\\nb"', b'"\\u20ac"'])
def test_a_token_that_no_header_can_hold_stops_the_exchange(
    read_graph: ReadGraph, token: bytes
) -> None:
    tenant = tenant_of(meetings(3))
    body = b'{"token_type": "Bearer", "expires_in": 3600, "access_token": %b}' % token
    tenant.faults.add(Fault("http", operation="Token", status=200, body=body))
    assert refused(lambda: read_graph(tenant)) == ("SignInAnswerUnknown", Reach.EXCHANGE)
    assert "CalendarView" not in tenant.log.operations()


@pytest.mark.parametrize("body", [b"{}", b'{"error":"proxy"}', b'{"token_endpoint": 7}'])
@pytest.mark.parametrize("operation", ["Discovery", "Token"])
def test_an_odd_answer_of_the_sign_in_service_stops_the_exchange_after_one_request(
    exchange: StartExchange, open_graph: OpenGraph, body: bytes, operation: str
) -> None:
    tenant = tenant_of(meetings(3))
    odd = tenant.faults.add(Fault("http", operation=operation, status=200, body=body))
    source = open_graph(exchange(tenant))
    code, reach = refused(lambda: source.read(ROOM, WEEK))
    assert (code, reach) == refused(lambda: source.read(OTHER_ROOM, WEEK))
    assert code in {"SignInAnswerUnknown", "TokenRefused"}
    assert (reach, odd.struck) == (Reach.EXCHANGE, 1)
    assert "sign-in service" in remedy_for(code, "graph")
