"""Impossible targets are refused: the error names their place and the remedy."""

from typing import Any

import pytest

from tests.night.conftest import company
from tests.night.workplace import Company

__all__ = ["company"]


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ({"building": "HQ 1", "sold_out_days_at_most": 1}, "did you mean HQ?"),
        ({"capacity_band": "7-9", "sold_out_days_at_most": 1}, "use 1, 2-4"),
        ({"building": "HQ"}, "needs one limit"),
        ({"sold_out_days_at_most": 1}, "names no rooms"),
        ({"building": "HQ", "sold_out_days": 1}, "did you mean sold_out_days_at_most?"),
        ({"building": "HQ", "utilization_percent_at_least": 130}, "100"),
        ({"building": "HQ", "seats_used_percent_at_least": 0}, "at least 1"),
    ],
)
def test_a_target_that_cannot_be_is_refused_by_its_place(
    company: Company, capsys: pytest.CaptureFixture[str], target: dict[str, Any], told: str
) -> None:
    company.write(targets=[target])
    assert company.insights("publish", "--region", "EU") == 2
    errors = capsys.readouterr().err
    assert "regions.EU.targets.0" in errors
    assert told in errors
