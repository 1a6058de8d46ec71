"""Calendar items as a source hands them over: in the contract's words, in memory only.

Belongs here: the types that carry personal data from a source to ``redact``. Each source
translates its protocol's words once. The types print field names only and refuse to be pickled,
since a pickle may reach a disk. Also the normal form of mailbox addresses, for comparing them
(R11, R12): Exchange, Graph, address books and spreadsheets write one mailbox in many ways, with a
display name, in quotes, with a scheme, encapsulated, in any case, with a domain in Unicode or in
Punycode.
Does not belong here: subject, body, location text and ids. Nothing downstream may need them, so
no source requests or keeps them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Final, Literal, NoReturn, TypeAlias

Role: TypeAlias = Literal["organizer", "required", "optional", "resource"]

SERIES: Final = "series"
"""The kind of a recurring master."""

_SCHEME: Final = re.compile(r"^(?:smtp|sip|mailto)\s*:\s*", re.IGNORECASE)
_ENCAPSULATED: Final = re.compile(r"^imceaex-(.*)@[^@]*$", re.IGNORECASE | re.DOTALL)
_ENCODED: Final = re.compile(r"\+([0-9A-Fa-f]{2})")
_COMMENT: Final = re.compile(r"\s+\([^()]*\)$")
_QUOTES: Final = "'\"\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}`<>"
_ONLY_QUOTES: Final = _QUOTES.removesuffix("<>")
_SURROUNDING: Final = " \t\r\n\N{NO-BREAK SPACE}\N{ZERO WIDTH SPACE};,"


class _InMemoryOnly:
    """Mixin: prints field names without values, cannot be pickled."""

    __slots__ = ()

    def __repr__(self) -> str:
        names = ", ".join(field.name for field in fields(self))  # type: ignore[arg-type]
        return f"{type(self).__name__}({names})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds personal data and is never serialized")


@dataclass(frozen=True, slots=True, repr=False)
class RawInvitee(_InMemoryOnly):
    """One person, distribution list or resource named in a meeting.

    ``address`` is an SMTP address; None where Exchange gave only a legacy DN (``legacy_dn``),
    or neither. ``is_list``: it stands for several people (PublicDL, PrivateDL, GroupMailbox).
    """

    role: Role
    address: str | None
    legacy_dn: str | None = None
    is_list: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class RawItem(_InMemoryOnly):
    """One calendar item.

    Instants are aware, in UTC. ``kind``, ``show_as`` and ``response`` hold the contract's words;
    the kind of a recurring master is ``SERIES``, and it is not a booking. If a source does not know
    a value, it gives None, ``unknown``, or a single, public meeting; a sensitivity that it does not
    understand counts as private (R16). ``invitees`` is None if not requested or not readable.
    ``stated`` holds the contract's columns that are stored as the source states them.
    ``all_day_dates`` are the first date of an all-day item and the first date after it; None if
    the source gives only its instants. ``unreadable`` counts fields that were present but could not
    be read, or that the server refused each time: they are None.
    """

    starts_at: datetime
    ends_at: datetime
    is_all_day: bool
    is_cancelled: bool
    kind: str
    show_as: str
    response: str
    is_private: bool
    created_at: datetime | None
    invitees: tuple[RawInvitee, ...] | None
    stated: Mapping[str, bool | None]
    all_day_dates: tuple[date, date] | None = None
    unreadable: int = 0


def normal_address(text: str | None) -> str:
    """Return the normal form of a mailbox address: casefolded, with its domain in IDNA.

    A legacy DN may come bare (``/O=...``), with its type (``EX:``, ``X500:``) or encapsulated
    (``IMCEAEX-``); the DN itself is returned, which begins with a slash. ``""`` if nothing is left.
    """
    address = bare_address(text or "")
    if encapsulated := _ENCAPSULATED.match(address):
        dn = encapsulated[1].replace("_", "/")
        address = _ENCODED.sub(lambda found: chr(int(found[1], 16)), dn)
    address = re.sub(r"^(?:ex|x500)\s*:\s*(?=/)", "", address, flags=re.IGNORECASE)
    if address.startswith("/"):
        return address.casefold()
    local, at, domain = address.rpartition("@")
    if not at:
        return address.casefold()
    return f"{local.strip(_QUOTES).casefold()}@{normal_domain(domain)}"


def bare_address(text: str) -> str:
    """Return an address without the display name, quotes or scheme that may surround it."""
    address = text.strip(_SURROUNDING)
    before = None
    while address != before:
        before = address
        address = _COMMENT.sub("", _SCHEME.sub("", address)).strip(_SURROUNDING)
        if "<" in address and address.rstrip(_ONLY_QUOTES).endswith(">"):
            address = address[address.rindex("<") + 1 :]
        address = address.strip(_QUOTES + _SURROUNDING)
    return address


def domain_of(address: str) -> str:
    """Return the domain of an address in its normal form; ``""`` for a legacy DN or a bare name."""
    is_smtp = "@" in address and not address.startswith("/")
    return address.rpartition("@")[2] if is_smtp else ""


def normal_domain(text: str) -> str:
    """Return the normal form of a domain name: casefolded, in IDNA if it can be encoded."""
    folded = text.strip(_QUOTES + _SURROUNDING).rstrip(".").casefold()
    if folded.isascii():
        return folded
    try:
        return folded.encode("idna").decode("ascii")
    except UnicodeError:
        return folded
