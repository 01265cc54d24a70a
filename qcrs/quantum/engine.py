"""The engine process: holds a device ready and runs each circuit in a forked child.

``python -m qcrs.quantum.engine --calibration FILE`` reads requests from standard input and writes
answers to standard output as frames (``qcrs.quantum.frames``), out of order, matched by ``id``.
It says ``{"ready": true}`` first, or ``{"failed": why}``, and ends when its input does.

The process itself never transpiles nor simulates: both start native threads, and a process with
threads must not fork. It therefore stays at one thread, and every answer comes from a child.
"""

import argparse
import gc
import importlib
import os
import selectors
import sys
import time
from collections import deque
from pathlib import Path

from qcrs.quantum.calibration import Calibration
from qcrs.quantum.errors import EngineFailed
from qcrs.quantum.frames import encode, take
from qcrs.quantum.request import RunRequest
from qcrs.quantum.sandbox import Child

# Bell's circuit on as few qubits as any device has: what the rehearsal runs.
_REHEARSAL = RunRequest(
    'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[1] q;\nbit[1] c;\nh q[0];\nc[0] = measure q[0];\n',
    shots=16,
    seed=0,
    qubits=1,
    outcome_bits=1,
)


class Engine:
    """Serves requests from *source* to *sink* with up to *workers* children at once."""

    def __init__(self, calibration: Calibration, source: int, sink: int, workers: int):
        # Native libraries read these once, at import; one thread each keeps children predictable.
        os.environ.update(dict.fromkeys(_THREADS, "1"), QISKIT_PARALLEL="FALSE")
        from qcrs.quantum.device import Device
        from qcrs.quantum.simulate import simulate

        self._simulate = simulate
        self._device = Device(calibration)
        self._source = source
        self._sink = sink
        self._workers = workers
        self._input = bytearray()
        self._waiting: deque[tuple[int, RunRequest, float]] = deque()
        self._running: dict[int, tuple[Child, int, float]] = {}
        self._selector = selectors.DefaultSelector()
