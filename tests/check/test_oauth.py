"""The check as an app: it gets a token first, then sends requests on behalf of a room."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import yaml

from pipelines.sandbox.wire import CertificateAuthority
from tests.check.asking import CheckNow
from tests.night.workplace import Company, address_of

TOKEN = "a-token-of-the-test"


class SignIn(BaseHTTPRequestHandler):
    """The part of a sign-in service that a client secret needs; it knows one secret."""

    def do_GET(self) -> None:
        base = f"https://{self.headers['Host']}/tenant"
        self._answer(
            200,
            {
                "issuer": f"{base}/v2.0",
                "authorization_endpoint": f"{base}/authorize",
                "token_endpoint": f"{base}/token",
            },
        )

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers["Content-Length"]))
        if b"client_secret=right" in asked:
            token = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600}
            self._answer(200, token)
        else:
            self._answer(401, {"error": "invalid_client"})

    def _answer(self, status: int, content: dict[str, object]) -> None:
        data = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
        """Log nothing."""


@pytest.fixture
def app(
    company: Company, authority: CertificateAuthority, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Company]:
    """The company, read by an app instead of an account."""
    with ThreadingHTTPServer(("127.0.0.1", 0), SignIn) as service:
        service.socket = authority.server_context().wrap_socket(service.socket, server_side=True)
        thread = Thread(target=service.serve_forever, args=(0.02,))
        thread.start()
        monkeypatch.setenv("TEST_SECRET", "right")
        company.tenant.bearer_tokens.add(TOKEN)
        _use_app(company, f"https://localhost:{service.server_port}")
        yield company
        service.shutdown()
        thread.join()


def _use_app(company: Company, sign_in: str) -> None:
    settings = yaml.safe_load(company.config.read_text())
    exchange = settings["regions"]["EU"]["exchanges"]["sandbox"]
    del exchange["username"], exchange["password_env"]
    exchange |= {
        "auth": "oauth",
        "tenant_id": "tenant",
        "client_id": "our-app",
        "client_secret_env": "TEST_SECRET",
        "authority": sign_in,
    }
    company.config.write_text(yaml.safe_dump(settings))


def test_an_app_signs_in_and_asks_everything_on_behalf_of_rooms(
    app: Company, check: CheckNow
) -> None:
    checked = check()
    assert checked.code == 0
    assert "oauth, accepted" in checked.line_of("sign-in")
    assert "1 list with 2 rooms" in checked.line_of("room lists")
    assert [entry.mailbox for entry in app.tenant.log][:1] == [address_of("fjord")]
    assert TOKEN not in checked.out + checked.err


def test_a_refused_secret_stops_before_exchange_is_asked(
    app: Company, check: CheckNow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_SECRET", "wrong")
    checked = check()
    assert checked.code == 1
    assert checked.line_of("sign-in").endswith("oauth: TokenRefused")
    assert checked.line_of("fjord").endswith("TokenRefused")
    assert not list(app.tenant.log)


def test_a_room_that_is_out_of_an_apps_scope_is_mended_by_rbac_for_applications(
    app: Company, check: CheckNow
) -> None:
    app.tenant.impersonation = {address_of("fjord")}
    out = check().out
    assert "PS> Set-Mailbox 'harbour@rooms.contoso.example' -CustomAttribute1 'EU'" in out
    assert "-App 'our-app' -Role 'Application EWS.AccessAsApp'" in out
