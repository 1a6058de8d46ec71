"""Measure the CPU of reading a calendar over Graph, against bare ``json.loads`` of the same bytes.

Belongs here: one run that prints milliseconds of CPU for 1,000 events (goal: at most 4 times bare
``json.loads``).
Does not belong here: network and waiting time; the page is recorded once and read from memory.
"""

import gc
import json
import statistics
from collections.abc import Callable

from benchmarks.parsing import ITEMS, ROUNDS, a_room_of_one_view, milliseconds
from pipelines.sandbox.graph_events import Page, calendar_view
from pipelines.sources.graph import row_of


def a_page() -> bytes:
    """Return a page of ITEMS events from the sandbox."""
    tenant, window = a_room_of_one_view()
    options = {"startDateTime": "", "endDateTime": ""}
    page = Page(window.starts_at, window.ends_at, ITEMS, 0, None, options)
    mailbox = next(iter(tenant.mailboxes.values()))
    content = calendar_view(tenant, mailbox, page, "https://localhost/v1.0")
    assert len(content["value"]) == ITEMS
    return json.dumps(content, separators=(",", ":")).encode()


def ours(body: bytes) -> None:
    """Turn bytes into the items that a source hands over."""
    rows = {}
    for event in json.loads(body)["value"]:
        key, item = row_of(event, with_invitees=True)
        rows[key] = item
    assert len(rows) == ITEMS


def measure(body: bytes) -> tuple[float, float]:
    """Return the median CPU of bare json.loads and of ours; the two alternate."""
    ways: tuple[Callable[[], object], ...] = (lambda: json.loads(body), lambda: ours(body))
    taken: list[list[float]] = [[], []]
    gc.collect()
    gc.freeze()  # the sandbox's objects should not slow down collections while we parse
    for _ in range(ROUNDS):
        for way, times in zip(ways, taken, strict=True):
            times.append(milliseconds(way))
    bare, own = (statistics.median(times) * 1000 / ITEMS for times in taken)
    return bare, own


def main() -> None:
    body = a_page()
    bare, own = measure(body)
    print(f"{len(body):,} bytes of {ITEMS:,} events")
    print(f"{'CPU for 1,000 events':<30}{'ms':>10}{'x json.loads':>14}")
    for name, cost in (("bare json.loads", bare), ("ours", own)):
        print(f"{name:<30}{cost:>10.1f}{cost / bare:>14.1f}")


if __name__ == "__main__":
    main()
