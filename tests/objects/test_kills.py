"""Killed nights leave nothing torn in a bucket."""

import random

from tests.object_stores import IN_A_BUCKET
from tests.objects.kills import kill_nights
from warehouse.storage import ObjectUrl


@IN_A_BUCKET
def test_what_a_killed_night_leaves_is_whole_and_the_next_one_finishes_it(
    bucket: ObjectUrl,
) -> None:
    _, reads, wrong = kill_nights(bucket, 3, random.Random(3))
    assert wrong == []
    assert reads > 0
