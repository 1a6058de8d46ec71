"""A run killed at any time leaves a whole lake and database, and the next run repairs the rest.

Runs the benchmark of killed runs with a few kills.
"""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_killed_run_leaves_nothing_torn_and_the_next_one_mends_it() -> None:
    command = [sys.executable, "-m", "benchmarks.killed_runs", "--kills", "4", "--dagster", "0"]
    finished = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240
    )
    assert finished.stdout, finished.stderr
    counts = json.loads(finished.stdout)
    in_time = {name: n for name, n in counts.items() if name.startswith("kills while ")}
    assert sum(in_time.values()) >= 1
    found = {name: n for name, n in counts.items() if not name.startswith("kills ")}
    assert found == {"kills": 4, "mended": 1, "not mended": 0, "left over": 0}
