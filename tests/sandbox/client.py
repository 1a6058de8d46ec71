"""A client that uses only the standard library and lxml, to look at raw answers."""

import base64
import http.client
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from pipelines.sandbox.server import SandboxExchange
from tests.sandbox.rooms import DAY, MONDAY, ROOM

NAMESPACES = {
    "s": "http://schemas.xmlsoap.org/soap/envelope/",
    "m": "http://schemas.microsoft.com/exchange/services/2006/messages",
    "t": "http://schemas.microsoft.com/exchange/services/2006/types",
    "e": "http://schemas.microsoft.com/exchange/services/2006/errors",
}
_DECLARATIONS = " ".join(f'xmlns:{key}="{value}"' for key, value in NAMESPACES.items())
TIMES = ("calendar:Start", "calendar:End")
IDS = "//t:ItemId/@Id"


@dataclass(frozen=True)
class Reply:
    """An answer as received."""

    status: int
    headers: dict[str, str]
    data: bytes

    @property
    def root(self) -> etree._Element:
        return etree.fromstring(self.data)

    def texts(self, path: str) -> list[str]:
        """Return the texts or attribute values at an XPath."""
        found = self.root.xpath(path, namespaces=NAMESPACES)
        assert isinstance(found, list)
        return [
            each.text or "" if isinstance(each, etree._Element) else str(each) for each in found
        ]

    @property
    def codes(self) -> list[str]:
        return self.texts("//m:ResponseCode | //e:ResponseCode")

    @property
    def content(self) -> etree._Element:
        """The operation's element."""
        body = self.root.find("s:Body", NAMESPACES)
        assert body is not None
        return body[0]


class Client:
    """Speaks to one server over one connection, with the default account."""

    def __init__(self, connection: http.client.HTTPSConnection, credentials: str) -> None:
        self._connection = connection
        self.authorization = f"Basic {base64.b64encode(credentials.encode()).decode()}"

    def post(self, data: bytes, path: str = "/EWS/Exchange.asmx") -> Reply:
        headers = {"Content-Type": "text/xml"}
        if self.authorization:
            headers["Authorization"] = self.authorization
        self._connection.request("POST", path, data, headers)
        response = self._connection.getresponse()
        return Reply(response.status, dict(response.headers), response.read())

    def ask(self, content: str, impersonate: str | None = None) -> Reply:
        return self.post(envelope(content, impersonate))

    def find(
        self, start: datetime, end: datetime, *fields: str, folder: str, **options: str
    ) -> Reply:
        """Send FindItem for a folder (XML of its id), impersonating a user if one is given."""
        return self.ask(
            find_item(start, end, fields, folder, options.get("most")), options.get("as_")
        )

    def get(self, ids: list[str], *fields: str, as_: str | None = None) -> Reply:
        return self.ask(get_item(ids, fields), as_)


@contextmanager
def connected(server: SandboxExchange, timeout: float = 10.0) -> Iterator[Client]:
    """Open one connection to a server, verified against its CA."""
    context = ssl.create_default_context(cafile=str(server.authority.ca_file))
    connection = http.client.HTTPSConnection(
        "localhost", server.port, context=context, timeout=timeout
    )
    try:
        yield Client(connection, f"{server.tenant.account}:{server.tenant.password}")
    finally:
        connection.close()


def envelope(content: str, impersonate: str | None = None) -> bytes:
    header = '<t:RequestServerVersion Version="Exchange2016"/>'
    if impersonate is not None:
        header += (
            "<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>"
            f"{impersonate}</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>"
        )
    return (
        f"<s:Envelope {_DECLARATIONS}><s:Header>{header}</s:Header>"
        f"<s:Body>{content}</s:Body></s:Envelope>"
    ).encode()


def calendar_of(address: str, name: str = "calendar") -> str:
    return (
        f'<t:DistinguishedFolderId Id="{name}"><t:Mailbox><t:EmailAddress>{address}'
        "</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>"
    )


OWN_CALENDAR = '<t:DistinguishedFolderId Id="calendar"/>'


def shape(fields: tuple[str, ...], base: str = "IdOnly", tag: str = "ItemShape") -> str:
    added = "".join(f'<t:FieldURI FieldURI="{uri}"/>' for uri in fields)
    more = f"<t:AdditionalProperties>{added}</t:AdditionalProperties>" if added else ""
    return f"<m:{tag}><t:BaseShape>{base}</t:BaseShape>{more}</m:{tag}>"


def find_item(
    start: datetime,
    end: datetime,
    fields: tuple[str, ...],
    folder: str,
    most: str | None = None,
    base: str = "IdOnly",
) -> str:
    limit = f' MaxEntriesReturned="{most}"' if most else ""
    return (
        f'<m:FindItem Traversal="Shallow">{shape(fields, base)}'
        f'<m:CalendarView StartDate="{start.isoformat()}" EndDate="{end.isoformat()}"{limit}/>'
        f"<m:ParentFolderIds>{folder}</m:ParentFolderIds></m:FindItem>"
    )


def get_item(ids: list[str], fields: tuple[str, ...], base: str = "IdOnly") -> str:
    inner = "".join(f'<t:ItemId Id="{each}"/>' for each in ids)
    return f"<m:GetItem>{shape(fields, base)}<m:ItemIds>{inner}</m:ItemIds></m:GetItem>"


def get_folder(folder: str, base: str = "Default", fields: tuple[str, ...] = ()) -> str:
    inner = shape(fields, base, "FolderShape")
    return f"<m:GetFolder>{inner}<m:FolderIds>{folder}</m:FolderIds></m:GetFolder>"


def find_day(client: Client, room: str = ROOM, *fields: str) -> Reply:
    """Send FindItem for the Monday on which the test rooms have their meetings."""
    wanted = (*TIMES, *fields)
    return client.find(MONDAY, MONDAY + DAY, *wanted, folder=OWN_CALENDAR, as_=room)
