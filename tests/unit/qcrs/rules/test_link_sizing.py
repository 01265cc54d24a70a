import random
from math import comb

import pytest

from qcrs.rules import link_sizing, link_test
from qcrs.rules.link_sizing import DETECTION_PPM, FALSE_ALARM_PPM, MAX_PAIRS, TestTooLarge

FIDELITY = 970_000
# Share of eavesdropping, ppm: tested pairs of the published table; ours are the fewest of all, so no more than these.
TABLE = {1_000_000: 47, 500_000: 120, 250_000: 345, 100_000: 1_534, 50_000: 5_129}


def exceeding(tested, rate, allowed):
    """The textbook's sum, in floating point."""
    return 1 - sum(comb(tested, k) * rate**k * (1 - rate) ** (tested - k) for k in range(allowed + 1))


@pytest.mark.parametrize("share", TABLE)
def test_the_table_of_tested_pairs(share):
    tested, _ = link_sizing.tested_pairs_for(FIDELITY, share)
    assert 0.97 * TABLE[share] < tested <= TABLE[share]


def test_the_first_three_rows_are_the_published_ones():
    assert [link_sizing.tested_pairs_for(FIDELITY, share)[0] for share in list(TABLE)[:3]] == [47, 120, 345]


@pytest.mark.parametrize("share", [1_000_000, 500_000, 250_000])
def test_size_is_the_fewest_by_the_textbook(share):
    tested, allowed = link_sizing.tested_pairs_for(FIDELITY, share)
    honest, tapped = 0.02, 0.02 + share / 10**6 * 0.24
    assert exceeding(tested, honest, allowed) <= 0.001 < exceeding(tested, honest, allowed - 1)
    assert exceeding(tested, tapped, allowed) >= 0.99
    for fewer in range(1, tested):
        most = next(k for k in range(fewer + 1) if exceeding(fewer, honest, k) <= 0.001)
        assert exceeding(fewer, tapped, most) < 0.99


@pytest.mark.parametrize("share", [1_000_000, 500_000, 250_000])
def test_a_channel_s_test_keeps_both_promises(share):
    size = link_sizing.size_for(FIDELITY, share)
    assert size.pairs % link_test.WORD_BITS == 0
    assert size.false_alarm_ppm <= FALSE_ALARM_PPM
    assert size.detection_ppm >= DETECTION_PPM
    smaller = link_sizing.failure_ppm(size.pairs, link_sizing.honest_error_ppm(FIDELITY), size.error_ppm - 100)
    assert smaller > FALSE_ALARM_PPM, "the allowance is the least"


def test_the_rule_fails_as_often_as_is_said():
    """Played with the rule that the contract has: honest pairs, and pairs of which a quarter is intercepted."""
    size, rng = link_sizing.size_for(FIDELITY, 250_000), random.Random("link tests")
    for rate, expected in ((0.02, size.false_alarm_ppm), (0.08, size.detection_ppm)):
        plays, failed = 3_000, 0
        for _ in range(plays):
            tested = rng.getrandbits(size.pairs).bit_count()
            errors = sum(rng.random() < rate for _ in range(tested))
            failed += not link_test.is_passed(errors, tested, size.error_ppm)
        spread = (plays * expected * (10**6 - expected)) ** 0.5 / 10**6
        assert abs(failed - plays * expected / 10**6) <= 5 * spread + 1


def test_what_no_channel_can_detect_is_refused():
    with pytest.raises(TestTooLarge, match="10000 ppm"):
        link_sizing.tested_pairs_for(FIDELITY, 10_000)
    with pytest.raises(TestTooLarge, match=str(MAX_PAIRS)):
        link_sizing.size_for(FIDELITY, 50_000)


def test_rates_are_rounded_against_the_test():
    assert link_sizing.honest_error_ppm(970_000) == 20_000
    assert link_sizing.honest_error_ppm(999_999) == 1
    assert link_sizing.tapped_error_ppm(970_000, 1_000_000) == 260_000


@pytest.mark.parametrize(("fidelity", "share"), [(970_000, 0), (250_000, 500_000), (0, 1_000_000)])
def test_an_eavesdropper_that_adds_no_errors_is_not_looked_for(fidelity, share):
    """Such a test was sized that honest pairs failed almost always."""
    with pytest.raises(TestTooLarge, match="adds no errors to find"):
        link_sizing.size_for(fidelity, share)
