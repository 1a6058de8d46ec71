"""Mutated answers of EWS and Graph: no traceback, no value in an error, no short list as complete.

Belongs here: changing recorded answers a little, and checking those promises. ``make fuzz`` reads
10,000 of them; the tests read some hundreds.
Does not belong here: the meaning of a particular fault (``tests/sources``).

The source is real: only the adapter below it is replaced, by one that returns the recorded answers
of a sandbox, mutated. Names, subjects and addresses are marked, so that any leak into an error is
found.
"""

import io
import random
import re
import sys
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import requests

from pipelines.sandbox.model import (
    Item,
    Mailbox,
    Person,
    Tenant,
)
from pipelines.sandbox.server import SandboxExchange
from pipelines.sandbox.wire import CertificateAuthority
from pipelines.sources import CalendarSource, ReadError, Window
from pipelines.sources.ews import EwsSource
from pipelines.sources.graph import GraphSource
from pipelines.sources.wire import TimedAdapter
from tests.parity.both_ways import ews_settings, graph_settings

ROOM: Final = "aurora@contoso.example"
MARK: Final = "Zzplanted"
MONDAY: Final = datetime(2026, 3, 2, tzinfo=UTC)
WINDOW: Final = Window(MONDAY, MONDAY + timedelta(days=7))
ITEMS: Final = 12
_SHARE_OF_VALUES: Final = 0.7
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_TOKENS: Final = re.compile(rb"<[^<>]*>|\"[^\"]*\"|[^<>\"]+")
_VALUES: Final = re.compile(rb"(?<=>)[^<>]+(?=<)|(?<=:)(?:\"[^\"]*\"|[a-z0-9]+)(?=[,}])")
_ODD: Final = (b"", b"null", b"true", b"0", b"-1", b"[]", b"{}", b"&#x1B;", b"\xff", b"<x/>", b'"')


def tenant() -> Tenant:
    """Return a tenant with a room and bookings whose every text is marked."""
    people = [Person(f"{MARK} {n}", f"{MARK.lower()}{n}@contoso.example") for n in range(3)]
    items = [
        Item(
            MONDAY + timedelta(hours=9 * n),
            MONDAY + timedelta(hours=9 * n + 1),
            people[n % 3],
            subject=f"{MARK} subject",
            body=f"{MARK} body",
            location=f"{MARK} location",
            required=tuple(people),
            created_at=MONDAY - timedelta(days=n + 1),
        )
        for n in range(ITEMS)
    ]
    return Tenant([Mailbox(ROOM, MARK, items)])


def mutated(chance: random.Random, body: bytes) -> bytes:
    """Return the body with one to three changes: mostly to values, else to bytes or tokens."""
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        values = list(_VALUES.finditer(body))
        if values and chance.random() < _SHARE_OF_VALUES:
            value, other = chance.choice(values), chance.choice(values)
            text = chance.choice((*_ODD, other[0], value[0][:-1], value[0] * 2))
            body = body[: value.start()] + text + body[value.end() :]
        elif body:
            body = _broken(chance, body)
    return body


def _broken(chance: random.Random, body: bytes) -> bytes:
    at, kind = chance.randrange(len(body)), chance.randrange(6)
    if kind == 0:
        return body[:at]
    if kind == 1:
        return body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :]
    if kind == 2:
        return body[:at] + body[at : at + 200] + body[at:]
    tokens = _TOKENS.findall(body)
    place, other = chance.randrange(len(tokens)), chance.randrange(len(tokens))
    if kind == 3:
        del tokens[place]
    elif kind == 4:
        tokens[place] = chance.choice(_ODD)
    else:
        tokens[place], tokens[other] = tokens[other], tokens[place]
    return b"".join(tokens)


