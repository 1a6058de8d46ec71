"""FindItem with a CalendarView: the window, the limits, the list.

Belongs here: what Exchange enforces on a view, and the faults that make a list wrong.
Does not belong here: how an item is written (``properties.py``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from pipelines.sandbox.call import Call, items_fragment
from pipelines.sandbox.fields import Render
from pipelines.sandbox.model import Item, Mailbox
from pipelines.sandbox.properties import render
from pipelines.sandbox.soap import Element, M, ResponseError, SoapFaultError

MOST_ITEMS: Final = 1000
LONGEST_VIEW: Final = timedelta(days=731)
"""Two years, one of them a leap year."""


@dataclass(frozen=True)
class CalendarView:
    """A window [starts_at, ends_at) in UTC, and how many items to return at most."""

    starts_at: datetime
    ends_at: datetime
    most: int | None


def parse_view(body: Element) -> CalendarView:
    """Return the CalendarView of a FindItem request.

    Raises:
        SoapFaultError: ErrorInvalidOperation without one (the sandbox holds no recurring masters to
            list), ErrorSchemaValidation if it is malformed.
    """
    element = body.find(f"{M}CalendarView")
    if element is None:
        raise SoapFaultError("ErrorInvalidOperation")
    most = element.get("MaxEntriesReturned")
    try:
        return CalendarView(
            _instant(element.get("StartDate", "")),
            _instant(element.get("EndDate", "")),
            None if most is None else int(most),
        )
    except ValueError:
        raise SoapFaultError("ErrorSchemaValidation") from None


def _instant(written: str) -> datetime:
    moment = datetime.fromisoformat(written)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def render_view(
    call: Call, mailbox: Mailbox, view: CalendarView, properties: Sequence[Render]
) -> tuple[str, int]:
    """Return the RootFolder element of a view, and how many items it lists.

    Raises:
        ResponseError: ErrorInvalidPagingMaxRows, ErrorCalendarEndDateIsEarlierThanStartDate,
            ErrorCalendarViewRangeTooBig, ErrorExceededFindCountLimit.
    """
    if view.most is not None and view.most < 1:
        raise ResponseError("ErrorInvalidPagingMaxRows")
    if view.ends_at < view.starts_at:
        raise ResponseError("ErrorCalendarEndDateIsEarlierThanStartDate")
    if view.ends_at - view.starts_at > LONGEST_VIEW:
        raise ResponseError("ErrorCalendarViewRangeTooBig")
    swap = call.strikes("other_mailbox")
    if swap is not None:
        mailbox = call.tenant.mailboxes[swap.mailbox.casefold()]
    items = _found(call, mailbox, view)
    total = len(items)
    if total > MOST_ITEMS and (view.most is None or view.most > MOST_ITEMS):
        raise ResponseError("ErrorExceededFindCountLimit")
    listed, is_whole = _shortened(call, items[: view.most], total)
    content = items_fragment(call, render(listed, properties, call.view(mailbox)))
    last = "true" if is_whole else "false"
    folder = f'<m:RootFolder TotalItemsInView="{total}" IncludesLastItemInRange="{last}">'
    return f"{folder}<t:Items>{content}</t:Items></m:RootFolder>", len(listed)


def _found(call: Call, mailbox: Mailbox, view: CalendarView) -> list[Item]:
    """Return the items of a view by start, or as a fault has them."""
    is_inclusive = call.strikes("inclusive_edges") is not None
    find = mailbox.touching if is_inclusive else mailbox.items
    items = sorted(find(view.starts_at, view.ends_at), key=lambda item: item.starts_at)
    if call.strikes("duplicates"):
        items = [item for item in items for _ in range(2)]
    shuffle = call.strikes("shuffle")
    if shuffle is not None:
        Random(shuffle.struck).shuffle(items)  # noqa: S311  disorder needs no secrecy
    return items


def _shortened(call: Call, items: list[Item], total: int) -> tuple[list[Item], bool]:
    """Return the items to list, and whether the answer says that they are all."""
    honest = call.strikes("short_list")
    if honest is not None:
        items = items[: honest.limit]
    silent = call.strikes("silent_short_list")
    if silent is not None:
        return items[: silent.limit], True
    return items, len(items) == total
