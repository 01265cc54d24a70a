"""How many pairs a link test needs: exact binomial tails, in integers.

An intercept-resend eavesdropper on a share f of the pairs raises the rate of errors from q0 = 2 (1 - F) / 3, that of
pairs of fidelity F, to q0 + f (1/4 - q0 / 2). A test allows as many errors as honest pairs exceed once in a thousand
times at most; it is large enough when the eavesdropper exceeds them 99 times in a hundred.

Probabilities are fixed-point numbers. Each term is rounded down; what that adds up to is far below what is compared.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb, isqrt

from qcrs.errors import QcrsError
from qcrs.rules.link_test import PER_MILLION, WORD_BITS

MAX_PAIRS = 8192
FALSE_ALARM_PPM = 1_000
DETECTION_PPM = 990_000
_BITS = 1_200  # (1 - q)^n stays above 2^-1200 for all that are asked
_ONE = 1 << _BITS


class TestTooLarge(QcrsError):
    """More pairs are needed than one test can have; ask for a larger share to be detected."""

    __test__ = False  # no test of pytest's


@dataclass(frozen=True)
class Size:
    """A test.

    Attributes:
        pairs: That the link makes. error_ppm: Of a million tested, those on which the ends may disagree.
        false_alarm_ppm, detection_ppm: Of a million honest tests, and of those with the eavesdropper, how many fail.
    """

    pairs: int
    error_ppm: int
    false_alarm_ppm: int
    detection_ppm: int


def honest_error_ppm(fidelity_ppm: int) -> int:
    """Return the share of errors among pairs of a fidelity, rounded up."""
    return -(-2 * (PER_MILLION - fidelity_ppm) // 3)


def tapped_error_ppm(fidelity_ppm: int, share_ppm: int) -> int:
    """Return the same when an eavesdropper has a share of the pairs, rounded down."""
    honest = honest_error_ppm(fidelity_ppm)
    return honest + share_ppm * (PER_MILLION // 2 - honest) // (2 * PER_MILLION)


def tested_pairs_for(fidelity_ppm: int, share_ppm: int) -> tuple[int, int]:
    """Return the fewest tested pairs that detect a share of eavesdropping, and the errors that so many allow.

    Raises:
        TestTooLarge: No channel can have so many pairs.
    """
    honest, tapped = honest_error_ppm(fidelity_ppm), tapped_error_ppm(fidelity_ppm, share_ppm)
    none_honest = none_tapped = _ONE
    for tested in range(1, MAX_PAIRS + 1):
        none_honest = none_honest * (PER_MILLION - honest) // PER_MILLION
        none_tapped = none_tapped * (PER_MILLION - tapped) // PER_MILLION
        allowed = _allowed(none_honest, tested, honest)
        if _exceeds(none_tapped, tested, tapped, allowed) * PER_MILLION >= DETECTION_PPM * _ONE:
            return tested, allowed
    raise TestTooLarge(f"a share of {share_ppm} ppm needs more than {MAX_PAIRS} tested pairs")


def size_for(fidelity_ppm: int, share_ppm: int) -> Size:
    """Return the smallest test, as a channel asks for it, that detects a share of eavesdropping.

    Which pairs are tested is drawn, each with one chance in two, so both probabilities are over that draw, too.

    Raises:
        TestTooLarge: No channel can have so many pairs.
    """
    honest, tapped = honest_error_ppm(fidelity_ppm), tapped_error_ppm(fidelity_ppm, share_ppm)
    if tapped <= honest:
        raise TestTooLarge(f"a share of {share_ppm} ppm of pairs of fidelity {fidelity_ppm} ppm adds no errors to find")
    least, _ = tested_pairs_for(fidelity_ppm, share_ppm)
    start = -(-2 * least // WORD_BITS) * WORD_BITS
    for pairs in range(start, MAX_PAIRS + 1, WORD_BITS):
        error_ppm = _least_bearable(pairs, honest, tapped)
        detected = failure_ppm(pairs, tapped, error_ppm)
        if detected >= DETECTION_PPM:
            return Size(pairs, error_ppm, failure_ppm(pairs, honest, error_ppm), detected)
    raise TestTooLarge(f"a share of {share_ppm} ppm needs more than {MAX_PAIRS} pairs")


def failure_ppm(pairs: int, rate_ppm: int, error_ppm: int) -> int:
    """Return how many of a million tests of *pairs* fail whose tested pairs err at a rate, rounded."""
    spread = 5 * isqrt(pairs) // 2 + 1  # five standard deviations: less than one in a million lies outside
    weighed = total = 0
    for tested in range(max(1, pairs // 2 - spread), min(pairs, pairs // 2 + spread) + 1):
        weight = (comb(pairs, tested) << 64) >> pairs
        none = (PER_MILLION - rate_ppm) ** tested * _ONE // PER_MILLION**tested
        weighed += weight * _exceeds(none, tested, rate_ppm, error_ppm * tested // PER_MILLION)
        total += weight
    return (weighed * PER_MILLION // total + _ONE // 2) >> _BITS


def _least_bearable(pairs: int, honest: int, tapped: int) -> int:
    """Return the lowest allowance, to 100 ppm, at which honest pairs fail seldom enough."""
    low, high = honest // 100, tapped // 100 + 1
    while low < high:
        middle = (low + high) // 2
        if failure_ppm(pairs, honest, 100 * middle) <= FALSE_ALARM_PPM:
            high = middle
        else:
            low = middle + 1
    return 100 * low


def _allowed(none: int, tested: int, rate_ppm: int) -> int:
    """Return the fewest errors that are exceeded by chance FALSE_ALARM_PPM times in a million at most."""
    left, errors = _ONE, -1
    for term in _terms(none, tested, rate_ppm):
        if left * PER_MILLION <= FALSE_ALARM_PPM * _ONE:
            break
        left -= term
        errors += 1
    return errors


def _exceeds(none: int, tested: int, rate_ppm: int, allowed: int) -> int:
    """Return the chance that more than *allowed* of *tested* pairs err."""
    left = _ONE
    for errors, term in enumerate(_terms(none, tested, rate_ppm)):
        if errors > allowed:
            break
        left -= term
    return left


def _terms(none: int, tested: int, rate_ppm: int) -> Iterator[int]:
    """Yield the chances of 0, 1, 2 ... errors, of which the first is *none*."""
    right, term = PER_MILLION - rate_ppm, none
    for errors in range(tested + 1):
        yield term
        term = term * (tested - errors) * rate_ppm // ((errors + 1) * right)
