import random
from collections import Counter
from itertools import permutations

import pytest
from eth_hash.auto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from qcrs.rules.processor_index import (
    FULL_WEIGHT,
    LEAST_WEIGHT,
    LEVELS,
    MAX_DRAWS,
    MAX_LAPSED,
    MAX_STEPS,
    Demand,
    Processor,
    ProcessorIndex,
    TooFewEligibleProcessors,
    candidates,
    hash_of,
    level_of,
    spares,
    weight_of,
)

SEED = keccak(b"seed")


def fleet(*qubits, organisations=None):
    return [Processor(i, i if organisations is None else organisations[i], q) for i, q in enumerate(qubits)]


def quick(source):
    return lambda seed, draw: source.getrandbits(160)


def check(index, processors):
    """Each listed processor is where it says, in one list alone: that of what it has free."""
    entries = [entry for entries in index.lists for entry in entries]
    assert len(set(entries)) == len(entries) == sum(p.listed > 0 for p in processors)
    for level, listed in enumerate(index.lists):
        for place, processor in enumerate(listed):
            assert (processor.listed, processor.place) == (level + 1, place)
            assert processor.entry == (level + 1 << 20) + place
            assert 2**level <= processor.free < 2 ** (level + 1)


# --- weights ---


@pytest.mark.parametrize(
    ("conduct", "expected"),
    [
        ((0, 0, 0, 0, 0), 100),
        ((10**6, 0, 0, 0, 0), 100),
        ((0, 1, 0, 0, 0), 75),
        ((4, 0, 1, 0, 0), 83),
        ((4, 0, 0, 1, 0), 83),
        ((0, 0, 0, 0, 1), 60),
        ((0, 99, 99, 99, 99), 50),
    ],
)
def test_weight_of_conduct(conduct, expected):
    assert weight_of(*conduct) == expected


@given(st.tuples(*[st.integers(0, 2**32)] * 5))
def test_weight_is_within_its_limits(conduct):
    assert LEAST_WEIGHT <= weight_of(*conduct) <= FULL_WEIGHT


# --- the lists ---


@pytest.mark.parametrize(("free", "level"), [(1, 0), (2, 1), (3, 1), (4, 2), (127, 6), (128, 7), (255, 7)])
def test_level_is_the_base_two_logarithm(free, level):
    assert level_of(free) == level < LEVELS


def test_processor_without_free_qubits_is_in_no_list():
    processor = Processor(1, 1, 5, leased=3, held=4)
    assert processor.free == 0
    check(ProcessorIndex([processor]), [processor])
    assert processor.listed == 0


def test_last_entry_fills_the_gap_of_one_that_leaves():
    processors = fleet(4, 4, 4, 4)
    index = ProcessorIndex(processors)
    index.remove(processors[1])
    assert [p.id for p in index.lists[2]] == [0, 3, 2]
    index.remove(processors[1])
    index.remove(processors[2])
    assert [p.id for p in index.lists[2]] == [0, 3]
    assert processors[2].entry == 0
    check(index, processors)


def test_lapsed_leave_first_then_each_that_was_drawn_is_moved():
    processors = fleet(4, 4, 4, 4, 4)
    index = ProcessorIndex(processors)
    index.lease([processors[0], processors[3]], 1, lapsed=[processors[1]])
    assert [p.id for p in index.lists[2]] == [2, 4]
    assert [p.id for p in index.lists[1]] == [0, 3]
    check(index, processors)


def test_who_keeps_its_level_keeps_its_place():
    processors = fleet(7, 7)
    index = ProcessorIndex(processors)
    index.lease(processors[:1], 3)
    assert [p.id for p in index.lists[2]] == [0, 1]
    index.release(processors[0], 3)
    assert [p.id for p in index.lists[2]] == [0, 1]


