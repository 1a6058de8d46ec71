"""``python -m benchmarks``: run every benchmark in turn, or those that are named.

Belongs here: the list of benchmarks, with sizes that two cores can handle, and about how long each
takes there.
Does not belong here: what each measures. Its module says that, and takes other sizes when run as
``python -m benchmarks.<name>``.
"""

import os
import subprocess
import sys
import time
from typing import Final, NamedTuple

import click


class Benchmark(NamedTuple):
    """The options that a module is run with, and how many minutes it takes."""

    options: str
    minutes: int
    asks: str


BENCHMARKS: Final = {
    "parsing": Benchmark("", 1, "What does a calendar cost in CPU over EWS?"),
    "graph": Benchmark("", 1, "What does it cost over Graph?"),
    "latency": Benchmark(
        "--rooms 1000 --changed 0.03", 6, "How close to the ideal is reading? What is the ledger's?"
    ),
    "memory": Benchmark("--rooms 50 --rooms 1000", 3, "Does memory grow with the rooms?"),
    "hammer": Benchmark("--seconds 60", 3, "Does any reader ever see a torn day or database?"),
    "killed_runs": Benchmark("--kills 200", 10, "Does a killed run leave anything that stays?"),
    "far_lake": Benchmark("--rooms 1000", 5, "What does it cost that the lake is in a bucket?"),
    "attack": Benchmark(
        "--rooms 1000 --nights 30", 10, "Do thirty nights of statistics tell a small count?"
    ),
    "ledger": Benchmark("", 4, "Is every change found, and none invented?"),
    "ahead": Benchmark("--seeds 3", 3, "How near is busy ahead, and how true its range?"),
    "what-if": Benchmark("", 2, "Is the bracket true, how wide is it, and what does it cost?"),
    "marts": Benchmark(
        "--sizes 2.4M,24M,67M", 12, "What does the database cost to build and to ask?"
    ),
}


def table() -> str:
    """Return a line for each benchmark."""
    return "\n".join(
        f"{name:<12} about {each.minutes:>2} min   {each.asks}" for name, each in BENCHMARKS.items()
    )


@click.command(epilog="\b\n" + table())
@click.argument("names", nargs=-1, metavar="[NAMES]...", type=click.Choice(list(BENCHMARKS)))
def main(names: tuple[str, ...]) -> None:
    """Run the NAMES given, or all, each in a process of its own."""
    failed = []
    for name in names or BENCHMARKS:
        each = BENCHMARKS[name]
        click.echo(
            f"== {name} {each.options} (about {each.minutes} min; load {_load():.1f}): {each.asks}"
        )
        began = time.monotonic()
        command = [
            sys.executable,
            "-m",
            f"benchmarks.{name.replace('-', '_')}",
            *each.options.split(),
        ]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
        click.echo(f"== {name}: {time.monotonic() - began:.0f} s (load {_load():.1f})\n")
    if failed:
        raise click.ClickException(f"not as it should be: {', '.join(failed)}")


def _load() -> float:
    """Return the load average: if it exceeds the number of cores, figures come out too high."""
    return os.getloadavg()[0]


if __name__ == "__main__":
    main()
