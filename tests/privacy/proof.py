"""The privacy proof: ``python -m tests.privacy.proof``, one page for the data protection officer.

Belongs here: which nights run, the verdict, the page, and the counts that are kept.
Does not belong here: planting (``schemas.py``, ``hostile.py``), running (``nights.py``),
searching (``search.py``).

The counts go into ``.privacy-proof.json`` beside ``pyproject.toml``, where ``insights
privacy-report`` finds them. They hold no token and no path.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click

from pipelines.cli.record import ProofResult, write_result
from pipelines.sandbox.wire import CertificateAuthority
from tests.needs import schema_folder
from tests.privacy.attack import KILLED, LAYERS
from tests.privacy.book import EXCHANGE_MOODS, ROOM_MOODS, Book
from tests.privacy.hostile import HostileExchange
from tests.privacy.hostile_graph import GRAPH_MOODS, SIGN_IN_REFUSED
from tests.privacy.nights import Workspace
from tests.privacy.schemas import Schemas
from tests.privacy.search import Finding, findings_in, forms_of
from tests.privacy.tokens import PREFIX, Tokens

_FINDINGS_SHOWN: Final = 20
_MOODS: Final = {*ROOM_MOODS, *GRAPH_MOODS, *EXCHANGE_MOODS, SIGN_IN_REFUSED}


@dataclass
class Proof:
    """The parts of a proof: tokens, answers, nights and the time at which it began."""

    tokens: Tokens
    book: Book
    workspace: Workspace
    # The program may change while the nights run: the proof is of the version at the start.
    began_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def whole(self) -> None:
        """Run every night: good and partial ones, one for each layer that raises, one killed."""
        workspace = self.workspace
        workspace.configure(["good", "lying", "graph-good", "graph-lying"])
        workspace.run("", 0)
        workspace.run("", 0, is_dagster=True)
        for layer in LAYERS:
            # Only rooms that meet the layer: one that could still be read makes the night partial.
            workspace.configure(["graph-good" if layer.startswith("graph") else "good"])
            workspace.run(layer, 1, is_dagster=True)
        workspace.configure([*ROOM_MOODS, *GRAPH_MOODS], EXCHANGE_MOODS)
        workspace.run("", 3)
        workspace.run("", 0, is_dagster=True)
        workspace.kill()
        workspace.command(1, "check", "--json")
        self._commands()

    def _commands(self) -> None:
        """Run the other commands, on rooms that can be read."""
        workspace = self.workspace
        workspace.configure(["good", "lying", "graph-good", "graph-lying"])
        first, last = workspace.days
        region = ("--region", "EU")
        workspace.command(1, "compare-sources", *region, "--from", first, "--to", last)
        for name in ("publish", "report", "privacy-report"):
            workspace.command(0, name, *region)
        workspace.command(0, "erase", *region, "--room", "good")

    def brief(self) -> None:
        """Run a partial night, one that raises under Dagster, and one that is killed."""
        self.workspace.configure([*ROOM_MOODS, *GRAPH_MOODS], EXCHANGE_MOODS)
        self.workspace.run("", 3)
        self.workspace.run("redaction", 1, is_dagster=True)
        self.workspace.kill()

    def unserved(self) -> set[str]:
        """Return the moods that the server never used."""
        return _MOODS - self.book.served

    def findings(self) -> list[Finding]:
        """Search every byte that the nights wrote."""
        return findings_in(self.workspace.folder, [PREFIX])

    def result(self, findings: list[Finding]) -> ProofResult:
        """Return the counts that are kept."""
        files = [path for path in self.workspace.folder.rglob("*") if path.is_file()]
        return ProofResult(
            proved_at=self.began_at.replace(microsecond=0),
            tokens=sum(self.tokens.places().values()),
            places=len(self.tokens.places()),
            fields=len(self.book.fields),
            nights=len(self.workspace.nights),
            files=len(files),
            bytes_searched=sum(path.stat().st_size for path in files),
            findings=len(findings),
            surprises=len(self.workspace.surprises) + len(self.unserved()),
        )


@contextmanager
def prepared(folder: Path, schemas: Path) -> Iterator[Proof]:
    """Set up the hostile server and a workspace below a folder; certificates are outside it."""
    tokens = Tokens()
    subject = f"{tokens.new('certificate subject and name')}.example".lower()
    trusted = CertificateAuthority(folder / "trusted", (subject, "localhost"))
    foreign = CertificateAuthority(folder / "foreign", (subject, "localhost"))
    today = datetime.combine(datetime.now(UTC).date(), datetime.min.time(), UTC)
    book = Book(Schemas(schemas), tokens, today - timedelta(days=2) + timedelta(hours=9))
    book.prepare()
    with HostileExchange(book, trusted) as server, HostileExchange(book, foreign) as stranger:
        workspace = Workspace(folder / "workspace", server, stranger, trusted, tokens)
        yield Proof(tokens, book, workspace)


def is_search_sighted(folder: Path) -> bool:
    """Tell whether the search finds a token in every form in which it may be written."""
    forms = [PREFIX.encode(), *sorted(forms_of(PREFIX))]
    for number, form in enumerate(forms):
        (folder / f"{number}").write_bytes(b"before " + form + b" after")
    return len(findings_in(folder, [PREFIX])) == len(forms)


def page(proof: Proof, result: ProofResult, findings: list[Finding]) -> str:
    """Return the report: the nights, the findings and the verdict."""
    nights = proof.workspace.nights
    raised = [each for each in (*LAYERS, KILLED) if any(name.startswith(each) for name in nights)]
    at = f"{result.proved_at:%Y-%m-%d %H:%M} UTC"
    shown = [
        f"{each.file}: {proof.tokens.place_of(each.excerpt)}" for each in findings[:_FINDINGS_SHOWN]
    ]
    lines = [
        f"Privacy proof of room-insights {result.code_version}, {at}",
        "",
        f"Planted   {result.tokens:,} tokens in {result.places:,} places: {result.fields:,} fields",
        "          and attributes of EWS's schemas, Graph's events, ids, errors, SOAP faults, HTTP",
        "          headers, reason phrases, cookies, redirects, pages, certificate, account,",
        "          password, addresses of rooms",
        f"Served    {len(_MOODS & proof.book.served)} of {len(_MOODS)} ways to answer",
        f"Nights    {result.nights}, at log level DEBUG; command line and multiprocess executor;",
        f"          raising: {', '.join(raised)}",
        f"Commands  run, {', '.join(proof.workspace.commands)}",
        f"Searched  {result.files:,} files, {result.bytes_searched / 1e6:,.1f} MB, decompressed:",
        "          lake, databases, staging, DAGSTER_HOME, page, logs, output; in UTF-8, UTF-16,",
        "          base64, hexadecimal, URL-encoded; what Python writes elsewhere is noticed",
        f"Found     {result.findings} files with a token",
        *(f"          {line}" for line in shown),
        *(f"Surprise  {text}" for text in proof.workspace.surprises),
        *(f"Surprise  no night met the answer {mood}" for mood in sorted(proof.unserved())),
        "",
        f"Verdict   {'nothing personal on disk' if result.is_proved else 'NOT PROVED'}",
    ]
    return "\n".join(lines)


@click.command()
@click.option("--brief", is_flag=True, help="Three nights only; the result is not kept.")
@click.option("--keep", type=click.Path(path_type=Path), help="Leave what was written here.")
def main(brief: bool, keep: Path | None) -> None:
    """Plant tokens in every field of Exchange, run nights, search every byte."""
    schemas = schema_folder()
    if schemas is None:
        click.echo(
            "error: Exchange's schemas are not here: put types.xsd and messages.xsd, which every "
            "Exchange serves at /EWS/, into a folder and name it in EWS_SCHEMAS",
            err=True,
        )
        sys.exit(2)
    with tempfile.TemporaryDirectory(prefix="privacy-proof-") as temporary:
        folder = keep or Path(temporary)
        sighted = Path(temporary, "sighted")
        sighted.mkdir()
        if not is_search_sighted(sighted):
            click.echo("error: the search is blind; see tests/privacy/test_search.py", err=True)
            sys.exit(1)
        started = time.monotonic()
        with prepared(folder, schemas) as proof:
            proof.brief() if brief else proof.whole()
        findings = proof.findings()
        result = proof.result(findings)
        if not brief:
            write_result(result)
        click.echo(page(proof, result, findings))
        click.echo(f"Took      {time.monotonic() - started:.0f} s")
    sys.exit(0 if result.is_proved else 1)


if __name__ == "__main__":
    main()
