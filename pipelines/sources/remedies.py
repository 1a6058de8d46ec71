"""What each error code means to the person who runs Exchange, and how to fix it.

Belongs here: one static text for each code of a room that could not be read.
Does not belong here: any value; the callers that print add room ids and counts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

_REMEDIES: Final[dict[tuple[str, ...], str]] = {
    # The whole exchange.
    ("HTTP401",): (
        "Exchange refused the account; it was tried once and not again, so that it is not locked. "
        "Check the user name and the secret's environment variable, whether the password or "
        "client secret has expired, and whether the endpoint allows this kind of authentication."
    ),
    ("HTTP403",): (
        "Exchange refused EWS to this account or app. In Exchange Online EWS is switched off "
        "since 1 October 2026 unless EWSEnabled is true and the app's id is in EwsAllowedAppIDs, "
        "and it ends for good on 1 April 2027: use kind: graph (docs/graph.md). On a server of "
        "your own, see EwsEnabled in Get-OrganizationConfig and in Get-CASMailbox: of the "
        "account, and of the room where only some are refused."
    ),
    ("HTTP404", "HTTP405"): (
        "There is no EWS at this address. The endpoint usually ends in /EWS/Exchange.asmx; see "
        "Get-WebServicesVirtualDirectory."
    ),
    ("HTTP407",): (
        "The proxy wants a login. Put it into HTTPS_PROXY, or add the host to NO_PROXY."
    ),
    ("HTTP456",): (
        "The account is blocked or has to sign in interactively. Unblock it, and exempt it from "
        "multi-factor authentication or use auth: oauth."
    ),
    ("ErrorAccountDisabled",): ("The account is disabled. Enable it in Active Directory."),
    ("ErrorPasswordExpired",): (
        "The account's password has expired. Set a new one, in Active Directory and in the "
        "secret's environment variable."
    ),
    ("ErrorPasswordChangeRequired",): (
        "The account has to change its password at the next logon. Set one that does not have to "
        "be changed."
    ),
    ("ErrorInvalidServerVersion",): (
        "This Exchange is older than 2013 SP1. Use the endpoint of a newer server."
    ),
    ("TokenRefused",): (
        "The sign-in service gave no token; it was asked once. Check tenant_id, client_id and "
        "authority, whether the client secret or certificate has expired, and whether the app has "
        "the right to read calendars: full_access_as_app or, for Graph, Calendars.Read."
    ),
    ("TokenEndpointUnavailable",): (
        "The sign-in service did not work, several times. Check authority, and the service's "
        "status; run again later."
    ),
    ("CertificateFileUnreadable",): (
        "certificate_file does not hold a private RSA key and its certificate (PEM or PKCS #12). "
        "Check the path, its permissions and certificate_password_env."
    ),
    ("CertificateNotTrusted",): (
        "The server's certificate is not trusted, has expired, or is for another host name. Put "
        "the issuing CA into ca_file; verification is never switched off."
    ),
    ("TlsRefused",): (
        "The server and this client have no TLS version in common, or it does not speak TLS. "
        "Allow TLS 1.2 on the server, and check the port of the endpoint."
    ),
    ("CaFileUnreadable",): (
        "ca_file cannot be read or holds no certificate (PEM). Check the path."
    ),
    ("HttpsRequired",): ("Only https:// is spoken. Change the endpoint (or authority)."),
    ("EndpointInvalid",): ("The endpoint is not a URL that can be asked. Check it."),
    ("NameResolutionError",): (
        "The host of the endpoint has no address in DNS. Check its spelling and this machine's "
        "name servers."
    ),
    ("CannotConnect",): (
        "Nothing answers at the endpoint's host and port; check the network, the firewall and the "
        "proxy variables of this machine."
    ),
    ("ProxyError",): (
        "The proxy could not be reached or refused. Check HTTPS_PROXY, or add the host to NO_PROXY."
    ),
    # One room.
    ("ErrorAccessDenied",): (
        "The account may not read this calendar. Grant it Reviewer on the room's calendar "
        "(Add-MailboxFolderPermission) with access: delegate, or include the room in the "
        "account's ApplicationImpersonation scope with access: impersonation."
    ),
    ("Authorization_RequestDenied",): (
        "Graph refused this to the app. Give it the role Application Calendars.Read for the rooms "
        "(RBAC for Applications), and Place.Read.All if it is to list rooms."
    ),
    ("ErrorInvalidUser", "ResourceNotFound", "Request_ResourceNotFound"): (
        "Graph knows no mailbox with this room's address. Correct the address in the room "
        "directory (the room's user principal name is one that works), or name the exchange that "
        "the mailbox is on."
    ),
    ("MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI"): (
        "The mailbox is not in Exchange Online, or not any more: Graph reaches no other. Name the "
        "exchange with kind: ews that has it in the room directory; see Get-Recipient."
    ),
    ("RepeatedPage", "TooManyPages", "OtherHost"): (
        "Graph's link to the next page of this calendar led in a circle, on and on, or to another "
        "host; nothing of it was kept. The room keeps what it had and is read again by the next "
        "run; if it persists, look for a proxy that changes answers."
    ),
    ("ErrorImpersonateUserDenied", "ErrorImpersonationDenied"): (
        "The account may not impersonate this room. Include the room in the scope of its "
        "ApplicationImpersonation role (New-ManagementRoleAssignment), or use access: delegate."
    ),
    ("ErrorNonExistentMailbox", "ErrorCannotFindUser"): (
        "There is no mailbox with this room's address here. Correct the address in the room "
        "directory, or name the exchange that the mailbox was moved to."
    ),
    ("ErrorFolderNotFound",): (
        "The mailbox has no calendar that the account can see. Grant the account Reviewer on it, "
        "or check that the mailbox is a room."
    ),
    ("OtherMailbox",): (
        "Exchange answered with the calendar of another mailbox, or with one calendar for two "
        "rooms; nothing of it was kept. Check that no two rooms of the directory are one mailbox, "
        "and see Get-Mailbox for each address."
    ),
    ("ErrorMailboxMoveInProgress",): (
        "The mailbox is being moved. The room keeps what it had and is read again by the next "
        "run; see Get-MoveRequest."
    ),
    ("ErrorMailboxStoreUnavailable",): (
        "The mailbox's database was not available, several times. The room keeps what it had and "
        "is read again by the next run; see Get-MailboxDatabaseCopyStatus."
    ),
    ("ErrorItemCorrupt",): (
        "An item of this calendar is damaged. Find it with the calendar diagnostics "
        "(Get-CalendarDiagnosticObjects) and repair or delete it."
    ),
    ("MalformedItem",): (
        "An item of this calendar has no start or end that can be read. Find it with "
        "Get-CalendarDiagnosticObjects and repair or delete it."
    ),
    ("ErrorExceededFindCountLimit",): (
        "More items lie within one minute than Exchange returns at once. Look at this calendar: "
        "it is probably not a room's."
    ),
    ("ViewCutShort",): (
        "Exchange keeps holding back items of this calendar, however short the time that is asked "
        "for. Nothing short is stored; raise EWSFindCountLimit of the account's throttling "
        "policy."
    ),
    (
        "ErrorServerBusy",
        "ErrorExceededConnectionCount",
        "ErrorTooManyObjectsOpened",
        "HTTP429",
    ): (
        "Exchange asked for patience longer than the room may take. The room keeps what it had "
        "and is read again by the next run; use fewer workers, or give the account a throttling "
        "policy (New-ThrottlingPolicy)."
    ),
    ("HTTP503", "HTTP500", "HTTP502", "HTTP504", "HTTP408"): (
        "Exchange or its load balancer was not available, several times. The room keeps what it "
        "had and is read again by the next run; see the server's health (Get-HealthReport)."
    ),
    ("ErrorTimeoutExpired",): (
        "Exchange gave up on the request, several times. The room keeps what it had and is read "
        "again by the next run; use fewer workers."
    ),
    ("ReadTimeout",): (
        "Exchange stopped answering, several times. The room keeps what it had and is read again "
        "by the next run; if it is always this room, look at the size of its calendar, or raise "
        "room_deadline_seconds."
    ),
    ("RunDeadlineExceeded",): (
        "The run reached run_deadline_minutes before this room. The room keeps what it had and is "
        "read again by the next run; use more workers if Exchange allows them, raise the "
        "deadline, or look at why Exchange is slow."
    ),
    ("DeadlineExceeded",): (
        "The room took longer than room_deadline_seconds. The room keeps what it had and is read "
        "again by the next run; if it is always this room, look at the size of its calendar, or "
        "raise the deadline."
    ),
    ("ConnectionBroken",): (
        "The connection broke off, several times. The room keeps what it had and is read again by "
        "the next run; if it persists, check the network, the firewall and the proxy variables of "
        "this machine."
    ),
    ("WebPage",): (
        "A web page came instead of EWS: a sign-in page, a notice of maintenance, or a proxy's or "
        "firewall's own. Check the endpoint (/EWS/Exchange.asmx), that Basic, NTLM or OAuth is "
        "allowed there and no sign-in form stands before it, and the proxy variables."
    ),
    ("UnknownTimeZone",): (
        "A booking's times come in a time zone that cannot be understood, not in UTC as asked. The "
        "room keeps what it had; see whether a proxy removes the header Prefer, and open the "
        "room's calendar for bookings of an odd time zone."
    ),
    ("SeriesNotExpanded",): (
        "The server gave a series in place of its occurrences, so bookings would be missing. The "
        "room keeps what it had; the server does not expand series in a calendar view, which "
        "Exchange does: check the endpoint."
    ),
    ("ViewUnsteady",): (
        "The room's calendar changed during every reading, so a booking may have been missed. The "
        "room keeps what it had and is read again by the next run."
    ),
    ("SignInAnswerUnknown",): (
        "The sign-in service answered with something that is not a sign-in service's. Check "
        "authority and tenant_id, and whether a proxy or firewall answers in its place."
    ),
    ("MalformedResponse",): (
        "The answer was cut or was not Exchange's, several times. The room keeps what it had and "
        "is read again by the next run; if it persists, look for a proxy or firewall that changes "
        "answers."
    ),
}
_OF_CODE: Final = {code: text for codes, text in _REMEDIES.items() for code in codes}
_ELSEWHERE: Final = "The endpoint sends elsewhere. Use the address it sends to, if it is yours."
_OUT_OF_SCOPE: Final = (
    "The app may not read this calendar. Bring the room into the scope of the app's role "
    "Application Calendars.Read (RBAC for Applications); a change takes up to two hours. "
    "docs/graph.md has the whole set-up."
)
_GRAPH_OWN: Final[Mapping[str, str]] = {
    "ErrorAccessDenied": _OUT_OF_SCOPE,
    "HTTP403": _OUT_OF_SCOPE,
    "HTTP401": (
        "Graph did not take the app's token; a new one was tried once. Check cloud, endpoint and "
        "authority: a token is for one cloud alone."
    ),
    "HTTP405": ("There is no Graph at this address. Check cloud and endpoint."),
    "WebPage": (
        "A web page came instead of Graph: a proxy's or firewall's own, or another server's. Check "
        "cloud and endpoint, and the proxy variables."
    ),
    "SeriesNotExpanded": (
        "Graph gave a series in place of its occurrences, so bookings would be missing. The room "
        "keeps what it had; check that the endpoint is Microsoft Graph's."
    ),
    "HTTP404": (
        "There is no Graph at this address, or nothing that it knows under the room's. Check cloud "
        "and endpoint, and the room directory."
    ),
    "HTTP429": (
        "Graph asked for patience longer than the room may take. The room keeps what it had and "
        "is read again by the next run; use fewer workers, and one app a region."
    ),
}


@dataclass(frozen=True, slots=True)
class _Protocol:
    """The names of a protocol and its server, where its codes are listed, and its own texts."""

    name: str
    server: str
    codes: str
    own: Mapping[str, str] = field(default_factory=dict)

    def remedy_for(self, code: str) -> str:
        text = self.own.get(code) or _OF_CODE.get(code)
        if text is None and code.startswith("HTTP3"):
            text = _ELSEWHERE
        return text or (
            f"{self.server} or the connection failed in a way that has no remedy here; the room "
            f"keeps what it had. Look the code up in {self.codes}."
        )


_PROTOCOLS: Final[Mapping[str, _Protocol]] = {
    "ews": _Protocol("EWS", "Exchange", "the EWS reference (ResponseCode)"),
    "graph": _Protocol("Graph", "Graph", "Microsoft Graph's list of error codes", _GRAPH_OWN),
}
"""By the kind of an exchange. Any other kind has only the shared texts."""


def remedy_for(code: str, kind: str = "ews") -> str:
    """Return what an error code means and how to fix it, in one line without any value.

    ``kind`` is the kind of the exchange: the text is about the protocol that it uses.
    """
    return _protocol(kind).remedy_for(code)


def remedies_for(codes: Iterable[str], kinds: Iterable[str]) -> dict[str, str]:
    """Return the remedy for each code, sorted, for a region with exchanges of these kinds."""
    protocols = [_protocol(kind) for kind in sorted(set(kinds)) or ["ews"]]
    found = {}
    for code in sorted(set(codes)):
        texts = {protocol.name: protocol.remedy_for(code) for protocol in protocols}
        if len(set(texts.values())) > 1:
            found[code] = " ".join(f"Over {name}: {text}" for name, text in texts.items())
        else:
            found[code] = texts[protocols[0].name]
    return found


def _protocol(kind: str) -> _Protocol:
    return _PROTOCOLS.get(kind) or _Protocol(kind, kind, "its documentation")
