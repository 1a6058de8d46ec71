"""The address of an object store that the environment names, and whether it may be used.

Belongs here: what the configuration can check without a store's library. Does not belong here:
credentials and errors (``signin.py``).
"""

import os
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

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


def endpoint_of(scheme: str) -> str | None:
    """Return the address of the store that the environment names, None for the cloud's own."""
    return next((os.environ[n] for n in _ENDPOINTS[scheme] if os.environ.get(n)), None)


def is_plain(endpoint: str | None) -> bool:
    """Tell whether an address of the environment is not https."""
    return endpoint is not None and not endpoint.startswith("https://")


def why_refused(scheme: str) -> str | None:
    """Return why the address that the environment names is refused, None if it is not."""
    endpoint = endpoint_of(scheme)
    is_allowed = os.environ.get(_ALLOW_HTTP[scheme], "").casefold() in ("true", "1")
    if not is_plain(endpoint) or (is_allowed and urlsplit(endpoint or "").hostname in _LOOPBACK):
        return None
    variable = next(name for name in _ENDPOINTS[scheme] if os.environ.get(name))
    return (
        f"the endpoint in the environment is not https: nothing is sent unencrypted but to this "
        f"machine itself, with {_ALLOW_HTTP[scheme]}=true; mend {variable}"
    )
