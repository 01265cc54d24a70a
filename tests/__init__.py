"""The tests; ``tests.evm`` and ``tests.scenario`` are what they share."""
