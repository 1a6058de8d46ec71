"""How an object store is reached, and its errors as a code with a remedy."""

import re
from importlib.resources import files
from typing import Any, Final

import yaml
from obstore.exceptions import BaseError
from obstore.store import ObjectStore, from_url

from warehouse.storage.base import ObjectUrl, WarehouseError, endpoint_of, is_plain, why_refused

_CODE: Final = re.compile(r"<Code>\s*(\w{1,64})\s*</Code>")
_STATUS: Final = re.compile(r"status code: (\d{3})")
_NO_IDENTITY: Final = ("redential", "metadata", "169.254.169.254", "/latest/api/token")
"""Signs of an error without credentials in the environment or an identity of the machine."""
_SIGN_IN: Final = (
    "see to the credentials in the environment (AWS_..., AZURE_..., GOOGLE_...) or to the "
    "identity of the machine, and to its clock"
)
_TEXTS: Final = files("warehouse.storage").joinpath("remedies.yaml").read_text(encoding="utf-8")
REMEDIES: Final = {
    code: text.replace("{sign_in}", _SIGN_IN)
    for codes, text in yaml.safe_load(_TEXTS).items()
    for code in codes.split(", ")
}
"""What each code means and how to fix it."""


def open_store(root: ObjectUrl, error: type[WarehouseError]) -> ObjectStore:
    """Return the store, signed in as the environment says; sends no request yet.

    Raises:
        WarehouseError: of the class ``error``: the environment does not say how, or not safely.
    """
    scheme = root.scheme
    if refusal := why_refused(scheme):
        raise error(f"{root}: {refusal}")
    endpoint = endpoint_of(scheme)
    options: dict[str, Any] = {
        "client_options": {
            "allow_http": is_plain(endpoint),
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
