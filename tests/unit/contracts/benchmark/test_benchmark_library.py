"""What the library of certification refuses, its twin refuses too; that they agree otherwise is in tests/mirror."""

import random
from itertools import islice

import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.rules import benchmark
from tests.evm import Chain, refused
from tests.mirror import benchmarks
from tests.scenario import account

CASES = {
    "heavyPasses": (benchmarks.heavy_cases, benchmark.heavy_passes),
    "polarisationPasses": (benchmarks.polarisation_cases, benchmark.polarisation_passes),
    "medianWithin": (benchmarks.median_cases, benchmark.median_within),
}
WIDE = 2**64


@pytest.fixture(scope="module")
def harness():
    return Chain().deploy("BenchmarkHarness", sender=account("deployer"))


def fits(arguments):
    """Whether the contract's types can hold the arguments at all."""
    numbers = [number for each in arguments for number in (each if isinstance(each, list) else [each])]
    return all(0 <= number < WIDE for number in numbers)


@pytest.mark.parametrize("function", CASES)
def test_both_sides_refuse_the_same(harness, function):
    cases, twin = CASES[function]
    answers = {True: 0, False: 0}
    for arguments in islice(filter(fits, cases(random.Random(function))), 1_000):
        expected = benchmarks.is_valid(twin, arguments)
        try:
            getattr(harness, function)(*arguments)
            actual = True
        except ContractRefused:
            actual = False
        assert actual is expected, arguments
        answers[expected] += 1
    assert min(answers.values()) > 50, answers


def test_refusals_name_what_is_wrong(harness):
    with refused("HeavyOutputsInvalid", heavy=4, shots=3, circuits=1):
        harness.heavyPasses(4, 3, 1)
    with refused("PolarisationInvalid", qubits=49, shots=0, thresholdPpm=0):
        harness.polarisationPower([1] * 50)
    with refused("PolarisationInvalid", qubits=1, shots=2, thresholdPpm=1_000_001):
        harness.polarisationPasses([1, 1], 1_000_001)
    with refused("MedianInvalid", scores=2, tolerancePpm=0):
        harness.medianWithin([1, 2], 0)
