"""Writes what Superset imports: the checked-in folder, or a zip for one database.

``python -m warehouse.superset`` renews ``dashboard/`` beside this file;
``python -m warehouse.superset OUT.zip /srv/eu/insights-eu-statistics.duckdb`` makes a zip.
"""

import sys
from pathlib import Path
from zipfile import ZipFile

from warehouse.superset.layout import files

_FOLDER = Path(__file__).parent / "dashboard"


def main(arguments: list[str]) -> int:
    """Write the folder, or a zip whose database is the one named; return the exit code."""
    if not arguments:
        for name, text in files().items():
            path = _FOLDER / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return 0
    if len(arguments) != 2:
        sys.stderr.write("usage: python -m warehouse.superset [OUT.zip DATABASE]\n")
        return 2
    database = Path(arguments[1]).absolute()
    with ZipFile(arguments[0], "w") as archive:
        for name, text in files(f"duckdb:///{database}").items():
            archive.writestr(f"room_insights/{name}", text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
