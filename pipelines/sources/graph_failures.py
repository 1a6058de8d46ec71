"""What Graph's refusals mean: which may pass, which end a room, which end the run.

Belongs here: Graph's error codes and HTTP statuses, as ``Failure``s.
Does not belong here: failures below HTTP (``tls.py``), the sentences for operators
(``remedies.py``).

Messages of Graph quote addresses: only a code that looks like one of Exchange's, or is one of the
few others that are known, is taken over.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

import requests

from pipelines.sources.base import Scope, is_response_code
from pipelines.sources.session import Failure
from pipelines.sources.statuses import refuse_web_page, status_failure

_KNOWN_CODES: Final = frozenset(
    {
        "Authorization_RequestDenied",
        "MailboxNotEnabledForRESTAPI",
        "MailboxNotSupportedForRESTAPI",
        "ResourceNotFound",
        "Request_ResourceNotFound",
    }
)


def malformed() -> Failure:
    """Return the failure of an answer that is not what was asked for; the next one may be."""
    return Failure("MalformedResponse", is_transient=True)


def content_of(response: requests.Response) -> Mapping[str, Any]:
    """Return the JSON of an answer.

    Raises:
        Failure: a refusal by its code or status; ``MalformedResponse`` for anything but JSON that
            is whole.
    """
    if response.status_code != 200:
        raise _refusal(response)
    refuse_web_page(response.content)
    try:
        content = json.loads(response.content)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict):
        raise malformed()
    return content


def _refusal(response: requests.Response) -> Failure:
    failure = status_failure(response.status_code, response.headers)
    if failure.is_transient or failure.scope is Scope.EXCHANGE:
        return failure
    named = _named(response.content)
    if named is None:
        return failure
    # Graph itself answered, about this mailbox.
    return Failure(named if _may_be_shown(named) else failure.code)


def _named(content: bytes) -> str | None:
    """Return the error code of an answer's body, whatever it is; None if it is not Graph's."""
    try:
        code = json.loads(content)["error"]["code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return code if isinstance(code, str) else None


def _may_be_shown(code: str) -> bool:
    return code in _KNOWN_CODES or is_response_code(code)