def test_end_of_a_lease_puts_the_processor_where_it_belongs():
    (processor,) = processors = fleet(8)
    index = ProcessorIndex(processors)
    index.lease(processors, 5)
    index.lease(processors, 3)
    assert processor.listed == 0
    index.release(processor, 3)
    assert (processor.free, processor.listed) == (3, 2)
    index.release(processor, 5)
    assert (processor.free, processor.listed) == (8, 4)
    check(index, processors)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_lists_stay_sound_whatever_is_drawn_and_released(seed):
    source = random.Random(seed)
    processors = [
        Processor(i, source.randrange(9), source.choice((5, 16, 127)), source.choice((50, 100))) for i in range(40)
    ]
    index, leases = ProcessorIndex(processors), []
    for _ in range(80):
        qubits, most = source.choice((1, 2, 5, 40)), source.choice((0, 0, 30))
        demand = Demand(qubits, 3, {0}, most=most, least=min(most, 7), is_lapsed=lambda p: p.id % 13 == 1)
        before = [(p.leased, p.listed, p.place) for p in processors]
        try:
            drawn = index.draw(SEED, demand, quick(source))
        except TooFewEligibleProcessors:
            assert before == [(p.leased, p.listed, p.place) for p in processors]
            drawn = []
        organisations = [p.organisation for p in drawn]
        assert len(set(organisations)) == len(organisations)
        assert 0 not in organisations
        assert all(p.leased <= p.qubits and p.id % 13 != 1 for p in drawn)
        leases += [(p, qubits) for p in drawn]
        while leases and source.random() < 0.6:
            index.release(*leases.pop(source.randrange(len(leases))))
        index.relist(source.choice(processors))
        check(index, processors)


# --- draws ---


def test_draw_passes_over_whoever_does_not_qualify():
    processors = fleet(5, 5, 5, 5, 5, 5, 5, organisations=[1, 2, 3, 4, 5, 5, 6])
    processors[6].leased = 1
    demand = Demand(5, 2, {1}, {1}, is_wanted=lambda p: p.id != 2)
    drawn = ProcessorIndex(processors).draw(SEED, demand)
    assert {p.organisation for p in drawn} == {4, 5}


def test_too_few_are_told_and_change_nothing():
    processors = fleet(5, 5, 5)
    index = ProcessorIndex(processors)
    with pytest.raises(TooFewEligibleProcessors) as caught:
        index.draw(SEED, Demand(5, 3, {0}, is_lapsed=lambda p: p.id == 1))
    assert (caught.value.required, caught.value.found, caught.value.drawn) == (3, 1, MAX_DRAWS + 3)
    assert [(p.leased, p.listed) for p in processors] == [(0, 3)] * 3


def test_no_list_is_long_enough_when_all_are_empty():
    with pytest.raises(TooFewEligibleProcessors) as caught:
        ProcessorIndex(fleet(5)).draw(SEED, Demand(8, 1))
    assert caught.value.drawn == 0


def test_nobody_is_drawn_when_nobody_is_needed():
    assert ProcessorIndex(fleet(5)).draw(SEED, Demand(5, 0)) == []


def test_draws_end_with_the_limit():
    organisations = [0] * (3 * MAX_STEPS)
    index = ProcessorIndex(fleet(*[5] * len(organisations), organisations=organisations))
    with pytest.raises(TooFewEligibleProcessors) as caught:
        index.draw(SEED, Demand(5, 2))
    assert (caught.value.found, caught.value.drawn) == (1, MAX_DRAWS + MAX_STEPS)


def test_lapsed_are_taken_out_as_far_as_one_draw_may():
    processors = fleet(*[5] * (MAX_LAPSED + 5))
    index = ProcessorIndex(processors)
    index.draw(SEED, Demand(5, 1, is_lapsed=lambda p: p.id != 20))
    assert sum(p.listed == 0 for p in processors if p.id != 20) <= MAX_LAPSED
    check(index, processors)


def test_draw_is_what_the_hashes_say():
    """Position 2 of 4, twice in vain, then 1 with a chance that it does not have, and 0."""
    processors = fleet(5, 5, 5, 5)
    processors[1].weight = LEAST_WEIGHT
    numbers = [2, 2, 2, 1 | LEAST_WEIGHT << 128, 0]
    drawn = ProcessorIndex(processors).draw(SEED, Demand(5, 2), lambda seed, draw: numbers[draw])
    assert [p.id for p in drawn] == [2, 0]


