"""``python -m pipelines.sandbox``: one region in a process of its own, for programs.

It prints a line of JSON when it is ready, and exits when its standard input closes, so that it
never outlives whoever started it. People use ``insights sandbox``.
"""

import json
import os
import sys
import threading
from pathlib import Path

import click

from pipelines.sandbox.calendars import SEED
from pipelines.sandbox.server import Plan, Served, serve
from transforms.contract import Region


@click.command()
@click.option("--region", required=True)
@click.option("--rooms", type=click.IntRange(min=1), default=40, show_default=True)
@click.option("--dir", "directory", type=click.Path(path_type=Path), required=True)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 is any free one.")
@click.option("--seed", type=int, default=SEED)
@click.option("--latency", type=click.FloatRange(min=0), default=0.0, help="Seconds an answer.")
def main(  # noqa: PLR0913, PLR0917  one parameter for each option
    region: Region, rooms: int, directory: Path, port: int, seed: int, latency: float
) -> None:
    """Serve one region's simulated Exchange until standard input closes."""
    stop = threading.Event()
    threading.Thread(target=_wait_for_end_of_input, args=(stop,), daemon=True).start()
    try:
        serve(Plan([region], directory, rooms, seed, latency, {region: port}), _print_ready, stop)
    except OSError as error:
        raise click.ClickException(f"the sandbox cannot start: {error.strerror}") from None


def _print_ready(served: list[Served]) -> None:
    click.echo(json.dumps(served[0].as_dict()))


def _wait_for_end_of_input(stop: threading.Event) -> None:
    # Not through sys.stdin's buffer: a thread blocked in its lock breaks the interpreter's exit.
    while os.read(sys.stdin.fileno(), 1024):
        pass
    stop.set()


if __name__ == "__main__":
    main()
