"""No reader ever sees a torn day or database, whatever is replaced, killed or cleaned up meanwhile.

Runs the benchmarks behind the README's figures, for a few seconds.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def figures(script: str, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, str(BENCHMARKS / script), *arguments]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
    assert finished.stdout, finished.stderr
    printed = json.loads(finished.stdout)
    assert isinstance(printed, dict)
    return printed


def test_readers_see_whole_days_and_databases_while_writers_replace_and_builders_are_killed() -> (
    None
):
    counts = figures("hammer.py", "--seconds", "5")
    builders = counts.pop("builders")
    assert len(counts) == 7
    for reader, seen in counts.items():
        assert seen["writes seen"] >= 3, reader
        assert (seen["torn"], seen["errors"]) == (0, 0), reader
    assert builders["killed in a build"] > 0
    assert builders["left over"] == 0
    assert 2 <= builders["versions"] <= 7
