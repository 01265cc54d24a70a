import random

import pytest

from qcrs.model.processor import ProcessorStatus
from tests.evm import refused

from .conftest import DRAWS, OWN, STEPS, asked, candidates, seeds


def too_few(found, required=1, qubits=1):
    return refused("TooFewEligibleProcessors", noiseClass=1, qubits=qubits, required=required, found=found)


def reckon(field, seed, count, qubits):
    """Return whom the rule draws, and who leaves the index, by a second writing of the rule."""
    lists = [p for level in range(qubits.bit_length() - 1, 8) for p in field.listed(level)]
    drawn, lapsed, organisations = [], [], {OWN}
    for processor, chance in candidates(seed, lists):
        if len(drawn) == count:
            break
        s = field.standing(processor)
        if s["draining"] or s["expiresAt"] <= field.chain.now:
            if processor not in lapsed and len(lapsed) < 16:
                lapsed.append(processor)
            continue
        conduct = [s[name] for name in ("accepted", "outliers", "silent", "refused", "failed")]
        weight = field.contract.weightOf(*conduct)
        free = s["qubits"] - s["leasedQubits"] - s["heldQubits"]
        if free >= qubits and s["organisation"] not in organisations and weight > chance:
            drawn.append(processor)
            organisations.add(s["organisation"])
    return drawn, lapsed


def test_draw_follows_the_rule(field_):
    """Random fields, with some that cannot work, some of one organisation, some with faults, some that are full."""
    rng = random.Random("draw")
    for processor in range(1, 61):
        qubits = rng.choice([1, 2, 3, 7, 20, 64, 255])
        field_.put(
            processor,
            qubits=qubits,
            leasedQubits=rng.randrange(qubits),
            organisation=rng.choice([OWN, 1, 2, *range(100, 130)]),
            draining=rng.random() < 0.15,
            outliers=rng.randrange(5),
            accepted=rng.randrange(20),
        )
    for number, seed in enumerate(seeds(60)):
        count, qubits = 1 + number % 5, 1 + number % 9
        drawn, lapsed = reckon(field_, seed, count, qubits)
        with field_.chain.undone():
            before = {p: field_.standing(p)["leasedQubits"] for p in drawn}
            assert field_.draw(seed, count, asked(qubits=qubits)) == drawn
            assert [p for p in lapsed if field_.standing(p)["entry"]] == []
            assert {p: field_.standing(p)["leasedQubits"] - leased for p, leased in before.items()} == dict.fromkeys(
                drawn, qubits
            )
            field_.require_exact()


def test_draw_again_and_again_keeps_the_index_exact(field_):
    for processor in range(1, 25):
        field_.put(processor, qubits=1 + processor * 7)
    served = 0
    for number, seed in enumerate(seeds(40)):
        qubits = 1 + number % 17
        if len(reckon(field_, seed, 3, qubits)[0]) < 3:
            continue
        field_.draw(seed, 3, asked(qubits=qubits))
        served += 1
        field_.require_exact()
        for processor in range(1, 25):
            s = field_.standing(processor)
            free = s["qubits"] - s["leasedQubits"]
            assert (s["entry"] >> 20) == free.bit_length()
    assert served > 20


def test_draw_finds_the_only_one_among_many_that_do_not_fit(field_):
    """The scan reaches every place of an index of up to MAX_STEPS, whatever the draws found."""
    for processor in range(1, STEPS + 1):
        field_.put(processor, organisation=OWN if processor != 77 else 5)
    for seed in seeds(12):
        assert field_.peek(seed) == [77]


def test_draw_that_scans_takes_whoever_fits_whatever_its_weight(field_):
    """Otherwise a computation could wait for a processor that is there."""
    for processor in range(1, 101):
        field_.put(processor, organisation=OWN)
    field_.put(101, failed=65_535)
    for seed in seeds(12):
        assert field_.peek(seed) == [101]


