"""Every stored column says where it comes from; what is asked of Exchange is what is used."""

from pipelines.sources import ews_services
from transforms.contract import LAKE, TABLES
from transforms.origins import LAKE_NATURES, ORIGINS, READ_AND_DROPPED, TABLE_NATURES


def stored_columns() -> set[str]:
    return {name for schema in (*LAKE.values(), *TABLES.values()) for name in schema.names}


def asked_fields() -> set[str]:
    paths = [*ews_services._ITEM_FIELDS, *ews_services._INVITEE_FIELDS]
    return {path.field.field_uri.partition(":")[2] for path in paths} | {"ItemId"}


def test_every_column_of_lake_and_database_has_one_origin_and_none_is_left_over() -> None:
    assert set(ORIGINS) == stored_columns()


def test_every_table_says_what_its_rows_are() -> None:
    assert set(LAKE_NATURES) == set(LAKE)
    assert set(TABLE_NATURES) == set(TABLES)


def test_nothing_is_asked_of_exchange_that_no_column_needs() -> None:
    used = {field for origin in ORIGINS.values() for field in origin.fields}
    assert used | set(READ_AND_DROPPED) == asked_fields()


def test_rows_of_single_bookings_are_never_called_anonymous() -> None:
    with_room = {name for name, schema in TABLES.items() if "room_id" in schema.names}
    behind = {"rooms", "coverage"}
    assert all(TABLE_NATURES[name].nature == "pseudonymous" for name in with_room - behind)
    assert LAKE_NATURES["bookings"].nature == "pseudonymous"


def test_only_the_suppressed_aggregates_are_called_anonymous() -> None:
    anonymous = {name for name, each in TABLE_NATURES.items() if each.nature == "anonymous"}
    assert anonymous == {"booking_mix", "size_fit"}
    assert not [name for name, each in ORIGINS.items() if each.nature == "anonymous"]
