"""A failed, partial or missing night reaches a person: by webhook, by e-mail, once.

Belongs here: what an alert says and how it is sent (``channels.py``), that it is sent once and what
watches for it in Dagster (``notify.py``).
Does not belong here: the keys of ``insights.yaml`` (``settings``).
"""
