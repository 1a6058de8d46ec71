"""The sign-in service: tokens for client credentials, by secret or by certificate."""

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from time import time
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from pipelines.sandbox.graph import SignInError
from pipelines.sandbox.model import App

_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SHA256: Final = hashes.SHA256()
_PADDINGS: Final[Mapping[str, padding.AsymmetricPadding]] = {
    "RS256": padding.PKCS1v15(),
    "PS256": padding.PSS(padding.MGF1(_SHA256), padding.PSS.DIGEST_LENGTH),
}


def describe(base: str) -> Mapping[str, str]:
    """Return where a tenant's endpoints are."""
    return {
        "issuer": f"{base}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
    }


def issue_token(
    app: App, tenant_id: str, endpoint: str, form: Mapping[str, str]
) -> Mapping[str, Any]:
    """Return a new token for whoever proves to be the app.

    Raises:
        SignInError: in OAuth's words.
    """
    if tenant_id != app.tenant_id:
        raise SignInError(400, "invalid_request")
    if form.get("grant_type") != "client_credentials":
        raise SignInError(400, "unsupported_grant_type")
    if not form.get("scope", "").split(" ")[0].endswith("/.default"):
        raise SignInError(400, "invalid_scope")
    if form.get("client_id") != app.client_id:
        raise SignInError(400, "unauthorized_client")
    if not (_has_secret(app, form) or _has_certificate(app, endpoint, form)):
        raise SignInError(401, "invalid_client")
    return {
        "token_type": "Bearer",
        "expires_in": app.token_seconds,
        "ext_expires_in": app.token_seconds,
        "access_token": _new_token(app),
    }


def _new_token(app: App) -> str:
    """Return a token that reads like Entra's; that the tenant remembers it is all that counts."""
    head = {"typ": "JWT", "alg": "none"}
    claims = {"appid": app.client_id, "roles": app.entra_roles, "uti": secrets.token_urlsafe(24)}
    parts = (json.dumps(each).encode() for each in (head, claims))
    encoded = [base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "sandbox"])


def _has_secret(app: App, form: Mapping[str, str]) -> bool:
    return app.client_secret is not None and form.get("client_secret") == app.client_secret


def _has_certificate(app: App, endpoint: str, form: Mapping[str, str]) -> bool:
    """Tell whether the assertion is the app's own, for this endpoint, and not too old."""
    if form.get("client_assertion_type") != _ASSERTION:
        return False
    signed, _, signature = form.get("client_assertion", "").rpartition(".")
    try:
        head, claims = (json.loads(_decoded(part)) for part in signed.split("."))
        is_meant = (claims["iss"], claims["sub"]) == (app.client_id, app.client_id)
        is_valid = is_meant and claims["aud"] == endpoint and claims["exp"] > time()
        padded = _PADDINGS[head["alg"]]
        return is_valid and _is_signed(app, signed.encode(), _decoded(signature), padded)
    except (ValueError, KeyError, TypeError):
        return False


def _is_signed(
    app: App, signed: bytes, signature: bytes, padded: padding.AsymmetricPadding
) -> bool:
    for certificate in app.certificates:
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            continue
        try:
            key.verify(signature, signed, padded, _SHA256)
        except InvalidSignature:
            continue
        return True
    return False


def _decoded(part: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        raise ValueError("not base64") from None
