"""Whatever an answer contains, a reading ends with complete rows or with an error code.

``make fuzz`` tries 10,000 answers; these are some hundreds, always the same.
"""

import pytest

from tests.conftest import StartExchange
from tests.sources.fuzz import fuzz, tenant


@pytest.mark.parametrize("kind", ["ews", "graph"])
def test_no_mutated_answer_gives_a_traceback_a_value_or_a_short_list(
    exchange: StartExchange, kind: str
) -> None:
    ended = fuzz(kind, exchange(tenant()), 150, seed=7)
    assert sum(ended.values()) == 150
    assert ended["read"] > 10
    assert ended["MalformedResponse"] > 10
