"""What a source hands over: calendar items in the contract's words, in memory only.

Belongs here: the types that carry personal data between a source and ``redact``. Each source
translates its protocol's words once. They print field names only, and refuse to be pickled:
whatever is pickled may reach a disk.
Does not belong here: subject, body, location text, ids: nothing downstream may need them, so
no source asks for them or keeps them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Final, Literal, NoReturn, TypeAlias

Role: TypeAlias = Literal["organizer", "required", "optional", "resource"]

SERIES: Final = "series"
"""The kind of a recurring master."""


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
    """One person, list or resource that a meeting names.

    ``address`` is an SMTP address, or None where Exchange gave only a legacy DN
    (``legacy_dn``), or neither. ``is_list`` says that it stands for several people
    (PublicDL, PrivateDL, GroupMailbox).
    """

    role: Role
    address: str | None
    legacy_dn: str | None = None
    is_list: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class RawItem(_InMemoryOnly):
    """One calendar item.

    Instants are aware, in UTC. ``kind``, ``show_as`` and ``response`` are words of the contract;
    ``kind`` is ``SERIES`` for a recurring master, which is no booking. What a source does not know
    is None, ``unknown``, or a single, public meeting; a sensitivity that it does not understand is
    private (R16). ``invitees`` is None where they were not asked for or could not be read.
    ``stated`` are the contract's columns that are stored as the source states them.
    ``all_day_dates`` are the first date and the first date after an all-day item, where the source
    states them; None where all that is known are its instants. ``unreadable`` counts fields that
    were there and could not be read, or that the server refused each time: they are None.
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
