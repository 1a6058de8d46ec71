"""The file that a Spark service runs: ``insights publish --engine spark`` with its arguments.

``spark-submit spark_job.py --region EU --config insights.yaml``, a Spark job definition of Fabric
or a Python script task of Databricks. The session is the service's own. See ``docs/spark.md``.
"""

import sys

from pipelines.cli import main

if __name__ == "__main__":
    main(["publish", "--engine", "spark", *sys.argv[1:]])
