"""How an object store is reached, and its errors as a code with a remedy.

Belongs here: endpoints and credentials from the environment, and what a store answers if they are
wrong. Does not belong here: objects (``objects.py``).
"""

import os
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from warehouse.storage.base import ObjectUrl, WarehouseError

_ENDPOINTS: Final[Mapping[str, tuple[str, ...]]] = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
}
_ALLOW_HTTP: Final[Mapping[str, str]] = {
    "s3": "AWS_ALLOW_HTTP",
    "az": "AZURE_STORAGE_ALLOW_HTTP",
    "gs": "GOOGLE_ALLOW_HTTP",
}
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_CODE: Final = re.compile(r"<Code>\s*(\w{1,64})\s*</Code>")
_STATUS: Final = re.compile(r"status code: (\d{3})")
_NO_IDENTITY: Final = ("redential", "metadata", "169.254.169.254", "/latest/api/token")
"""Signs of an error without credentials in the environment or an identity of the machine."""
_SIGN_IN: Final = (
    "see to the credentials in the environment (AWS_..., AZURE_..., GOOGLE_...) or to the "
    "identity of the machine, and to its clock"
)
_REGION: Final = "the bucket is in another region: set AWS_REGION to the bucket's"
_NO_BUCKET: Final = "there is no such bucket or container: create it, or change {setting!r}"
_FULL: Final = "the store is full: make room, or have its quota raised"
REMEDIES: Final[Mapping[str, str]] = {
    "NoSuchBucket": _NO_BUCKET,
    "ContainerNotFound": _NO_BUCKET,
    "RequestTimeTooSkewed": "this machine's clock is off: set it by NTP",
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "InvalidAccessKeyId": _SIGN_IN,
    "SignatureDoesNotMatch": _SIGN_IN,
    "ExpiredToken": _SIGN_IN,
    "InvalidToken": _SIGN_IN,
    "AuthenticationFailed": _SIGN_IN,
    "AuthorizationFailure": _SIGN_IN,
    "NoCredentials": f"no credentials were found: {_SIGN_IN}",
    "NotReached": "the store cannot be reached: see to its endpoint, region and the network",
    "QuotaExceeded": _FULL,
    "507": _FULL,
    "301": _REGION,
    "400": f"the store refuses the request: {_SIGN_IN}",
    "401": _SIGN_IN,
    "403": "the credentials may not do this: let them read, write, list and delete below {root}",
}


def open_store(root: ObjectUrl, error: type[WarehouseError]) -> ObjectStore:
    """Return the store, signed in as the environment says; sends no request yet.

    Raises:
        WarehouseError: of the class ``error``: the environment does not say how, or not safely.
    """
    scheme = root.scheme
    endpoint = endpoint_of(scheme)
    is_plain = bool(endpoint) and not str(endpoint).startswith("https://")
    if is_plain:
        is_allowed = os.environ.get(_ALLOW_HTTP[scheme], "").casefold() in ("true", "1")
        if urlsplit(endpoint or "").hostname not in _LOOPBACK or not is_allowed:
            raise error(
                f"{root}: the endpoint in the environment is not https: nothing is sent "
                f"unencrypted but to this machine itself, with {_ALLOW_HTTP[scheme]}=true"
            )
    options: dict[str, Any] = {
        "client_options": {
            "allow_http": is_plain,
            "allow_invalid_certificates": False,
            "connect_timeout": "5s",
            "timeout": "60s",
        },
        "retry_config": {"max_retries": 4},
    }
    if endpoint:
        options["endpoint" if scheme != "gs" else "base_url"] = endpoint
    try:
        return from_url(str(root), **options)
    except (BaseError, ValueError, OSError):
        raise error(f"{root}: the environment does not say how to reach it: {_SIGN_IN}") from None


def endpoint_of(scheme: str) -> str | None:
    """Return the address of the store that the environment names, None for the cloud's own."""
    return next((os.environ[n] for n in _ENDPOINTS[scheme] if os.environ.get(n)), None)


def code_of(error: Exception) -> str:
    """Return the store's own code of an error, or the nearest equivalent."""
    text = str(error)
    code, status = _CODE.search(text), _STATUS.search(text)
    if any(sign in text.partition("\n")[0] for sign in _NO_IDENTITY):
        return "NoCredentials"
    if (
        "redirect without LOCATION" in text
    ):  # obstore's text for a 301, S3's answer from another region
        return "301"
    if code or status:
        own = code[1] if code else ""
        return own if own in REMEDIES or status is None or status[1] not in REMEDIES else status[1]
    return "NotReached" if "HTTP error" in text else type(error).__name__
