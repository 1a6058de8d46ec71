"""systemd, Kubernetes and pip accept the files of ``deploy/``, which keep regions apart."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.deployments import (
    DEPLOY,
    REGIONS,
    ROOT,
    TOOLS,
    chart_values,
    manifests,
    unit,
    validated,
)
from tests.needs import KUBECTL, KUBERNETES, SYSTEMD

needs_systemd = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason=SYSTEMD)
needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason=KUBECTL)
needs_schemas = pytest.mark.skipif(not (TOOLS / "kubernetes-validate").exists(), reason=KUBERNETES)
LOCKED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
NOBODY = {
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "runAsGroup": 10001,
    "fsGroup": 10001,
    "seccompProfile": {"type": "RuntimeDefault"},
}


def analyzed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, check=False
    )


@needs_systemd
def test_systemd_takes_the_units_as_they_are(tmp_path: Path) -> None:
    units = [str(unit(tmp_path, f"insights@EU.{kind}")) for kind in ("service", "timer")]
    verified = analyzed("verify", *units)
    assert (verified.returncode, verified.stdout + verified.stderr) == (0, "")


@needs_systemd
def test_the_service_is_shut_in(tmp_path: Path) -> None:
    service = unit(tmp_path, "insights@EU.service")
    judged = analyzed("security", "--offline=true", "--threshold=20", str(service))
    assert judged.returncode == 0, judged.stdout
    assert "Overall exposure level" in judged.stdout


def cron_job(region: str, folder: Path) -> dict[str, Any]:
    found = list(yaml.safe_load_all(manifests(region, folder)))
    assert [each["kind"] for each in found] == ["Namespace", "ConfigMap", "CronJob"]
    assert {each["metadata"].get("namespace") for each in found[1:]} == {f"room-insights-{region}"}
    job: dict[str, Any] = found[2]["spec"]
    return job


@needs_kubectl
@pytest.mark.parametrize("region", REGIONS)
def test_a_cron_job_runs_one_region_as_nobody_and_once(region: str, tmp_path: Path) -> None:
    job = cron_job(region, tmp_path / "kubernetes")
    assert (job["concurrencyPolicy"], job["jobTemplate"]["spec"]["backoffLimit"]) == ("Forbid", 0)
    pod = job["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["args"] == ["insights", "run", "--region", region.upper()]
    assert container["env"] == [{"name": "INSIGHTS_REGIONS", "value": region.upper()}]
    assert (container["securityContext"], pod["securityContext"]) == (LOCKED, NOBODY)
    assert pod["automountServiceAccountToken"] is False
    assert pod["nodeSelector"]["topology.kubernetes.io/region"].startswith(
        {"eu": "eu-", "na": "us-"}[region]
    )


@needs_kubectl
@needs_schemas
@pytest.mark.parametrize("region", REGIONS)
def test_kubernetes_takes_the_manifests(region: str, tmp_path: Path) -> None:
    code, said = validated(manifests(region, tmp_path / "kubernetes"), tmp_path)
    assert code == 0, said
    assert said.count("passed for resource") == 3


@pytest.mark.parametrize("region", REGIONS)
def test_the_chart_starts_a_pod_a_night_that_holds_one_region(region: str) -> None:
    values = chart_values(region)
    (location,) = values["dagster-user-deployments"]["deployments"]
    assert location["env"] == [{"name": "INSIGHTS_REGIONS", "value": region.upper()}]
    assert location["includeConfigInLaunchedRuns"] == {"enabled": True}
    assert (location["securityContext"], location["podSecurityContext"]) == (LOCKED, NOBODY)
    launcher = values["runLauncher"]
    assert launcher["type"] == "K8sRunLauncher"
    of_runs = launcher["config"]["k8sRunLauncher"]
    assert of_runs["securityContext"] == LOCKED
    assert of_runs["runK8sConfig"]["podSpecConfig"] == {
        "automountServiceAccountToken": False,
        "securityContext": NOBODY,
        "nodeSelector": location["nodeSelector"],
    }
    assert of_runs["runK8sConfig"]["jobSpecConfig"]["backoffLimit"] == 0
    assert values["computeLogManager"] == {"type": "NoOpComputeLogManager"}
    assert values["telemetry"] == {"enabled": False}
    postgres = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())["storage"]["postgres"]
    chosen = values["postgresql"]
    assert chosen["enabled"] is False
    assert chosen["postgresqlScheme"] == postgres["postgres_db"]["scheme"]
    assert chosen["postgresqlParams"] == postgres["postgres_db"]["params"]


@pytest.mark.parametrize("region", REGIONS)
def test_what_is_for_one_region_never_names_the_other(region: str) -> None:
    (other,) = set(REGIONS) - {region}
    own = [DEPLOY / f"helm/{region}.yaml", *(DEPLOY / f"kubernetes/{region}").iterdir()]
    for path in own:
        assert not re.search(rf"\b{other}\b", path.read_text(), re.IGNORECASE), path


def test_nothing_that_is_deployed_holds_a_secret_or_names_an_index() -> None:
    for path in DEPLOY.rglob("*"):
        if path.is_file() and path.suffix not in (".md", ".pyc"):
            text = path.read_text()
            assert not re.search(r"index[-_]url", text, re.IGNORECASE), path
            assert not re.search(r"^kind: Secret", text, re.MULTILINE), path
            assert not re.search(r"password: [^{\s]", text, re.IGNORECASE), path


def test_the_image_has_the_versions_that_the_tests_run_with() -> None:
    def pins(name: str) -> dict[str, str]:
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        return {line.partition("==")[0]: line for line in lines}

    image, tests = pins("deploy/requirements.txt"), pins("requirements-dev.txt")
    assert {name: image[name] for name in image.keys() & tests.keys()} == {
        name: tests[name] for name in image.keys() & tests.keys()
    }
    assert {"dagster-k8s", "dagster-postgres", "obstore", "psycopg2-binary"} <= image.keys()
    assert not image.keys() & {"faker", "pandas", "pytest", "dagster-webserver"}
    assert all("==" in line for line in image.values())


def test_the_image_is_made_of_what_the_build_may_see() -> None:
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    seen = {line[1:] for line in allowed if line.startswith("!")}
    text = (DEPLOY / "Containerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE)
    assert {name for names in copied for name in names.split()} == seen
    assert text.index("\nUSER 10001:10001\n") > text.rindex("\nRUN ")
