"""Retention and the profiles that it begins to delete go by one clock, the region's."""

from datetime import UTC, date, datetime

import pytest

from pipelines import night
from pipelines.settings import load_settings
from tests.night.workplace import Company, unpublished
from warehouse.publish import PublishOptions


@pytest.mark.parametrize("time_zone", ["Asia/Tokyo", "Pacific/Auckland", "America/Chicago"])
def test_a_month_shows_no_profile_from_the_night_on_that_deletes_its_first_day(
    company: Company, monkeypatch: pytest.MonkeyPatch, time_zone: str
) -> None:
    company.write(time_zone=time_zone)
    asked: list[PublishOptions] = []

    def note(_lake: object, _warehouse: object, options: PublishOptions, *_: object) -> object:
        asked.append(options)
        return unpublished()

    monkeypatch.setattr(night, "publish", note)
    settings, now = load_settings(company.config, None), datetime(2026, 12, 1, 17, 30, tzinfo=UTC)
    night.publish_region(settings, "EU", now)
    is_next_day = time_zone != "America/Chicago"
    assert [each.kept_from for each in asked] == [date(2025, 11, 1 + is_next_day)]
