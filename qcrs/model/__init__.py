"""Identifiers, lifecycles and records: the Python twins of what the contracts keep."""
