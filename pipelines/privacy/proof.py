"""The counts of the last privacy proof and attack: kept in the checkout, shown in the record.

Belongs here: where the results lie and what they hold.
Does not belong here: the proof and the attack themselves, which are tests (``tests/privacy``).
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, TypeVar

_ROOT: Final = Path(__file__).parents[2]
_PACKAGES: Final = ("pipelines", "transforms", "warehouse")


def code_version() -> str:
    """Return the version of this program; ``unknown`` where it is not installed."""
    try:
        return version("room-insights")
    except PackageNotFoundError:
        return "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofResult:
    """What a proof planted, ran, searched and found: counts only.

    ``surprises`` are nights that did not go as they had to, so that they prove nothing.
    """

    proved_at: datetime
    code_version: str = field(default_factory=code_version)
    tokens: int
    places: int
    fields: int
    nights: int
    files: int
    bytes_searched: int
    findings: int
    surprises: int

    @property
    def is_proved(self) -> bool:
        """Whether something was planted and searched, every night went right, nothing was found."""
        return min(self.tokens, self.files) > 0 and self.findings == self.surprises == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackResult:
    """What the attacker on the statistics was tried on, and what it found: counts only.

    ``regions`` were tried, the largest with ``rooms`` rooms over ``nights`` nights; ``tried`` are
    the hidden counts and differences of totals that it tried to narrow, ``found`` those narrowed
    to less than the minimum group allows.
    """

    proved_at: datetime
    code_version: str = field(default_factory=code_version)
    regions: int
    rooms: int
    nights: int
    tried: int
    found: int

    @property
    def is_proved(self) -> bool:
        """Whether the attacker tried anything, and found nothing."""
        return self.tried > 0 == self.found


_Result = TypeVar("_Result", ProofResult, AttackResult)
RESULT_FILES: Final[Mapping[type, Path]] = {
    ProofResult: _ROOT / ".privacy-proof.json",
    AttackResult: _ROOT / ".statistics-attack.json",
}


def write_result(result: ProofResult | AttackResult, path: Path | None = None) -> None:
    """Keep the result of a proof or an attack."""
    values = asdict(result) | {"proved_at": result.proved_at.isoformat()}
    file = path or RESULT_FILES[type(result)]
    file.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def read_result(kind: type[_Result], path: Path | None = None) -> _Result | None:
    """Return the last result of a kind; None if there is none that can be read."""
    try:
        values = json.loads((path or RESULT_FILES[kind]).read_text(encoding="utf-8"))
        return kind(**values | {"proved_at": datetime.fromisoformat(values["proved_at"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_outdated(result: ProofResult | AttackResult) -> bool:
    """Return whether a file of the program is younger than the proof of it."""
    files = (path for name in _PACKAGES for path in (_ROOT / name).rglob("*.[ps][yq]*"))
    latest = max(path.stat().st_mtime for path in files if path.suffix in {".py", ".sql"})
    return datetime.fromtimestamp(latest, UTC) > result.proved_at
