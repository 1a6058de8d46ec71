"""A company with rooms on two exchanges: one that speaks EWS, one that speaks Graph.

Belongs here: writing the configuration that reads one sandbox over both protocols.
Does not belong here: the contents of its calendars.
"""

import csv
from collections.abc import Mapping
from typing import Any

import yaml

from pipelines.sandbox.model import CLIENT_ID, TENANT_ID
from tests.night.workplace import Company, address_of

EWS, GRAPH = "headquarters", "cloud"


def graph_exchange(company: Company, **changes: Any) -> dict[str, Any]:
    """Return the entry of ``exchanges`` that reads the company's sandbox over Graph."""
    base = company.url.partition("/EWS")[0]
    return {
        "kind": "graph",
        "endpoint": base,
        "authority": base,
        "tenant_id": TENANT_ID,
        "client_id": CLIENT_ID,
        "client_secret_env": "TEST_PASSWORD",
        "ca_file": str(company.authority.ca_file),
        "workers": 2,
    } | changes


def write_two_exchanges(company: Company, rooms: Mapping[str, str], **changes: Any) -> None:
    """Assign each room to ``EWS`` or ``GRAPH``; ``changes`` apply to the exchange over Graph."""
    company.write()
    settings = yaml.safe_load(company.config.read_text())
    exchanges = settings["regions"][company.region]["exchanges"]
    exchanges[EWS] = exchanges.pop("sandbox")
    exchanges[GRAPH] = graph_exchange(company, **changes)
    company.config.write_text(yaml.safe_dump(settings))
    with (company.directory / "rooms.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["room_id", "address", "exchange", "time_zone", "building", "capacity"])
        for room_id, exchange in rooms.items():
            row = [room_id, address_of(room_id), exchange, company.time_zone, "HQ", "8"]
            rows.writerow(row)
