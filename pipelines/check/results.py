"""What a check finds, what it means and what mends it.

Belongs here: steps of an exchange, rooms of an exchange and the lines for machines; the remedy of
each code, with PowerShell that can be pasted.
Does not belong here: finding them (``exchange.py``, ``run.py``), showing them (``view.py``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypedDict

from pipelines.settings import ExchangeSettings, Room
from pipelines.sources.remedies import remedy_for
from pipelines.sources.steps import Listing, State, Step
from transforms.contract import Region

SCOPE_TOO_WIDE: Final = "ScopeTooWide"
SCOPE_UNPROVED: Final = "ScopeUnproved"
PROBE: Final = "'<scope_probe>'"

_OWN: Final[Mapping[str, str]] = {
    SCOPE_TOO_WIDE: (
        "The mailbox in scope_probe, which is outside the scope, can be read: so can others. "
        "Limit the account to this region's rooms: a scoped role assignment, Reviewer on these "
        "rooms alone, or RBAC for Applications for an app (without full_access_as_app in Entra, "
        "which adds up and undoes the scope)."
    ),
    SCOPE_UNPROVED: (
        "The mailbox in scope_probe was neither read nor denied, so nothing is proved. Name an "
        "existing mailbox outside the scope, and check again."
    ),
}
_SCOPE: Final = (
    "New-ManagementScope {scope} -RecipientRestrictionFilter "
    "\"RecipientTypeDetails -eq 'RoomMailbox' -and CustomAttribute1 -eq '{region}'\""
)
_MARK: Final = "Set-Mailbox {room} -CustomAttribute1 '{region}'"
_NAMED_IN_A_COMMAND: Final = 8
# As a delegate, by impersonation, as an app: the order in which an account may get in.
_WAYS: Final = ("delegate", "impersonation", "app")


@dataclass(frozen=True, slots=True)
class Command:
    """PowerShell that mends a code: what is done to ``each`` room, and what is done ``once``."""

    each: str = ""
    once: tuple[str, ...] = ()

    @property
    def lines(self) -> Sequence[str]:
        """All statements, in the order in which they are run."""
        return [self.each, *self.once] if self.each else self.once


_REVIEWER: Final = Command(
    "Add-MailboxFolderPermission {calendar} -User {account} -AccessRights Reviewer"
)
_IMPERSONATION: Final = Command(
    _MARK,
    (
        _SCOPE,
        (
            "New-ManagementRoleAssignment -Name {scope} -Role ApplicationImpersonation "
            "-User {account} -CustomRecipientWriteScope {scope}"
        ),
    ),
)
_APP: Final = Command(
    _MARK,
    (
        _SCOPE,
        (
            "New-ManagementRoleAssignment -App {account} -Role 'Application EWS.AccessAsApp' "
            "-CustomResourceScope {scope}"
        ),
    ),
)
_LOOK: Final = Command("Get-Recipient {room} | Format-List RecipientTypeDetails, EmailAddresses")
_PATIENCE: Final = Command(
    once=(
        (
            "New-ThrottlingPolicy 'Room insights' -ThrottlingPolicyScope Regular "
            "-EwsMaxConcurrency 27"
        ),
        "Set-ThrottlingPolicyAssociation {account} -ThrottlingPolicy 'Room insights'",
    )
)
_LOGINS: Final = Command(
    once=(
        (
            "Get-WebServicesVirtualDirectory | "
            "Format-List Identity, BasicAuthentication, WindowsAuthentication"
        ),
    )
)
_ALLOWED: Final = Command(once=("Set-CASMailbox {account} -EwsEnabled $true",))
# The list is one text that is always replaced as a whole: whoever was on it must stay on it.
_ALLOWED_APP: Final = Command(
    once=(
        "$ids = (Get-OrganizationConfig -RetrieveEwsOperationAccessPolicy).EwsAllowedAppIDs",
        (
            "Set-OrganizationConfig -EwsEnabled $true -EwsAllowedAppIDs "
            "((@($ids) + {account} | Where-Object {{ $_ }}) -join ',')"
        ),
    )
)
_NARROW: Final = Command(
    once=(
        _SCOPE,
        (
            "Get-ManagementRoleAssignment -Role ApplicationImpersonation -RoleAssignee {account} | "
            "Set-ManagementRoleAssignment -CustomRecipientWriteScope {scope}"
        ),
    )
)
_GRAPH_APP: Final = Command(
    _MARK,
    (
        "New-ServicePrincipal -AppId {account} -ObjectId '<object id of the enterprise app>'",
        _SCOPE,
        (
            "New-ManagementRoleAssignment -App {account} -Role 'Application Calendars.Read' "
            "-CustomResourceScope {scope}"
        ),
    ),
)
_NARROW_APP: Final = Command(
    once=(
        _SCOPE,
        (
            "Get-ManagementRoleAssignment -RoleAssignee {account} | "
            "Set-ManagementRoleAssignment -CustomResourceScope {scope}"
        ),
    )
)
_WITHDRAW: Final = Command("Remove-MailboxFolderPermission {calendar} -User {account}")


_RIGHTS: Final = (_REVIEWER, _IMPERSONATION, _APP)
_COMMANDS: Final[Mapping[str, Sequence[Command | None]]] = {
    "ErrorAccessDenied": _RIGHTS,
    "ErrorFolderNotFound": _RIGHTS,
    "ErrorImpersonateUserDenied": _RIGHTS,
    "ErrorImpersonationDenied": _RIGHTS,
    "ErrorNonExistentMailbox": (_LOOK, _LOOK, _LOOK),
    "ErrorCannotFindUser": (_LOOK, _LOOK, _LOOK),
    "OtherMailbox": (_LOOK, _LOOK, _LOOK),
    "ErrorServerBusy": (_PATIENCE, _PATIENCE, None),
    "HTTP429": (_PATIENCE, _PATIENCE, None),
    "HTTP401": (_LOGINS, _LOGINS, None),
    "HTTP403": (_ALLOWED, _ALLOWED, _ALLOWED_APP),
    SCOPE_TOO_WIDE: (_WITHDRAW, _NARROW, _NARROW_APP),
}

_GRAPH_COMMANDS: Final[Mapping[str, Command]] = {
    "ErrorAccessDenied": _GRAPH_APP,
    "HTTP403": _GRAPH_APP,
    "ErrorInvalidUser": _LOOK,
    "MailboxNotEnabledForRESTAPI": _LOOK,
    "MailboxNotSupportedForRESTAPI": _LOOK,
    "ResourceNotFound": _LOOK,
    "Request_ResourceNotFound": _LOOK,
    SCOPE_TOO_WIDE: _NARROW_APP,
}


def remedy_of(code: str, exchange: ExchangeSettings | None = None) -> str:
    """Return what a code means and what to do on such an exchange, in one line."""
    return _OWN.get(code) or remedy_for(code, exchange.kind if exchange else "ews")


def command_for(
    code: str, region: Region, exchange: ExchangeSettings, room: str, account: str
) -> Command | None:
    """Return the PowerShell that mends a code on such an exchange, if there is any.

    ``room`` and ``account`` stand in it as they are given: PowerShell literals or variables.
    """
    command = _command(code, exchange)
    if command is None:
        return None
    names = {
        "region": region,
        "scope": f"'Room insights {region}'",
        "room": room,
        "calendar": calendar_of(room),
        "account": account,
    }
    once = tuple(statement.format(**names) for statement in command.once)
    return Command(command.each.format(**names), once)


def _command(code: str, exchange: ExchangeSettings) -> Command | None:
    if exchange.kind == "graph":
        return _GRAPH_COMMANDS.get(code)
    way = "app" if exchange.auth == "oauth" else exchange.access
    return _COMMANDS.get(code, (None,) * len(_WAYS))[_WAYS.index(way)]


def calendar_of(room: str) -> str:
    """Return PowerShell's word for a room's calendar folder, as English mailboxes name it."""
    return f"{room[:-1]}:\\Calendar'" if room.endswith("'") else '"${_}:\\Calendar"'


def quoted(text: str) -> str:
    """Return a text as PowerShell reads it literally."""
    return "'" + text.replace("'", "''") + "'"


def account_of(exchange: ExchangeSettings) -> str:
    """Return the account's own name as a PowerShell literal, for the terminal alone."""
    return quoted(exchange.account or "<account>")


