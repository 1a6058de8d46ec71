"""``insights demo``: two regions from a sandbox Exchange each, to their utilization.

Belongs here: starting the sandboxes, writing a configuration that reads them, showing the result.
Does not belong here: a night; the nights that run here are everybody's nights.
"""
