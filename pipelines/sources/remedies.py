"""What each error code means to the person who runs Exchange, and how to fix it."""

from collections.abc import Iterable
from typing import Final

from pipelines.texts import by_code

_KINDS: Final = {
    "ews": ("EWS", "Exchange", "the EWS reference (ResponseCode)"),
    "graph": ("Graph", "Graph", "Microsoft Graph's list of error codes"),
}
"""By the kind of an exchange: its protocol, its server, and where its codes are listed."""


def remedy_for(code: str, kind: str = "ews") -> str:
    """Return what an error code means and how to fix it, in one line without any value.

    ``kind`` is the kind of the exchange: the text is about the protocol that it uses.
    """
    sections = by_code("sources/remedies.yaml")
    texts: dict[str, str] = sections["any"] | sections.get(kind, {})
    _, server, reference = _KINDS.get(kind, (kind, kind, "its documentation"))
    unknown = (
        f"{server} or the connection failed in a way that has no remedy here; the room keeps what "
        f"it had. Look the code up in {reference}."
    )
    return texts.get(code) or texts.get(f"{code[:5]}xx", unknown)


def remedies_for(codes: Iterable[str], kinds: Iterable[str]) -> dict[str, str]:
    """Return the remedy for each code, sorted, for a region with exchanges of these kinds."""
    names = {kind: _KINDS.get(kind, (kind,))[0] for kind in sorted(set(kinds)) or ["ews"]}
    found = {}
    for code in sorted(set(codes)):
        texts = {name: remedy_for(code, kind) for kind, name in names.items()}
        if len(set(texts.values())) > 1:
            found[code] = " ".join(f"Over {name}: {text}" for name, text in texts.items())
        else:
            found[code] = next(iter(texts.values()))
    return found
