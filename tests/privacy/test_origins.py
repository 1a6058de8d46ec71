"""Every stored column names its origin; Exchange is asked only for fields that are used."""

import pyarrow as pa
import pytest

from pipelines.sources import ews, ews_xml, graph
from transforms.contract.database import TABLES
from transforms.contract.lake import LAKE, READ_AND_DROPPED

EVERYTHING = (*LAKE.values(), *TABLES.values())
COLUMNS = [column for table in EVERYTHING for column in table]


def asked_fields() -> set[str]:
    paths = [*ews._ITEM_FIELDS, *ews._INVITEE_FIELDS]
    return {path.field.field_uri.partition(":")[2] for path in paths} | {"ItemId"}


@pytest.mark.parametrize("name", sorted({column.name for column in COLUMNS}))
def test_a_column_has_the_same_origin_and_nature_wherever_it_stands(name: str) -> None:
    assert len({(each.origin, each.nature) for each in COLUMNS if each.name == name}) == 1


def test_nothing_is_asked_of_exchange_that_no_column_needs() -> None:
    used = {field for column in COLUMNS for field in column.origin.fields}
    assert used | set(READ_AND_DROPPED) == asked_fields()


def test_rows_of_single_bookings_are_never_called_anonymous() -> None:
    with_room = {name for name, table in TABLES.items() if "room_id" in table.names}
    behind = {"rooms", "rooms_as_of", "coverage"}
    assert all(TABLES[name].nature == "pseudonymous" for name in with_room - behind)
    assert LAKE["bookings"].nature == "pseudonymous"


def test_only_the_suppressed_aggregates_are_called_anonymous() -> None:
    anonymous = {name for name, each in TABLES.items() if each.nature == "anonymous"}
    assert anonymous == {"booking_profile", "booking_profile_shown", "change_profile"}
    assert not [column for column in COLUMNS if column.nature == "anonymous"]


def test_what_is_stored_as_a_source_states_it_is_a_flag_and_every_source_states_it() -> None:
    stated = [column for column in LAKE["bookings"] if column.is_stated]
    assert all(pa.types.is_boolean(each.type) and each.nullable for each in stated)
    names = {each.name for each in stated}
    assert names == ews_xml.STATED.keys() == graph.STATED.keys()
