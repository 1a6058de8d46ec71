"""The counts of the last privacy proof: kept in the checkout, shown in the record of processing.

Belongs here: where the result lies and what it holds.
Does not belong here: the proof itself, which is a test (``tests/privacy``).
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

_ROOT: Final = Path(__file__).parents[2]
_PACKAGES: Final = ("pipelines", "transforms", "warehouse")
RESULT_FILE: Final = _ROOT / ".privacy-proof.json"


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


def write_result(result: ProofResult, path: Path = RESULT_FILE) -> None:
    """Keep the result of a proof."""
    values = asdict(result) | {"proved_at": result.proved_at.isoformat()}
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def read_result(path: Path = RESULT_FILE) -> ProofResult | None:
    """Return the result of the last proof; None if there is none that can be read."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return ProofResult(**values | {"proved_at": datetime.fromisoformat(values["proved_at"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_outdated(result: ProofResult) -> bool:
    """Tell whether a file of the program is younger than the proof of it."""
    files = (path for name in _PACKAGES for path in (_ROOT / name).rglob("*.[ps][yq]*"))
    latest = max(path.stat().st_mtime for path in files if path.suffix in {".py", ".sql"})
    return datetime.fromtimestamp(latest, UTC) > result.proved_at
