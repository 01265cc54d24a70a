"""What all tests of the command line need."""

import signal

import pytest


@pytest.fixture(autouse=True)
def _signal_kept():
    """``main`` takes SIGTERM for itself: afterwards it is whose it was."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)
