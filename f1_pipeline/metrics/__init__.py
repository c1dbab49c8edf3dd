"""What Prometheus is told about the pipeline: read from the tables, from Dagster's record and from the count of requests.

A process of its own, because nothing else lives as long: runs come and go, and the app knows no Dagster.
"""