def test_draw_gives_up_beyond_its_steps(field_):
    """A limit of gas: in an index larger than MAX_STEPS a single fit may be missed, and another beacon finds it."""
    size = DRAWS + 2 * STEPS
    for processor in range(1, size):
        field_.put(processor, organisation=OWN)
    field_.put(size)
    everyone = list(range(1, size + 1))
    verdicts = {}
    for seed in seeds(40):
        verdicts[seed] = size in (processor for processor, _ in candidates(seed, everyone))
        if verdicts[seed]:
            assert field_.peek(seed) == [size]
        else:
            with too_few(found=0):
                field_.draw(seed)
    assert set(verdicts.values()) == {True, False}


def test_draw_looks_only_at_lists_that_can_fit(field_):
    """However many are too full, they cost no step."""
    for processor in range(1, 301):
        field_.put(processor, qubits=7)
    field_.put(301, qubits=8)
    for seed in seeds(5):
        assert field_.peek(seed, word=asked(qubits=8)) == [301]


def test_draw_passes_over_who_has_too_few_free_in_the_lowest_list(field_):
    field_.put(1, qubits=4)
    field_.put(2, qubits=7)
    for seed in seeds(8):
        assert field_.peek(seed, word=asked(qubits=6)) == [2]


def test_draw_counts_promised_qubits_as_taken(field_):
    field_.put(1, qubits=20, heldQubits=13, leasedQubits=5)
    with too_few(found=0, qubits=3):
        field_.draw(bytes(32), word=asked(qubits=3))
    assert field_.draw(bytes(32), word=asked(qubits=2)) == [1]
    assert field_.standing(1)["entry"] == 0


@pytest.mark.parametrize(
    "changes",
    [
        {"status": ProcessorStatus.Suspended},
        {"bonded": False},
        {"draining": True},
        {"expiresAt": 1},
        {"lastBeatAt": 0},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_draw_takes_out_who_cannot_work(field_, changes):
    field_.put(1, **changes)
    field_.put(2)
    meeting = next(seed for seed in seeds(50) if next(candidates(seed, [1, 2]))[0] == 1)
    passing = next(seed for seed in seeds(50) if next(candidates(seed, [1, 2]))[0] == 2)
    with field_.chain.undone():
        assert field_.draw(passing, since=1) == [2]
        assert field_.standing(1)["entry"] != 0, "it was not met"
    assert field_.draw(meeting, since=1) == [2]
    assert field_.standing(1)["entry"] == 0


def test_draw_takes_out_sixteen_at_most(field_):
    for processor in range(1, 41):
        field_.put(processor, draining=True)
    field_.put(41)
    gone = []
    for seed in seeds(4):
        before = [p for p in range(1, 41) if field_.standing(p)["entry"]]
        with field_.chain.undone():
            field_.draw(seed)
            gone.append(len(before) - sum(field_.standing(p)["entry"] != 0 for p in before))
    assert max(gone) == 16


def test_draw_that_finds_too_few_changes_nothing(field_):
    for processor in range(1, 4):
        field_.put(processor)
    field_.put(4, draining=True)
    with too_few(found=3, required=4):
        field_.draw(bytes(32), count=4)
    assert field_.standing(4)["entry"] != 0
    assert [field_.standing(p)["leasedQubits"] for p in range(1, 5)] == [0] * 4


def test_draw_passes_over_the_tried_and_the_organisations_on_duty(field_):
    for processor in range(1, 6):
        field_.put(processor, organisation=1 if processor < 3 else processor)
    for seed in seeds(10):
        assert sorted(field_.peek(seed, count=2, tried=[1, 4], on_duty=[1])) == [3, 5]
        with too_few(found=2, required=3):
            field_.draw(seed, count=3, tried=[1, 4], on_duty=[1])


def test_draw_from_an_empty_index_reverts(field_):
    with too_few(found=0):
        field_.draw(bytes(32))


def test_draw_is_told_by_the_seed_alone(field_):
    """Neither the block nor the caller is in it."""
    for processor in range(1, 21):
        field_.put(processor)
    seed = seeds(1)[0]
    drawn = field_.peek(seed, count=5)
    with field_.chain.undone():
        field_.chain.advance(12_345)
        assert field_.peek(seed, count=5) == drawn
    assert any(field_.peek(other, count=5) != drawn for other in seeds(3, "others"))
