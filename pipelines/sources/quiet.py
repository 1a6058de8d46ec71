"""Cuts off the libraries that log what they send and receive.

Belongs here: the names of those loggers and the switch.
Does not belong here: any logging of our own.

At DEBUG these libraries write whole answers, the Authorization header and the client secret.
"""

import logging
from typing import Final

LIBRARIES: Final = (
    "exchangelib",
    "msal",
    "oauthlib",
    "requests",
    "requests_ntlm",
    "requests_oauthlib",
    "spnego",
    "urllib3",
)
_NEVER: Final = logging.CRITICAL + 1


def cut_off_loggers() -> None:
    """Silence every logger of the libraries, those that exist and those that are yet to come."""
    for name in LIBRARIES:
        _silence(logging.getLogger(name))
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.partition(".")[0] in LIBRARIES and isinstance(logger, logging.Logger):
            _silence(logger)


def _silence(logger: logging.Logger) -> None:
    logger.handlers = [logging.NullHandler()]  # without one, warnings go to stderr
    logger.setLevel(_NEVER)
    logger.propagate = False
    logger.disabled = True
