"""datacontract-cli accepts the published statistics by the ODCS contract, and finds a repeated row.

``make odcs-test`` installs the tool into ``.venv-odcs`` and runs this.
"""

import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from tests.marts.scenario import publish_scenario
from tests.marts.worked import everything
from warehouse.dictionary import document
from warehouse.versions import parquet_pointer

_TOOL: Final = Path(__file__).parents[2] / ".venv-odcs/bin/datacontract"


def checked(contract: Path, statistics: Path) -> subprocess.CompletedProcess[str]:
    """Test the files of a folder against the contract."""
    contract.write_text(document("EU", statistics))
    command = [str(_TOOL), "test", str(contract)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def main() -> None:
    """Test the files that a publish wrote, then the same files with one row repeated."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        publish_scenario(folder, everything(), export_parquet=True).close()
        statistics = parquet_pointer(folder / "warehouse", "EU", statistics=True)
        whole = checked(folder / "contract.yaml", statistics)
        assert whole.returncode == 0, whole.stdout
        wrong = folder / "wrong"
        wrong.mkdir()
        for path in statistics.iterdir():
            table = pq.read_table(path, partitioning=None)
            if path.stem == "utilization":
                table = pa.concat_tables([table, table.slice(0, 1)])
            pq.write_table(table, wrong / path.name)
        repeated = checked(folder / "contract.yaml", wrong)
        assert repeated.returncode == 1, repeated.stdout
    print("the published files pass, a repeated row does not")


if __name__ == "__main__":
    main()
