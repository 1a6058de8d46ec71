"""The script that a Spark service runs: ``insights publish --engine spark`` with its arguments.

A Spark job definition in Fabric, a Python script task in Databricks or this command runs it:
``spark-submit job.py --region EU --config insights.yaml``. The service provides the Spark
session. See ``docs/spark.md``.
"""

import sys

from pipelines.cli import main

if __name__ == "__main__":
    main(["publish", "--engine", "spark", *sys.argv[1:]])
