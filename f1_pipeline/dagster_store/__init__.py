"""Where Dagster keeps its history, and how it writes it: the classes that ``dagster.yaml`` names.

Everything here that touches a name with an underscore is private API of the pinned Dagster version
(see ``pyproject.toml``); the tests compare it with what Dagster itself writes, so an upgrade that
changes the ground under it fails there and not in somebody's history.
"""
