"""A night in its own process, in which one layer raises an error full of personal data.

Belongs here: the code that runs in processes of the privacy proof: logging at DEBUG, the layer that
raises, the command line or Dagster's multiprocess executor, and a watch on the files they write.
Does not belong here: which nights there are (``nights.py``), careless changes (``careless.py``).

An environment variable names the layer, so that it raises in processes that Dagster starts, too:
each of them imports this module.
"""

import logging
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import dagster as dg

from pipelines import assets, cli, night
from pipelines.history import RANGE_END_TAG, RANGE_START_TAG, open_instance
from pipelines.sources import ews, ews_xml, graph
from tests.privacy import careless
from transforms import redact
from transforms.raw import RawInvitee, RawItem
from warehouse import engine, lake, nightly

LAYER: Final = "PRIVACY_PROOF_LAYER"
TEXT: Final = "PRIVACY_PROOF_TEXT"
FOLDER: Final = "PRIVACY_PROOF_FOLDER"

RAISING: Final[Mapping[str, tuple[Any, str]]] = {
    "source": (ews.EwsSource, "_request"),
    "parser": (ews_xml, "parse_strictly"),
    "invitees": (ews_xml, "invitees_of"),
    "graph-client": (graph.GraphSource, "_request"),
    "graph-events": (graph, "row_of"),
    "redaction": (night, "redact"),
    "rules": (redact, "people_of"),
    "staging": (nightly.Staging, "add"),
    "merge": (nightly, "merge_day"),
    "lake": (lake.Lake, "replace"),
    "retention": (night, "retain"),
    "checks": (assets, "check_night"),
    "publish": (night, "publish"),
    "sql": (engine.Engine, "run"),
}
LAYERS: Final = tuple(RAISING)
KILLED: Final = "killed"
LEAK: Final = "leak"
ELSEWHERE: Final = "elsewhere.txt"
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_NO_DISKS: Final = ("/dev/null", "/dev/tty", "/proc/")


def choke(*arguments: Any, **_: Any) -> NoReturn:
    """Raise as libraries do: an error that quotes values, chained to its cause."""
    struck()
    value = " ".join([os.environ[TEXT], *_texts(arguments)])
    try:
        int(value)
    except ValueError as error:
        raise RuntimeError(f"cannot handle {value}") from error
    raise AssertionError


def leak(items: Sequence[RawItem], *rest: Any) -> Any:
    """Redact as asked, and leak the items everywhere that a careless change could."""
    struck()
    careless.tell(" ".join(_texts([items])), Path(os.environ[FOLDER]))
    return redact.redact(items, *rest)


def hang(*_: Any, **__: Any) -> NoReturn:
    """Wait to be killed, once the rows are staged."""
    struck()
    while True:
        time.sleep(1)


def struck() -> None:
    """Leave a mark, so that a layer that was never reached is noticed."""
    Path(os.environ[FOLDER], f"struck-{os.environ[LAYER]}").touch()


def _texts(arguments: Iterable[Any]) -> list[str]:
    """Return the texts of raw items among the arguments."""
    found: list[str] = []
    for each in arguments:
        if isinstance(each, RawItem):
            found += _texts(each.invitees or ())
        elif isinstance(each, RawInvitee):
            found += [each.address or "", each.legacy_dn or ""]
        elif isinstance(each, Sequence) and not isinstance(each, str | bytes):
            found += _texts(each[:10])
    return found


def watch(folder: Path) -> None:
    """Record every file that Python opens for writing outside the searched folder."""
    inside = os.path.realpath(folder)
    ours = (inside + os.sep, *_NO_DISKS)

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        is_written = event == "sqlite3.connect" or (event == "open" and arguments[2] & _WRITES)
        if not is_written or isinstance(arguments[0], int):
            return
        path = os.path.realpath(os.fsdecode(arguments[0]))
        if not path.startswith(ours):
            with Path(inside, ELSEWHERE).open("a") as file:
                file.write(f"{path}\n")

    sys.addaudithook(note)


def _arm(layer: str) -> None:
    folder = Path(os.environ[FOLDER])
    watch(folder)
    logging.basicConfig(filename=folder / "debug.log", level=logging.DEBUG, force=True)
    if layer == KILLED:
        # Write each room's rows to disk at once, as a large night does.
        setattr(nightly.Staging.__init__, "__defaults__", (1,))  # noqa: B010 - as below
        setattr(night, "apply_night", hang)  # noqa: B010 - as below
    elif layer == LEAK:
        setattr(night, "redact", leak)  # noqa: B010 - as below
        careless.store_addresses()
    elif layer:
        target, name = RAISING[layer]
        setattr(target, name, choke)


def eu_night() -> dg.JobDefinition:
    """Return the job as Dagster loads it, from ``pipelines.definitions``."""
    from pipelines.definitions import defs

    return defs().resolve_job_def("eu_night")


def execute(first: str, last: str) -> int:
    """Run the job under the multiprocess executor, on the instance of DAGSTER_HOME."""
    with open_instance(Path(os.environ["DAGSTER_HOME"])) as instance:
        result = dg.execute_job(
            dg.reconstructable(eu_night),
            instance=instance,
            tags={RANGE_START_TAG: first, RANGE_END_TAG: last},
            raise_on_error=False,
        )
    return 0 if result.success else 1


def main() -> None:
    """Run ``job FIRST LAST``, or the command line with the arguments given."""
    if sys.argv[1] == "job":
        sys.exit(execute(*sys.argv[2:4]))
    cli.main(sys.argv[1:])


if LAYER in os.environ:
    _arm(os.environ[LAYER])
