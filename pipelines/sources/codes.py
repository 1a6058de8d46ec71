"""Which of the codes that a server sends may be repeated to operators and stored.

Belongs here: what a response code of Exchange looks like.
Does not belong here: what a code means (``ews_failures.py``, ``graph_failures.py``).

Codes that nobody knows yet are repeated too, since an operator can look them up; but only words of
letters, as Microsoft writes them, so that no id, address or token can pass as one.
"""

import re
from typing import Final

_CODE: Final = re.compile(r"Error(?=[A-Z])[A-Za-z]{1,60}")
_WITH_DIGITS: Final = frozenset({"ErrorMimeContentInvalidBase64String", "ErrorWin32InteropError"})


def is_response_code(text: str) -> bool:
    """Tell whether a text looks like one of Exchange's response codes."""
    return text in _WITH_DIGITS or _CODE.fullmatch(text) is not None