def for_each(command: Command, addresses: Sequence[str]) -> Command:
    """Return the command for so many rooms; with several, its room is ``$_``."""
    if len(addresses) == 1 or not command.each:
        return command
    if len(addresses) <= _NAMED_IN_A_COMMAND:
        rooms = ", ".join(quoted(address) for address in addresses)
    else:
        rooms = "(Import-Csv <room directory>).address"
    return Command(f"{rooms} | ForEach-Object {{ {command.each} }}", command.once)


class Line(TypedDict):
    """One line of ``--json``; ``room_id`` None is the exchange itself."""

    region: Region
    exchange: str
    room_id: str | None
    is_readable: bool
    error_code: str | None
    remedy: str | None


@dataclass(frozen=True)
class Target:
    """One exchange of one region, with the rooms that the directory gives it."""

    region: Region
    exchange: ExchangeSettings
    rooms: Sequence[Room]

    @property
    def title(self) -> str:
        """Name it as a person would."""
        return f"{self.region} {self.exchange.name}"


@dataclass(frozen=True)
class ExchangeResult:
    """Everything found about one exchange.

    ``items`` counts next week's items of each room that could be read; ``failed`` has the code
    of each other room.
    """

    target: Target
    steps: Sequence[Step]
    items: Mapping[str, int]
    failed: Mapping[str, str]
    listing: Listing

    @property
    def failed_step(self) -> Step | None:
        """The first step that failed."""
        return next((step for step in self.steps if step.state is State.FAILED), None)

    @property
    def is_readable(self) -> bool:
        """Whether the exchange passed, and every one of its rooms is readable."""
        return self.failed_step is None and not self.failed

    def lines(self) -> list[Line]:
        """Return a line for the exchange and one for each room, without any address."""
        step = self.failed_step
        own = self._line(None, step.code if step else None)
        return [
            own,
            *(self._line(room, self.failed.get(room.room_id)) for room in self.target.rooms),
        ]

    def _line(self, room: Room | None, code: str | None) -> Line:
        return Line(
            region=self.target.region,
            exchange=self.target.exchange.name,
            room_id=room.room_id if room else None,
            is_readable=code is None,
            error_code=code,
            remedy=code and self._remedy(code, room),
        )

    def _remedy(self, code: str, room: Room | None) -> str:
        region, exchange = self.target.region, self.target.exchange
        name = quoted(f"<address of {room.room_id}>") if room else PROBE
        command = command_for(code, region, exchange, name, "'<account>'")
        remedy = remedy_of(code, exchange)
        return f"{remedy} PowerShell: {'; '.join(command.lines)}" if command else remedy
