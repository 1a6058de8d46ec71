"""The call stack from a night to a request is short enough to read in one sitting."""

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

import pipelines
from tests.night.two_exchanges import EWS, GRAPH, write_two_exchanges
from tests.night.workplace import MONDAY, Company, meeting

HOUSE = Path(pipelines.__path__[0])
OF_PROTOCOL = {"FindItem": "ews", "GetItem": "ews", "calendarView": "graph"}


def frames_of_ours(frame: FrameType | None) -> list[tuple[str, str]]:
    """Return file and function of each frame in our own packages, innermost first."""
    found: list[tuple[str, str]] = []
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(HOUSE) and not path.is_relative_to(HOUSE / "sandbox"):
            found.append((path.stem, frame.f_code.co_name))
        frame = frame.f_back
    return found


@pytest.mark.usefixtures("lake_only")
def test_seven_frames_in_four_files_lie_between_a_night_and_its_requests(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    company.calendars["fjord"][:] = company.calendars["harbour"][:] = [meeting(MONDAY, 9, 10)]
    write_two_exchanges(company, {"fjord": EWS, "harbour": GRAPH})
    stacks: dict[str, list[tuple[str, str]]] = {}
    send = HTTPAdapter.send

    def spy(self: HTTPAdapter, request: requests.PreparedRequest, **how: Any) -> requests.Response:
        text = f"{request.url} {request.body!r}"
        stacks.update(
            {name: frames_of_ours(sys._getframe()) for name in OF_PROTOCOL if name in text}
        )
        return send(self, request, **how)

    monkeypatch.setattr(HTTPAdapter, "send", spy)
    assert company.run() == 0
    assert stacks.keys() == OF_PROTOCOL.keys()
    for name, stack in stacks.items():
        assert len(stack) <= 7, stack
        assert len({file for file, _ in stack}) <= 4, stack
        own = [function for file, function in reversed(stack) if file == OF_PROTOCOL[name]]
        assert (own[0], own[-1]) == ("read", "_request")
        assert not {"<lambda>", "partial"} & {function for _, function in stack}
