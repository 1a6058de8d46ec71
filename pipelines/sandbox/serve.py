"""Serving whole regions until somebody says stop: what the command line and the demo start.

Belongs here: starting servers for regions, saying where they are, waiting.
Does not belong here: parsing a command line (``__main__.py`` and the project's own).
"""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pipelines.sandbox.calendars import SEED, generated_tenant
from pipelines.sandbox.faults import Fault
from pipelines.sandbox.server import SandboxExchange
from pipelines.sandbox.tls import CertificateAuthority
from transforms.contract import Region


@dataclass(frozen=True)
class Plan:
    """What to serve: so many rooms in each region, on the ports given (else any free one).

    A region's CA file goes to ``<directory>/<region>/ca.pem``.
    """

    regions: Sequence[Region]
    directory: Path
    rooms: int = 40
    seed: int = SEED
    latency_seconds: float = 0.0
    ports: Mapping[Region, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Served:
    """Where a region's sandbox is, and how to be let in. ``ca_file`` is absolute.

    ``url`` speaks EWS to the account; ``graph_url`` speaks Graph to the app, and signs it in.
    """

    region: str
    url: str
    username: str
    password: str
    ca_file: str
    graph_url: str
    tenant_id: str
    client_id: str
    client_secret: str

    def as_dict(self) -> dict[str, str]:
        """Return the fields by name, for JSON."""
        return asdict(self)


@contextmanager
def serving(plan: Plan) -> Iterator[list[Served]]:
    """Serve for as long as the block lasts; each region has a server and a CA of its own.

    Raises:
        OSError: a port is taken, or the directory cannot be written.
    """
    with ExitStack() as servers:
        yield [_start(servers, plan, region) for region in plan.regions]


def serve(
    plan: Plan,
    ready: Callable[[list[Served]], None] = lambda _: None,
    stop: threading.Event | None = None,
) -> None:
    """Serve until SIGINT, SIGTERM, or until ``stop`` is set. Main thread only.

    ``ready`` is told where the regions are as soon as they answer.

    Raises:
        OSError: a port is taken, or the directory cannot be written.
    """
    over = stop or threading.Event()
    stop_at_signals(over)
    with serving(plan) as served:
        ready(served)
        over.wait()


def stop_at_signals(over: threading.Event) -> None:
    """Set the event at SIGINT and at SIGTERM, also where a shell had them ignored."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())


def _start(servers: ExitStack, plan: Plan, region: Region) -> Served:
    tenant = generated_tenant(region, plan.rooms, plan.seed)
    if plan.latency_seconds > 0:
        tenant.faults.add(Fault("latency", seconds=plan.latency_seconds))
    authority = CertificateAuthority(plan.directory.resolve() / region.lower())
    server = SandboxExchange(tenant, authority, plan.ports.get(region, 0))
    servers.enter_context(server)
    return Served(
        region=region,
        url=server.url,
        username=tenant.account,
        password=tenant.password,
        ca_file=str(authority.ca_file),
        graph_url=server.base_url,
        tenant_id=tenant.app.tenant_id,
        client_id=tenant.app.client_id,
        client_secret=tenant.app.client_secret or "",
    )
