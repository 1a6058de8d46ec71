"""Measure the cost of a lake and warehouse in a bucket, with latency on every request.

Belongs here: one lake on a disk and in SeaweedFS, a proxy that delays every byte as a network
would, and the same publish from both, in turn. Prints one JSON object.
Does not belong here: what publishing costs on a disk (``marts.py``).

Run: ``python -m benchmarks.far_lake --rooms 1000 --delay-ms 20``.
"""

import asyncio
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import click

from benchmarks.generate import Plan, generate
from benchmarks.marts import NOW, THREADS, TODAY
from tests.object_stores import seaweedfs
from warehouse.lake import Lake
from warehouse.publish import PublishOptions, publish
from warehouse.storage import Location, ObjectUrl

CONTEXT: Final = multiprocessing.get_context("spawn")
CHUNK_BYTES: Final = 1 << 18


async def relay(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_seconds: float
) -> None:
    """Pass on each piece ``delay_seconds`` after it came: latency without loss of bandwidth."""
    pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def take() -> None:
        piece = b"-"
        while piece:
            piece = await reader.read(CHUNK_BYTES)
            await pieces.put((time.monotonic() + delay_seconds, piece))

    taking = asyncio.create_task(take())
    try:
        while True:
            due_at, piece = await pieces.get()
            await asyncio.sleep(max(0.0, due_at - time.monotonic()))
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        taking.cancel()
        writer.close()


def serve(port: int, delay_seconds: float, own_port: "SimpleQueue[int]") -> None:
    """Proxy a server of this machine, delaying every request."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            relay(reader, far_writer, delay_seconds), relay(far_reader, writer, 0.0)
        )

    async def run() -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        own_port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


@contextmanager
def delayed(endpoint: str, delay_seconds: float) -> Iterator[str]:
    """Give an endpoint that forwards to another with a delay."""
    own_port: SimpleQueue[int] = CONTEXT.SimpleQueue()
    arguments = (urlsplit(endpoint).port, delay_seconds, own_port)
    process = CONTEXT.Process(target=serve, args=arguments, daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{own_port.get()}"
    finally:
        process.kill()
        process.join()


def cpu_of_children() -> float:
    """Return the CPU seconds that the server and the proxies have used so far."""
    ticks = 0
    for children in Path("/proc/self/task").glob("*/children"):
        for pid in children.read_text(encoding="ascii").split():
            stat = Path("/proc", pid, "stat").read_text(encoding="utf-8")
            ticks += sum(map(int, stat.rpartition(")")[2].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def measured(place: Location) -> dict[str, float]:
    """Publish a lake; return wall seconds, and CPU seconds of this process and of the server."""
    began, own, children = time.perf_counter(), time.process_time(), cpu_of_children()
    options = PublishOptions(threads=THREADS)
    publish(Lake(place / "lake", "EU"), place / "warehouse", options, NOW)
    return {
        "seconds": round(time.perf_counter() - began, 2),
        "cpu_seconds": round(time.process_time() - own, 2),
        "server_cpu_seconds": round(cpu_of_children() - children, 2),
        "load": round(os.getloadavg()[0], 1),
    }


@click.command()
@click.option("--rooms", type=int, default=1_000, show_default=True, help="2,400 bookings each.")
@click.option("--delay-ms", type=int, default=20, show_default=True, help="Of each request.")
@click.option("--times", type=int, default=3, show_default=True, help="The fastest of each counts.")
def main(rooms: int, delay_ms: int, times: int) -> None:
    """Publish the same lake from a disk, from a bucket, and from one that is far away, in turn."""
    plan = Plan("EU", rooms, TODAY - timedelta(days=395), TODAY + timedelta(days=180), TODAY)
    with tempfile.TemporaryDirectory(prefix="far-lake-") as name:
        folder = Path(name)
        store = folder / "seaweedfs"
        store.mkdir()
        with seaweedfs(store) as server:
            os.environ |= {**server.environment, "TMPDIR": name}
            direct = server.environment["AWS_ENDPOINT_URL"]
            bucket = ObjectUrl.parse(server.url)
            places: tuple[Location, Location] = (folder, bucket)
            bookings = [generate(Lake(place / "lake", "EU"), plan) for place in places]
            runs: dict[str, list[dict[str, float]]] = {
                "near": [],
                "far_without_wait": [],
                "far": [],
            }
            with delayed(direct, 0.0) as at_once, delayed(direct, delay_ms / 1000) as later:
                for _ in range(times):
                    for kind, endpoint in zip(runs, (direct, at_once, later), strict=True):
                        os.environ["AWS_ENDPOINT_URL"] = endpoint
                        runs[kind].append(measured(folder if kind == "near" else bucket))
                        click.echo(f"{kind}: {runs[kind][-1]}", err=True)
    best = {kind: min(each["seconds"] for each in found) for kind, found in runs.items()}
    figures = {
        "bookings": bookings[0],
        "delay_ms": delay_ms,
        "far_over_near": round(best["far"] / best["near"], 2),
        "far_over_far_without_wait": round(best["far"] / best["far_without_wait"], 2),
        "seconds": best,
        "runs": runs,
    }
    click.echo(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
