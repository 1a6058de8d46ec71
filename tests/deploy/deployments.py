"""The files of ``deploy/``, read by the tools that they are for.

Belongs here: rendering manifests, merging chart values, checking units.
Does not belong here: what a test expects of them.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
DEPLOY: Final = ROOT / "deploy"
TOOLS: Final = ROOT / ".venv-deploy/bin"
REGIONS: Final = ("eu", "na")


def manifests(region: str, folder: Path) -> str:
    """Return the output of ``kubectl kustomize`` for a region with a user's configuration."""
    copied = shutil.copytree(DEPLOY / "kubernetes", folder)
    for name in ("insights.yaml", f"rooms-{region}.csv"):
        (copied / region / name).write_text("as an operator writes it\n")
    command = ["kubectl", "kustomize", str(copied / region)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def chart_values(region: str) -> dict[str, Any]:
    """Return the values of Dagster's chart for a region: two files, merged as helm does."""
    common, own = (
        yaml.safe_load((DEPLOY / f"helm/{name}.yaml").read_text()) for name in ("values", region)
    )
    return _merged(common, own)


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    both = below | above
    for key in below.keys() & above.keys():
        if isinstance(below[key], dict) and isinstance(above[key], dict):
            both[key] = _merged(below[key], above[key])
    return both


def unit(folder: Path, name: str) -> Path:
    """Return a region's systemd unit, with the path of ``insights`` on this machine."""
    template = name.replace("@EU.", "@.")
    text = (DEPLOY / "systemd" / template).read_text()
    there = str(Path(sys.executable).with_name("insights"))
    (folder / name).write_text(text.replace("/opt/insights/bin/insights", there))
    return folder / name


def validated(manifest: str, folder: Path) -> tuple[int, str]:
    """Validate manifests against the schemas of Kubernetes; return exit code and output."""
    (folder / "manifest.yaml").write_text(manifest)
    command = [str(TOOLS / "kubernetes-validate"), "--strict", str(folder / "manifest.yaml")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def run_pod(values: dict[str, Any], folder: Path) -> str:
    """Return the job that Dagster's launcher, by its own code, makes of a night.

    Environment, volumes and resources come from the code location, as the chart passes them on.
    """
    launcher = values["runLauncher"]["config"]["k8sRunLauncher"]
    (location,) = values["dagster-user-deployments"]["deployments"]
    image = f"{location['image']['repository']}:{location['image']['tag']}"
    (folder / "night.yaml").write_text(yaml.safe_dump({"launcher": launcher, "location": location}))
    command = [
        str(TOOLS / "python"),
        str(Path(__file__).with_name("run_pod.py")),
        str(folder / "night.yaml"),
        image,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout
