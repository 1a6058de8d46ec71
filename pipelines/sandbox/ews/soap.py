"""SOAP, as EWS uses it: requests, answers, faults.

Answers are built as strings: an object tree costs ten times as much, and a run reads millions
of items.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from lxml import etree

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGES: Final = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES: Final = "http://schemas.microsoft.com/exchange/services/2006/types"
ERRORS: Final = "http://schemas.microsoft.com/exchange/services/2006/errors"
Element: TypeAlias = etree._Element  # noqa: SLF001  lxml has no public name for its type
S, M, T = (f"{{{namespace}}}" for namespace in (SOAP, MESSAGES, TYPES))

_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>'
    f'<s:Envelope xmlns:s="{SOAP}"><s:Header>'
    '<h:ServerVersionInfo MajorVersion="15" MinorVersion="2" MajorBuildNumber="1748"'
    f' MinorBuildNumber="10" Version="V2017_07_11" xmlns:h="{TYPES}"/>'
    f'</s:Header><s:Body xmlns:m="{MESSAGES}" xmlns:t="{TYPES}">'
)
_TAIL = "</s:Body></s:Envelope>"
_CONTROL = re.compile("[\x00-\x1f\ufffe\uffff]")


class ResponseError(Exception):
    """An error that one response message reports; the rest of the answer stands."""

    def __init__(self, code: str, values: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.values = dict(values or {})


class SoapFaultError(ResponseError):
    """An error instead of an answer: HTTP 500."""


@dataclass(frozen=True)
class SoapRequest:
    """One operation that a client asks for; ``impersonated`` is an address or None."""

    operation: str
    body: Element
    impersonated: str | None = None


def parse(data: bytes) -> SoapRequest:
    """Return the request in an envelope."""
    try:
        root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        raise SoapFaultError("ErrorSchemaValidation") from None
    body = root.find(f"{S}Body")
    if body is None or len(body) != 1:
        raise SoapFaultError("ErrorSchemaValidation")
    sid = root.find(f"{S}Header/{T}ExchangeImpersonation/{T}ConnectingSID")
    address = sid[0].text if sid is not None and len(sid) else None
    return SoapRequest(etree.QName(body[0]).localname, body[0], address)


def envelope(body: str) -> bytes:
    """Return a whole answer around the content of its body."""
    return f"{_HEAD}{body}{_TAIL}".encode()


def fault(error: ResponseError) -> bytes:
    """Return a whole answer that is a SOAP fault."""
    code = error.code
    details = message_xml(error.values, "t", f' xmlns:t="{TYPES}"')
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}"><s:Body><s:Fault>'
        f'<faultcode xmlns:a="{TYPES}">a:{code}</faultcode>'
        f'<faultstring xml:lang="en-US">{_said(code)}</faultstring><detail>'
        f'<e:ResponseCode xmlns:e="{ERRORS}">{code}</e:ResponseCode>'
        f'<e:Message xmlns:e="{ERRORS}">{_said(code)}</e:Message>{details}'
        "</detail></s:Fault></s:Body></s:Envelope>"
    ).encode()


def error_message(tag: str, error: ResponseError, rest: str = "") -> str:
    """Return a response message that reports an error."""
    return (
        f'<m:{tag} ResponseClass="Error"><m:MessageText>{_said(error.code)}</m:MessageText>'
        f"<m:ResponseCode>{error.code}</m:ResponseCode>"
        f"<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>{message_xml(error.values, 'm')}{rest}"
        f"</m:{tag}>"
    )


def success_message(tag: str, rest: str) -> str:
    """Return a response message that reports success."""
    return (
        f'<m:{tag} ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>{rest}</m:{tag}>'
    )


def message_xml(values: Mapping[str, str], prefix: str, declaration: str = "") -> str:
    """Return the named values of an error (BackOffMilliseconds and the like), or nothing."""
    if not values:
        return ""
    inner = "".join(
        f'<t:Value Name="{text(name)}">{text(value)}</t:Value>' for name, value in values.items()
    )
    return f"<{prefix}:MessageXml{declaration}>{inner}</{prefix}:MessageXml>"


def text(value: str) -> str:
    """Return a string escaped for XML.

    Characters that XML 1.0 forbids become references (``&#x1B;``), as real servers write them.
    """
    if "&" in value or "<" in value or ">" in value or '"' in value:
        value = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        value = value.replace('"', "&quot;")
    if value.isprintable():
        return value
    return _CONTROL.sub(lambda found: f"&#x{ord(found.group()):X};", value)


def _said(code: str) -> str:
    """Return a sentence for a code; clients must not rely on its words."""
    return f"The sandbox answers {code}."
