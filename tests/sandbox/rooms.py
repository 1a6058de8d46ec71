"""Small tenants for the tests of the sandbox."""

from datetime import UTC, datetime, timedelta

from pipelines.sandbox.model import Item, Mailbox, Person, Tenant

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
NINE = MONDAY + timedelta(hours=9)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

ROOM = "aurora@contoso.example"
OTHER_ROOM = "basalt@contoso.example"
ANN = Person("Ann Ünal & Söhne", "ann@contoso.example")
BEN = Person("Ben", "ben@fabrikam.example", mailbox_type="OneOff")
TEAM = Person("All <sellers>", "sellers@contoso.example", mailbox_type="PublicDL")
LEAVER = Person("Lea", "/O=EXCH/OU=G/CN=RECIPIENTS/CN=0001-LEA", "EX", "OneOff")
AURORA = Person("Aurora", ROOM)

WINDOWS_ZONES = {
    "Romance Standard Time": "Europe/Copenhagen",
    "GMT Standard Time": "Europe/London",
    "FLE Standard Time": "Europe/Helsinki",
    "Eastern Standard Time": "America/New_York",
    "Newfoundland Standard Time": "America/St_Johns",
    "Pacific Standard Time": "America/Los_Angeles",
    "Tokyo Standard Time": "Asia/Tokyo",
    "W. Europe Standard Time": "Europe/Berlin",
}


def meeting(start: datetime = NINE, length: timedelta = HOUR) -> Item:
    return Item(start, start + length, ANN, required=(ANN, BEN), resources=(AURORA,))


def rich_meeting(start: datetime = NINE) -> Item:
    """A meeting with something in every field."""
    return Item(
        starts_at=start,
        ends_at=start + 90 * timedelta(minutes=1),
        organizer=LEAVER,
        subject='Budget "2027" <draft> & more',
        body="<p>body & soul</p>",
        location="Bob's office",
        categories=("Red", "Very blue"),
        required=(ANN, TEAM),
        optional=(BEN,),
        resources=(AURORA,),
        is_cancelled=True,
        sensitivity="Private",
        item_type="Exception",
        free_busy="Tentative",
        my_response="Tentative",
        is_online=True,
        created_at=start - 3 * DAY,
        series_id="040000008200E00074C5B7101A82E008",
        start_time_zone="Romance Standard Time",
        last_modified_name="Lea",
        attachments=("plan.docx",),
        join_url="https://meet.example/abc",
    )


def tenant(*items: Item, **options: object) -> Tenant:
    """A tenant with the room Aurora that holds these items, and the empty room Basalt."""
    rooms = [Mailbox(ROOM, "Aurora", list(items)), Mailbox(OTHER_ROOM, "Basalt")]
    return Tenant(rooms, **options)  # type: ignore[arg-type]  # passed on as they are
