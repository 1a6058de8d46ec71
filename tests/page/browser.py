"""A headless Chromium for the tests of the page, driven over its DevTools protocol.

Belongs here: starting it with its own profile and without services that use a network, opening a
page in a tab, evaluating expressions in it, and reading its console and its requests.
Does not belong here: what a page should show.
"""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from websockets.sync.client import ClientConnection, connect

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM: Final = next(filter(None, map(shutil.which, _NAMES)), None)

_OPTIONS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)
_IS_READY: Final = "document.documentElement?.dataset.ready === 'yes'"
_PATIENCE_SECONDS: Final = 30


class Browser:
    """One Chromium; every page is a tab of its own."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._calls = 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol; events that arrive meanwhile go to ``events``."""
        self._calls += 1
        message = {"id": self._calls, "method": method, "params": parameters}
        self._connection.send(json.dumps(message | ({"sessionId": session} if session else {})))
        while True:
            answer = json.loads(self._connection.recv(timeout=_PATIENCE_SECONDS))
            if answer.get("id") == self._calls:
                assert "error" not in answer, answer["error"]
                return dict(answer["result"])
            self.events.append(answer)

    def open(self, path: Path, fragment: str = "") -> "Tab":
        """Open a page from disk and wait until it says that it is ready."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        tab = Tab(self, attached["sessionId"])
        for domain in ("Runtime", "Log", "Network", "Page"):
            tab.call(f"{domain}.enable")
        tab.call("Page.navigate", url=path.as_uri() + fragment)
        until = time.monotonic() + _PATIENCE_SECONDS
        while not tab.value(_IS_READY):
            assert time.monotonic() < until, tab.complaints()
            time.sleep(0.02)
        return tab


class Tab:
    """A page that is open."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the protocol on this page."""
        return self._browser.call(method, self._session, **parameters)

    def value(self, expression: str) -> Any:
        """Evaluate an expression in the page, await it, and return its plain value."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str, code: int) -> None:
        """Press and release a key."""
        for kind in ("keyDown", "keyUp"):
            self.call(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
            )

    def complaints(self) -> list[dict[str, Any]]:
        """Return the errors, warnings and exceptions in the page's console so far."""
        self.value("1")  # earlier messages arrive before this answer
        return [
            event["params"]
            for event in self._events()
            if event["method"] == "Runtime.exceptionThrown"
            or (
                event["method"] == "Runtime.consoleAPICalled"
                and event["params"]["type"] in {"error", "warning", "assert"}
            )
            or event["method"] == "Log.entryAdded"
        ]

    def requests(self) -> list[str]:
        """Return the URLs that the page requested."""
        return [
            event["params"]["request"]["url"]
            for event in self._events()
            if event["method"] == "Network.requestWillBeSent"
        ]

    def _events(self) -> Iterator[dict[str, Any]]:
        return (event for event in self._browser.events if event.get("sessionId") == self._session)


@contextmanager
def running_browser(profile: Path) -> Iterator[Browser]:
    """Start Chromium with a new profile; it ends with the block."""
    assert CHROMIUM
    with subprocess.Popen(
        [CHROMIUM, *_OPTIONS, f"--user-data-dir={profile}", "about:blank"],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        try:
            address = _address(process.stderr)
            with connect(address, max_size=None) as connection:
                browser = Browser(connection)
                yield browser
                browser.call("Browser.close")
        finally:
            process.terminate()
            process.stderr.close()


def _address(lines: Iterator[str]) -> str:
    for line in lines:
        if found := re.search(r"DevTools listening on (ws://\S+)", line):
            return found[1]
    raise AssertionError("Chromium did not start")
