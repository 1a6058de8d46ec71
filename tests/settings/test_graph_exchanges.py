"""An exchange with ``kind: graph``: its clouds, its keys, and its errors."""

import pytest

from pipelines.settings import GraphExchange
from tests.settings.company import EU, Company

GRAPH = {
    "kind": "graph",
    "tenant_id": "11111111",
    "client_id": "22222222",
    "client_secret_env": "INSIGHTS_TEST_SECRET",
}
KEY = "regions.EU.exchanges.hq"


def exchange_of(company: Company, **changes: object) -> GraphExchange:
    company.eu["exchanges"] = {"hq": GRAPH | changes}
    exchange = company.load(EU).regions["EU"].exchanges["hq"]
    assert isinstance(exchange, GraphExchange)
    return exchange


def test_four_workers_are_the_default(company: Company) -> None:
    assert exchange_of(company).workers == 4


@pytest.mark.parametrize(
    ("cloud", "endpoint", "authority"),
    [
        (None, "https://graph.microsoft.com", "https://login.microsoftonline.com"),
        ("usgov", "https://graph.microsoft.us", "https://login.microsoftonline.us"),
        ("dod", "https://dod-graph.microsoft.us", "https://login.microsoftonline.us"),
        ("china", "https://microsoftgraph.chinacloudapi.cn", "https://login.chinacloudapi.cn"),
    ],
)
def test_a_cloud_has_hosts_of_its_own(
    company: Company, cloud: str | None, endpoint: str, authority: str
) -> None:
    exchange = exchange_of(company, cloud=cloud)
    assert (exchange.endpoint, exchange.authority) == (endpoint, authority)


def test_an_endpoint_of_ones_own_wins(company: Company) -> None:
    exchange = exchange_of(company, cloud="usgov", endpoint="https://localhost:1")
    assert exchange.endpoint == "https://localhost:1"


REFUSALS: dict[str, tuple[dict[str, object], str, str]] = {
    "no tenant": ({"tenant_id": None}, "tenant_id", "is missing"),
    "another cloud": ({"cloud": "mars"}, "cloud", "must be 'global', "),
    "a password": ({"password_env": "X"}, "password_env", "unknown key"),
    "a literal secret": ({"client_secret": "hunter2"}, "client_secret", "client_secret_env"),
    "plain http": ({"endpoint": "http://localhost"}, "endpoint", "must begin with https://"),
    "a version of Graph": (
        {"endpoint": "https://graph.microsoft.com/v1.0"},
        "endpoint",
        "name scheme and host alone",
    ),
    "no proof": ({"client_secret_env": None}, "client_secret_env", "kind: graph needs it"),
    "two proofs": ({"certificate_file": "rooms-eu.csv"}, "client_secret_env", "keep one of them"),
    "no kind": ({"kind": "imap"}, "kind", "must be 'ews' or 'graph'"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_broken_exchange_is_refused_in_one_line(company: Company, name: str) -> None:
    changes, key, reason = REFUSALS[name]
    without = {each: value for each, value in (GRAPH | changes).items() if value is not None}
    company.eu["exchanges"] = {"hq": without}
    (line,) = company.problems()
    assert line.startswith(f"insights.yaml: {KEY}.{key}: ")
    assert reason in line
    assert "hunter2" not in line
