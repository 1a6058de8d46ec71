"""The parts of the record of processing that are the same wherever the program runs.

Belongs here: categories and columns of data from the contract, the wording, the technical
measures and what shows each. Does not belong here: what a region's configuration and storage
say (``privacy/report.py``).
"""

from collections.abc import Iterable, Sequence
from typing import Final

from pipelines.privacy.page import Section, Table
from pipelines.privacy.proof_result import ProofResult
from transforms.contract import LAKE, TABLES, Region
from transforms.origins import LAKE_NATURES, ORIGINS, TABLE_NATURES, Origin

_USUAL_GROUP: Final = 5


def categories() -> Section:
    """Return what the rows of each table are."""
    natures = [
        *(("lake", name, LAKE_NATURES[name]) for name in LAKE),
        *(("database", name, TABLE_NATURES[name]) for name in TABLES),
    ]
    rows = [(layer, name, each.nature, each.reason) for layer, name, each in natures]
    return Section(
        "Categories of data by layer", [Table(("Layer", "Table", "Nature", "Why"), rows)]
    )


def columns() -> Section:
    """Return every column with its origin and nature."""
    alike: dict[Origin, list[str]] = {}
    for name, origin in ORIGINS.items():
        alike.setdefault(origin, []).append(name)
    rows = [
        (
            ", ".join(names),
            ", ".join(_places_of(names)),
            ", ".join(origin.fields) or "-",
            origin.nature,
            origin.reason,
        )
        for origin, names in alike.items()
    ]
    return Section(
        "Every column that is stored",
        [
            "No other column can be written: lake and database refuse any that is not here.",
            Table(("Columns", "In", "Made of (Exchange)", "Nature", "Why"), rows),
        ],
    )


def _places_of(columns: Sequence[str]) -> list[str]:
    """Return the tables of lake and database that have any of the columns."""
    in_lake = [f"lake {name}" for name in LAKE if {*columns} & {*LAKE[name].names}]
    return [*in_lake, *(name for name in TABLES if {*columns} & {*TABLES[name].names})]


def wording() -> Section:
    """Return why rows are pseudonymous, and why nothing is hashed."""
    return Section(
        "Pseudonymous, not anonymous; removed, not hashed",
        [
            (
                "A row of a single booking names nobody, but its room and start time lead back to "
                "the meeting as long as Exchange holds it. Such rows are pseudonymous personal "
                "data, however little they hold, and stay in their region. Only aggregates in "
                "which small groups are suppressed are called anonymous, and only where they are "
                "given without the rows that they were made of."
            ),
            (
                "Names and addresses are not hashed. A company's directory is a short, known list: "
                "whoever has it can put every entry through the same function and compare. With a "
                "secret key, whoever has the key can. A hash would be a pseudonym that follows a "
                "person through all years; what is not stored cannot be turned back."
            ),
        ],
    )


def limits_of_groups(minimum_group: int) -> Sequence[str]:
    """Return what the minimum group does not do: who has rows, or several nights, needs no cell."""
    small = (
        f"minimum_group IS {minimum_group}, LESS THAN THE {_USUAL_GROUP} THAT ARE USUAL: do not "
        "call these tables anonymous without an assessment of your own."
    )
    return (
        *([small] if minimum_group < _USUAL_GROUP else []),
        (
            "What is left out is not secret from whoever may read the table bookings: it holds "
            "the single bookings of meeting rooms, from which any cell can be counted anew. "
            "Give people who are to see only statistics the tables booking_mix and size_fit (each "
            "is a Parquet file of its own), not the database."
        ),
        (
            "Cells of a week that is not over grow from night to night, and a group of personal "
            "rooms changes when a room joins or leaves the directory: whoever has the databases of "
            "both nights (versions holds the last ones, keep_versions says how many) can now and "
            "then infer from the difference what one alone hides."
        ),
    )


def measures(proof: ProofResult | None, *, is_outdated: bool = False) -> Section:
    """Return the technical measures, and what the last proof found."""
    return Section(
        "Technical measures, and how each is shown",
        [
            Table(
                ("Measure", "Shown by"),
                [*_MEASURES, ("Nothing personal on disk", _proved(proof, is_outdated))],
            )
        ],
    )


_MEASURES: Final = (
    ("Rows are built from named fields; nothing is copied and then dropped", "make test"),
    ("Raw items stay in memory, print no values and refuse to be serialized", "make test"),
    (
        "Errors and logs carry codes, never texts of Exchange; its libraries' loggers are off",
        "make test",
    ),
    ("Lake and database refuse any other column, and words outside the vocabularies", "make test"),
    ("No hashing anywhere in the code", "make lint"),
    ("A room of another region is refused by settings, source, lake and database", "make test"),
    ("TLS is always verified; secrets come from environment variables only", "make test"),
    (
        "Files 0640, folders 0750, databases 0440; links planted in the lake are not followed",
        "the table above; make test",
    ),
    ("A mailbox outside the scope is denied", "insights check (scope_probe)"),
)


def _proved(proof: ProofResult | None, is_outdated: bool) -> str:
    if proof is None:
        return "NOT PROVED on this installation: make privacy-proof"
    verdict = "proved" if proof.is_proved else "NOT PROVED"
    since = "; THE PROGRAM HAS CHANGED SINCE: prove it again" if is_outdated else ""
    return (
        f"{verdict} on {proof.proved_at:%Y-%m-%d} for {proof.code_version}: {proof.tokens:,} "
        f"tokens in {proof.places:,} places, {proof.nights} nights, {proof.files:,} files "
        f"searched, {proof.findings} found (make privacy-proof){since}"
    )


def rights(region: Region) -> Section:
    """Return what people may ask for, and the command or the way that answers."""
    commands: Iterable[tuple[str, str]] = (
        (
            "Erasure of a room's days",
            f"insights erase --region {region} --room ROOM --from D --to D",
        ),
        ("Erasure of everything before a day", f"insights erase --region {region} --before DATE"),
        ("Rectification", "in Exchange; the next night reads it again"),
        ("Access", "by room and time, which Exchange knows: no row can be found by a name"),
    )
    return Section(
        "Rights of the people concerned",
        [
            Table(("Right", "How"), list(commands)),
            "Extracts, backups and dashboards made elsewhere are outside of this record.",
        ],
    )
