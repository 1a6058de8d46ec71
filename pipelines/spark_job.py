"""The script that a Spark service runs: ``insights publish --engine spark`` with its arguments.

``spark-submit spark_job.py --region EU --config insights.yaml``, a Spark job definition in Fabric or
a Python script task in Databricks run it, each in its own Spark session. See ``docs/spark.md``.
"""

import sys

from pipelines.cli import main

if __name__ == "__main__":
    main(["publish", "--engine", "spark", *sys.argv[1:]])
