"""One normal form of mailbox addresses, before any is compared (R11, R12).

Exchange, Graph, address books and spreadsheets write one mailbox in many ways: with a display
name, in quotes, with a scheme, encapsulated, in any case, with a domain in Unicode or in Punycode.
"""

import re
from typing import Final

_SCHEME: Final = re.compile(r"^(?:smtp|sip|mailto)\s*:\s*", re.IGNORECASE)
_ENCAPSULATED: Final = re.compile(r"^imceaex-(.*)@[^@]*$", re.IGNORECASE | re.DOTALL)
_ENCODED: Final = re.compile(r"\+([0-9A-Fa-f]{2})")
_COMMENT: Final = re.compile(r"\s+\([^()]*\)$")
_QUOTES: Final = "'\"\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}`<>"
_ONLY_QUOTES: Final = _QUOTES.removesuffix("<>")
_SURROUNDING: Final = " \t\r\n\N{NO-BREAK SPACE}\N{ZERO WIDTH SPACE};,"


def normal_address(text: str | None) -> str:
    """Return the one form of a mailbox address: casefolded, its domain as IDNA writes it.

    A legacy DN, bare (``/O=...``), with its type (``EX:``, ``X500:``) or encapsulated
    (``IMCEAEX-``), comes back as the DN, which begins with a slash. ``""`` if nothing is left.
    """
    address = bare_address(text or "")
    if encapsulated := _ENCAPSULATED.match(address):
        dn = encapsulated[1].replace("_", "/")
        address = _ENCODED.sub(_character, dn)
    address = re.sub(r"^(?:ex|x500)\s*:\s*(?=/)", "", address, flags=re.IGNORECASE)
    if address.startswith("/"):
        return address.casefold()
    local, at, domain = address.rpartition("@")
    if not at:
        return address.casefold()
    return f"{local.strip(_QUOTES).casefold()}@{_normal_domain(domain)}"


def bare_address(text: str) -> str:
    """Return the address of what may have a display name, quotes or a scheme around it."""
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
    """Return the one form of a domain name."""
    return _normal_domain(text.strip(_SURROUNDING))


def _character(match: re.Match[str]) -> str:
    return chr(int(match[1], 16))


def _normal_domain(domain: str) -> str:
    folded = domain.strip(_QUOTES + _SURROUNDING).rstrip(".").casefold()
    if folded.isascii():
        return folded
    try:
        return folded.encode("idna").decode("ascii")
    except UnicodeError:
        return folded
