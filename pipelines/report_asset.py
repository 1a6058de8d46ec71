"""The third asset of a region: ``eu/report``, the page to look at.

Belongs here: Dagster's view of the page.
Does not belong here: what the page shows (``warehouse/report``).
"""

import dagster as dg

from pipelines.assets import STALE_AFTER, BareResult, Runtime, failing_in_one_line
from pipelines.settings import Settings
from transforms.contract import Region
from warehouse.report import write_report


def report_asset(settings: Settings, region: Region, runtime: Runtime) -> dg.AssetsDefinition:
    """Return ``{region}/report``: one HTML file, written anew after every warehouse."""

    @dg.asset(
        key=[region.lower(), "report"],
        group_name=region.lower(),
        deps=[dg.AssetKey([region.lower(), "warehouse"])],
        pool=region.lower(),
        freshness_policy=dg.FreshnessPolicy.time_window(fail_window=STALE_AFTER),
        kinds={"html"},
        description="One page that shows the region's database in a browser, without a network.",
    )
    def report() -> BareResult:  # type: ignore[type-arg]
        with failing_in_one_line(runtime, region):
            written = write_report(settings.regions[region].warehouse, region)
        return dg.MaterializeResult(
            metadata={
                "file": written.path.name,
                "size_bytes": written.size_bytes,
                "rooms": written.rooms,
            }
        )

    return report
