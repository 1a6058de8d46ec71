"""Every error that refuses an exchange of ``insights.yaml``; secrets are never shown."""

import pytest

from tests.settings.company import OAUTH, Break, Company, assert_refused, in_eu


def _hq(**changes: object) -> Break:
    return lambda company: company.hq.update(changes)


def _oauth(**changes: object) -> Break:
    without = {key: value for key, value in (OAUTH | changes).items() if value is not None}
    return lambda company: company.eu.update(exchanges={"hq": without})


REFUSALS: dict[str, tuple[Break, str, str]] = {
    "unknown key of an exchange": (_hq(colour="red"), "regions.EU.exchanges.hq.colour", "unknown"),
    "literal password": (
        _hq(password="hunter2"),
        "regions.EU.exchanges.hq.password",
        "name that variable in password_env",
    ),
    "literal client secret": (
        _oauth(client_secret="hunter2"),
        "regions.EU.exchanges.hq.client_secret",
        "variable in client_secret_env",
    ),
    "literal certificate password": (
        _hq(certificate_password="hunter2"),
        "regions.EU.exchanges.hq.certificate_password",
        "variable in certificate_password_env",
    ),
    "secret in place of a variable": (
        _hq(password_env="hunter2!"),
        "regions.EU.exchanges.hq.password_env",
        "must be the name of an environment variable",
    ),
    "secret in an address": (
        _hq(endpoint="https://svc:hunter2@mail.contoso.example/"),
        "regions.EU.exchanges.hq.endpoint",
        "holds an account",
    ),
    "http": (
        _hq(endpoint="http://mail.contoso.example/EWS/Exchange.asmx"),
        "regions.EU.exchanges.hq.endpoint",
        "must begin with https://",
    ),
    "no host": (_hq(endpoint="https://:x/"), "regions.EU.exchanges.hq.endpoint", "is no address"),
    "http authority": (
        _oauth(authority="http://login.contoso.example"),
        "regions.EU.exchanges.hq.authority",
        "must begin with https://",
    ),
    "unknown kind": (_hq(kind="imap"), "regions.EU.exchanges.hq.kind", "must be 'ews'"),
    "unknown auth": (_hq(auth="kerberos"), "regions.EU.exchanges.hq.auth", "must be 'basic', "),
    "unknown access": (_hq(access="owner"), "regions.EU.exchanges.hq.access", "must be 'imperson"),
    "too many workers": (_hq(workers=28), "regions.EU.exchanges.hq.workers", "at most 27"),
    "no workers": (_hq(workers=0), "regions.EU.exchanges.hq.workers", "at least 1"),
    "half a worker": (_hq(workers=1.5), "regions.EU.exchanges.hq.workers", "a whole number"),
    "no username": (
        lambda company: company.hq.pop("username"),
        "regions.EU.exchanges.hq.username",
        "is missing; auth: basic needs it",
    ),
    "no tenant": (
        _oauth(tenant_id=None),
        "regions.EU.exchanges.hq.tenant_id",
        "is missing; auth: oauth needs it",
    ),
    "a password with oauth": (
        _oauth(password_env="X"),
        "regions.EU.exchanges.hq.password_env",
        "does not go with auth: oauth",
    ),
    "a tenant with a password": (
        _hq(tenant_id="x"),
        "regions.EU.exchanges.hq.tenant_id",
        "does not go with auth: basic",
    ),
    "neither secret nor certificate": (
        _oauth(client_secret_env=None),
        "regions.EU.exchanges.hq.client_secret_env",
        "is missing; auth: oauth needs it, or certificate_file",
    ),
    "both secret and certificate": (
        _oauth(certificate_file="rooms-eu.csv"),
        "regions.EU.exchanges.hq.client_secret_env",
        "keep one of them",
    ),
    "password of no certificate": (
        _oauth(certificate_password_env="X"),
        "regions.EU.exchanges.hq.certificate_password_env",
        "needs certificate_file",
    ),
    "no CA file": (
        _hq(ca_file="nowhere.pem"),
        "regions.EU.exchanges.hq.ca_file",
        "this file does not exist",
    ),
    "a CA file with too long a name": (
        _hq(ca_file="x" * 300),
        "regions.EU.exchanges.hq.ca_file",
        "this file does not exist",
    ),
    "a CA file without certificates": (
        _hq(ca_file="rooms-eu.csv"),
        "regions.EU.exchanges.hq.ca_file",
        "holds no certificate in PEM format",
    ),
    "an exchange that is no mapping": (
        in_eu(exchanges={"hq": "ews"}),
        "regions.EU.exchanges.hq",
        "must be keys and values",
    ),
    "no exchange": (in_eu(exchanges={}), "regions.EU.exchanges", "is missing or empty"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_broken_exchange_is_refused_in_one_line_with_file_key_and_remedy(
    company: Company, name: str
) -> None:
    assert_refused(company, *REFUSALS[name])


def test_an_exchange_name_that_could_be_an_address_is_refused_unseen(company: Company) -> None:
    company.eu["exchanges"] = {"ann@contoso.example": company.hq}
    (line,) = company.problems()
    assert line.startswith("insights.yaml: regions.EU.exchanges: a name holds an @")
    assert "ann" not in line


def test_a_wrong_kind_hides_no_other_mistake_of_the_exchange(company: Company) -> None:
    company.hq.update(kind="owa", workers=99, endpoint="http://x", colour="red")
    found = {line.split(": ")[1].rpartition(".")[2] for line in company.problems()}
    assert found == {"kind", "workers", "endpoint", "colour"}


def test_a_kind_left_out_hides_no_other_mistake_of_the_exchange(company: Company) -> None:
    without = {key: value for key, value in OAUTH.items() if key not in ("kind", "auth")}
    company.eu["exchanges"] = {"hq": without | {"cloud": "mars"}}
    found = {line.split(": ")[1].rpartition(".")[2] for line in company.problems()}
    assert {"kind", "cloud"} <= found


@pytest.mark.parametrize("key", ["name", "origin"])
def test_what_the_place_of_an_exchange_says_is_no_key_of_it(company: Company, key: str) -> None:
    company.hq[key] = "other"
    (line,) = company.problems()
    assert line.startswith(f"insights.yaml: regions.EU.exchanges.hq.{key}: unknown key")
