"""Snapshots of real devices, written by ``scripts/export_calibrations.py``."""
