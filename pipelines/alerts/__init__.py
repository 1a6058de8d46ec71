"""A failed, partial or missing night reaches a person: by webhook, by e-mail, once.

Belongs here: what is told (``message.py``), how it is sent (``channels.py``), that it is told
once (``telling.py``), and what watches for it in Dagster (``sensors.py``).
Does not belong here: the keys of ``insights.yaml`` (``settings/alerts.py``).
"""
