"""Requests to Graph: one connection, a token, pages followed to the end.

Belongs here: the settings of a Graph exchange, one request, and which link to a next page is
followed.
Does not belong here: calendars (``graph.py``), rooms (``graph_check.py``), sending again
(``session.py``), what a refusal means (``graph_failures.py``), the wire (``tls.py``).
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

import requests

from pipelines.sources.base import Scope
from pipelines.sources.graph_failures import content_of, malformed
from pipelines.sources.oauth import AppRegistration, Token
from pipelines.sources.session import Deadline, Failure, Requester, Retry, Throttle, as_failure
from pipelines.sources.statuses import silence_loggers
from pipelines.sources.tls import TimedAdapter, secure

_HEADERS: Final = {"Accept": "application/json", "Prefer": 'outlook.timezone="UTC"'}
_SILENCES: Final = 3  # a server that stops answering is given up so often within a deadline
_MOST_PAGES: Final = 1_000
_NEXT: Final = "@odata.nextLink"


@dataclass(frozen=True, slots=True)
class GraphSettings:
    """One exchange that speaks Graph; the words are those of ``insights.yaml``.

    ``endpoint`` and ``authority`` are the roots of the cloud's Graph and of its sign-in service.
    """

    endpoint: str
    authority: str
    tenant_id: str
    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    certificate_file: Path | None = None
    certificate_password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    room_deadline_seconds: float = 120.0


class GraphClient:
    """Asks Graph as the app, over one connection; connects with the first request.

    Raises:
        Failure: ``HttpsRequired``, ``CaFileUnreadable``.
    """

    def __init__(
        self,
        settings: GraphSettings,
        throttle: Throttle | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        silence_loggers()
        urls = (settings.endpoint, settings.authority)
        if any(urlsplit(url).scheme.lower() != "https" for url in urls):
            raise Failure("HttpsRequired", scope=Scope.EXCHANGE)
        self.root = settings.endpoint.rstrip("/")
        self.last_date: str | None = None
        self._home = _host(urlsplit(settings.endpoint))
        self._room_seconds = settings.room_deadline_seconds
        deadline = Deadline(clock)
        silence = settings.room_deadline_seconds / _SILENCES
        self._adapter = TimedAdapter(deadline, silence, settings.ca_file)
        token = _token(settings, self.root, self._open_session)
        self._session = self._open_session()
        self._session.auth = token
        self._session.headers.update(_HEADERS)
        self._requester = Requester(
            deadline,
            Retry(deadline, sleep),
            throttle or Throttle(1, clock),
            sleep,
            token,
            as_failure,
            patience="HTTP429",
        )

    def begin(self) -> None:
        """Start a room's time.

        Raises:
            Failure: the exchange refused the app before; it is not asked again.
        """
        self._requester.begin(self._room_seconds)

    def sign_in(self) -> str:
        """Return the header that shows a token.

        Raises:
            Failure: the sign-in service cannot be reached, or refuses the app.
        """
        self.begin()
        request = requests.Request("GET", self.root)
        prepared = self._requester.retry.run(lambda: self._session.prepare_request(request))
        return str(prepared.headers["Authorization"])

    def pages(self, url: str) -> Iterator[Sequence[Mapping[str, Any]]]:
        """Yield what each page of a collection holds, to the last one.

        Raises:
            Failure: a request failed; ``RepeatedPage``, ``TooManyPages``, ``OtherHost`` for links
                that lead in circles, on and on, or away.
        """
        seen: set[str] = set()
        following: str | None = url
        while following is not None:
            if following in seen:
                raise Failure("RepeatedPage")
            if len(seen) == _MOST_PAGES:
                raise Failure("TooManyPages")
            seen.add(following)
            values, following = self._requester.send(partial(self._answer, following))
            yield values

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def _answer(self, url: str) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        response = self._session.get(url, allow_redirects=False)
        self.last_date = response.headers.get("Date")
        return self._page(content_of(response))

    def _page(self, content: Mapping[str, Any]) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        values, link = content.get("value"), content.get(_NEXT)
        if not isinstance(values, list) or not (link is None or isinstance(link, str)):
            raise malformed()
        if link is not None and not self._is_at_home(link):
            raise Failure("OtherHost")  # the token is for this host alone
        return values, link

    def _is_at_home(self, link: str) -> bool:
        try:
            parts = urlsplit(link)
            return "@" not in parts.netloc and _host(parts) == self._home
        except ValueError:
            return False

    def _open_session(self) -> requests.Session:
        session = requests.Session()
        secure(session, self._adapter)
        return session


def _host(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme.lower(), parts.hostname, parts.port or 443


def _token(
    settings: GraphSettings, root: str, open_session: Callable[[], requests.Session]
) -> Token:
    app = AppRegistration(
        settings.authority,
        settings.tenant_id,
        settings.client_id,
        settings.client_secret,
        settings.certificate_file,
        settings.certificate_password,
    )
    return Token(app, f"{root}/.default", open_session)
