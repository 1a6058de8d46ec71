"""Print the job that Dagster's K8sRunLauncher would create for a night with given chart values.

``deployments.py`` runs it in ``.venv-deploy``, which has dagster-k8s; it contacts no cluster.
"""

import json
import sys
from pathlib import Path

import kubernetes
import yaml
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import (
    DagsterK8sJobConfig,
    UserDefinedDagsterK8sConfig,
    construct_dagster_k8s_job,
)

# Spelled as the chart's template passes them to Dagster.
_SECTIONS = {
    "containerConfig": "container_config",
    "podSpecConfig": "pod_spec_config",
    "jobSpecConfig": "job_spec_config",
}

given = yaml.safe_load(Path(sys.argv[1]).read_text())
launcher, location = given["launcher"], given["location"]
of_launcher = K8sContainerContext(
    image_pull_policy=launcher["imagePullPolicy"],
    security_context=launcher["securityContext"],
    run_k8s_config=UserDefinedDagsterK8sConfig.from_dict(
        {_SECTIONS[name]: section for name, section in launcher["runK8sConfig"].items()}
    ),
)
of_location = K8sContainerContext.create_from_config(
    {
        "k8s": {
            "env": location["env"],
            "env_secrets": [each["name"] for each in location["envSecrets"]],
            "volumes": location["volumes"],
            "volume_mounts": location["volumeMounts"],
            "resources": location["resources"],
        }
    }
)
context = of_launcher.merge(of_location)
job = construct_dagster_k8s_job(
    job_config=DagsterK8sJobConfig(
        job_image=sys.argv[2],
        dagster_home="/opt/dagster/dagster_home",
        instance_config_map="dagster-instance",
    ),
    args=["dagster", "api", "execute_run"],
    job_name="night",
    user_defined_k8s_config=context.run_k8s_config,
)
print(json.dumps(kubernetes.client.ApiClient().sanitize_for_serialization(job)))