def test_whoever_fits_is_taken_from_where_the_last_hash_pointed_when_chance_finds_too_few():
    processors = fleet(5, 5, 5, 5)
    for processor in processors:
        processor.weight = LEAST_WEIGHT
    drawn = ProcessorIndex(processors).draw(SEED, Demand(5, 3), lambda seed, draw: 99 << 128 | 2)
    assert [p.id for p in drawn] == [2, 3, 0]


def test_candidates_are_those_of_the_contract():
    """As EVM words: the sum of a hash and a step wraps round."""
    everyone = list(candidates(SEED, 1_000))
    assert len(everyone) == MAX_DRAWS + MAX_STEPS
    first = int.from_bytes(keccak(SEED + bytes(32)), "big")
    assert hash_of(SEED, 0) == first
    assert everyone[0] == (first % 1_000, (first >> 128) % FULL_WEIGHT)
    last = hash_of(SEED, MAX_DRAWS - 1)
    assert everyone[MAX_DRAWS:] == [((last + step) % 1_000, 0) for step in range(MAX_STEPS)]
    highest = 2**256 - 1
    assert [position for position, _ in candidates(SEED, 7, lambda *_: highest)][MAX_DRAWS:] == [highest % 7, *range(6)]


def chi_square(counts, expected):
    return sum((counts[key] - value) ** 2 / value for key, value in expected.items())


def test_every_set_of_equals_is_equally_likely():
    """6,000 draws of an ordered pair of four: 12 of 500 each; 31.3 is exceeded once in a thousand."""
    source = random.Random(1)
    counts = Counter()
    for _ in range(6_000):
        drawn = ProcessorIndex(fleet(5, 17, 64, 127)).draw(SEED, Demand(5, 2), quick(source))
        counts[tuple(p.id for p in drawn)] += 1
    assert chi_square(counts, dict.fromkeys(permutations(range(4), 2), 500)) < 31.3


def test_chances_are_as_the_weights():
    """Draws of one of twenty, half of weight 50: each of the others is twice as likely; 43.8 is exceeded once in a
    thousand.
    """
    source = random.Random(2)
    counts = Counter()
    for _ in range(9_000):
        processors = fleet(*[5] * 20)
        for processor in processors[:10]:
            processor.weight = LEAST_WEIGHT
        counts[ProcessorIndex(processors).draw(SEED, Demand(5, 1), quick(source))[0].id] += 1
    expected = {i: 300 if i < 10 else 600 for i in range(20)}
    assert chi_square(counts, expected) < 43.8


# --- the guard of backfill ---


@given(
    st.integers(1, 127), st.integers(0, 127), st.integers(1, 127), st.lists(st.integers(1, 127), min_size=1, max_size=3)
)
def test_guard_never_takes_a_processor_that_fits_from_those_ahead(capacity, leased, qubits, ahead):
    processor = Processor(0, 0, capacity, leased=min(leased, capacity))
    if processor.free < qubits or not spares(processor, qubits, max(ahead), min(ahead)):
        return
    fitting = [size for size in ahead if size <= processor.free]
    able = [size for size in ahead if size <= capacity]
    processor.leased += qubits
    assert all(size <= processor.free for size in fitting)
    # Nor when every other lease has ended.
    assert all(size <= capacity - qubits for size in able)


def test_guard_holds_in_draws():
    processors = fleet(20, 40, 60, 10)
    demand = Demand(5, 2, most=50, least=30)
    drawn = ProcessorIndex(processors).draw(SEED, Demand(5, 3, most=50, least=30))
    assert {p.id for p in drawn} == {0, 2, 3}
    with pytest.raises(TooFewEligibleProcessors):
        ProcessorIndex(fleet(40, 54)).draw(SEED, demand)
