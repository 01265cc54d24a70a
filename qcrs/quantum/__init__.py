"""The quantum side of QCRS: the only place that imports Qiskit and matplotlib.

Import the module you need; this package imports nothing by itself, so that a daemon's event loop
can use the Qiskit-free ones (``scan``, ``program``, ``sweep``, ``calibration``, ``client``, ``faults``)
without paying for, or being blocked by, a simulator.
"""