class Replay:
    """Returns recorded answers, one of them changed, the same each time."""

    def __init__(self) -> None:
        self.recorded: dict[str, requests.Response] = {}
        self.changed: dict[str, bytes] = {}

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        key = key_of(request)
        known = self.recorded[key]
        response = requests.Response()
        response.status_code, response.headers = known.status_code, known.headers
        response.url, response.request = known.url, request
        response.raw = io.BytesIO(self.changed.get(key, known.content))
        return response


def key_of(request: requests.PreparedRequest) -> str:
    """Return the operation or the URL of a request, as the key of its answer."""
    body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
    for name in (b"FindItem", b"GetItem"):
        if b"<m:" + name in body or b":" + name + b">" in body:
            return name.decode()
    return (request.url or "").partition("?")[0]


def _is_sign_in(key: str) -> bool:
    return "/v1.0/users/" not in key and "Item" not in key


class FastTime:
    """A clock that only sleeps move."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def opened(kind: str, server: SandboxExchange) -> CalendarSource:
    """Open a source of a kind on the sandbox, with its own clock."""
    if kind == "ews":
        return EwsSource(*ews_settings(server), with_invitees=True, clock=FastTime())
    return GraphSource(*graph_settings(server), with_invitees=True, clock=FastTime())


def fuzz(kind: str, server: SandboxExchange, count: int, seed: int) -> Counter[str]:
    """Read so many mutated answers; return counts of the outcomes.

    Raises:
        AssertionError: a reading broke a promise; the message has the seed, but no content.
    """
    replay, send = Replay(), TimedAdapter.send

    def record(self: TimedAdapter, request: requests.PreparedRequest, **how: Any) -> Any:
        replay.recorded[key_of(request)] = response = send(self, request, **how)
        return response

    def play(_: TimedAdapter, request: requests.PreparedRequest, **how: Any) -> Any:
        return replay.send(request, **how)

    ended: Counter[str] = Counter()
    try:
        TimedAdapter.send = record  # type: ignore[method-assign,assignment]
        whole = len(opened(kind, server).read(ROOM, WINDOW))
        TimedAdapter.send = play  # type: ignore[method-assign,assignment]
        for number in range(count):
            chance = random.Random(f"{seed}-{kind}-{number}")
            # Sign-in answers are a quarter only: calendars matter more, as they are stored.
            keys = sorted(replay.recorded, key=_is_sign_in)
            of_calendar = [key for key in keys if not _is_sign_in(key)]
            key = chance.choice(of_calendar if chance.random() < 0.75 else keys)
            replay.changed = {key: mutated(chance, replay.recorded[key].content)}
            ended[reading(lambda: opened(kind, server), whole, f"{kind} {number}")] += 1
    finally:
        TimedAdapter.send = send  # type: ignore[method-assign]
    return ended


def reading(open_source: Callable[[], CalendarSource], whole: int, name: str) -> str:
    """Read once; return the outcome."""
    try:
        items = open_source().read(ROOM, WINDOW)
    except ReadError as error:
        promises = {
            "a code that is none": _CODE.fullmatch(error.code) is not None,
            "more than a code": str(error) == error.code,
            "a value in the code": MARK.lower() not in error.code.lower(),
            "an error behind it": error.__cause__ is None and error.__context__ is None,
        }
        broken = [text for text, is_kept in promises.items() if not is_kept]
        if broken:
            raise AssertionError(f"{name}: {', '.join(broken)}") from None
        return error.code
    if len(items) < whole:
        raise AssertionError(f"{name}: a short list as whole")
    return "read"


def main(count: int = 10_000, seed: int = 1) -> None:
    """Fuzz both protocols, half each, and print the outcomes."""
    with (
        TemporaryDirectory() as folder,
        SandboxExchange(tenant(), CertificateAuthority(Path(folder))) as server,
    ):
        for kind in ("ews", "graph"):
            ended = fuzz(kind, server, count // 2, seed)
            shown = ", ".join(f"{code} {number:,}" for code, number in ended.most_common())
            print(f"{kind}: {sum(ended.values()):,} mutated answers: {shown}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
