"""Quantum Computational Resource Sharing: contracts, daemons and a command line."""
