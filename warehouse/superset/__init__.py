"""A dashboard for Apache Superset, in the layout that Superset imports.

Belongs here: ``dashboard/`` (the files to import: database, datasets, charts, one dashboard), which
``python -m warehouse.superset`` writes from ``charts.yaml`` and the contract, or zips for one
region's database.
Does not belong here: running Superset (``tests/superset``).
"""
