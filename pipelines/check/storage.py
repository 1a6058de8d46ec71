"""The buckets of a region: whether they can be used, what they keep, where they are.

Belongs here: the lines of a check for a lake or a warehouse in a bucket; a folder has none.
Does not belong here: asking a store (``warehouse/storage``).
"""

from typing import Final

from pipelines.check.view import Printer
from pipelines.settings import RegionSettings
from pipelines.sources.steps import State
from transforms.contract import Region
from warehouse.lake import Lake
from warehouse.storage import ObjectUrl, WarehouseError
from warehouse.versions import published_versions

_STATES: Final = {True: State.OK, False: State.NOTE, None: State.NOTE}
_WIDTH: Final = 11
_REGION: Final = "region"


def check_storage(printer: Printer, region: Region, settings: RegionSettings) -> bool:
    """Print what can be told of the buckets of a region; return whether all can be used.

    What outlives retention and what is copied elsewhere are notes; a bucket in another region of
    the cloud than the environment says is a failure.
    """
    places = {"lake": settings.lake, "warehouse": settings.warehouse}
    far = {name: place for name, place in places.items() if isinstance(place, ObjectUrl)}
    if not far:
        return True
    printer.heading(f"{region} storage", ", ".join(map(str, far.values())))
    is_usable = True
    for name, place in far.items():
        try:
            if name == "lake":
                Lake(place, region).refuse_other_regions()
            else:
                published_versions(place, region)
        except WarehouseError as error:
            printer.line(State.FAILED, name, _WIDTH, str(error))
            is_usable = False
        else:
            printer.line(State.OK, name, _WIDTH, "can be reached and listed")
    if is_usable:
        from warehouse.storage.bucket import buckets_of  # noqa: PLC0415 - only where configured

        for bucket in buckets_of(list(far.values())):
            for fact in bucket.facts():
                is_wrong = fact.name == _REGION and fact.is_fine is False
                state = State.FAILED if is_wrong else _STATES[fact.is_fine]
                printer.line(state, fact.name, _WIDTH, fact.text)
                is_usable &= not is_wrong
    printer.blank()
    return is_usable
