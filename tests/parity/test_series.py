"""The ledger relies on it (R19): over both protocols, a series has one creation time."""

from collections import defaultdict
from datetime import datetime, timedelta

from pipelines.sandbox.calendars import directory_rows, generated_tenant
from pipelines.sandbox.server import SandboxExchange
from pipelines.sandbox.wire import CertificateAuthority
from pipelines.sources import Window
from tests.parity.both_ways import READ_AT, both_ways


def test_occurrences_and_exceptions_of_a_series_have_one_creation_over_both_protocols(
    authority: CertificateAuthority,
) -> None:
    tenant = generated_tenant("EU", rooms=2, now=READ_AT)
    window = Window(READ_AT - timedelta(days=30), READ_AT + timedelta(days=60))
    address = directory_rows(tenant)[0]["address"]
    held = tenant.mailboxes[address].items(window.starts_at, window.ends_at)
    series_at: dict[datetime, set[str | None]] = defaultdict(set)
    for each in held:
        series_at[each.starts_at].add(each.series_id)
    with SandboxExchange(tenant, authority) as server, both_ways(server) as ways:
        for source in (ways.ews, ways.graph):
            created: dict[str, set[datetime | None]] = defaultdict(set)
            kinds: dict[str, set[str]] = defaultdict(set)
            for item in source.read(address, window):
                known = series_at[item.starts_at]
                if item.kind != "single" and len(known) == 1:
                    (series_id,) = known
                    created[str(series_id)].add(item.created_at)
                    kinds[str(series_id)].add(item.kind)
            assert len(created) >= 3
            assert {"occurrence", "exception"} in kinds.values()
            assert all(len(instants) == 1 and None not in instants for instants in created.values())
