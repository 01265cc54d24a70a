"""Members' outcomes: files that read back as they were written, and the histogram that they make together."""

import random

import pytest

from qcrs.rules.outcomes import OutcomesInvalid, decode, encode, joint_counts, part

SHOTS = 19


def drawn(seed, indices, shots=SHOTS):
    chance = random.Random(seed)
    return {index: chance.getrandbits(shots).to_bytes(-(-shots // 8), "little") for index in indices}


@pytest.mark.parametrize("shots", [1, 7, 8, 9, SHOTS, 65_535])
def test_a_file_reads_back(shots):
    rows = drawn(shots, (5, 0, 63), shots)
    assert decode(encode(rows, shots), shots) == rows


def test_a_member_that_measures_nothing_has_a_file_too():
    assert decode(encode({}, SHOTS), SHOTS) == {}


def test_joint_counts_agree_with_reading_shot_by_shot():
    members = [drawn(1, (0, 3)), drawn(2, (1, 2, 4)), {}]
    expected = {}
    for shot in range(SHOTS):
        outcome = 0
        for rows in members:
            for index, row in rows.items():
                outcome |= (row[shot // 8] >> (shot % 8) & 1) << index
        expected[outcome] = expected.get(outcome, 0) + 1
    counts = joint_counts(members, SHOTS, 5)
    assert counts == expected
    assert sum(counts.values()) == SHOTS


@pytest.mark.parametrize("members", [[(0, 1)], [(0, 1), (1, 2)], [(0,), (2,)]], ids=["missing", "twice", "beyond"])
def test_each_outcome_bit_is_measured_once(members):
    with pytest.raises(OutcomesInvalid, match="each once"):
        joint_counts([drawn(0, indices) for indices in members], SHOTS, 3)


def test_another_number_of_shots_is_refused():
    with pytest.raises(OutcomesInvalid, match=r"expected .* of 20 shots"):
        decode(encode(drawn(0, (0,)), SHOTS), 20)


def test_a_bit_beyond_the_last_shot_is_refused():
    with pytest.raises(OutcomesInvalid, match="outcome bit 4"):
        encode({4: b"\xff\xff\xff"}, SHOTS)


def test_nothing_and_too_many_shots_are_refused():
    for shots in (0, 65_536):
        with pytest.raises(OutcomesInvalid, match="shots"):
            encode({0: b""}, shots)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content[:5],
        lambda content: content + b"\0",
        lambda content: b"x" + content[1:],
        lambda content: content[:14] + content[19:24] + content[14:19],
        lambda content: content[:19] + content[14:19],
    ],
    ids=["short", "long", "magic", "order", "twice"],
)
def test_a_file_that_encode_would_not_make_is_refused(spoil):
    content = encode(drawn(3, (1, 2)), SHOTS)
    with pytest.raises(OutcomesInvalid):
        decode(spoil(content), SHOTS)


def test_an_outcome_bit_that_no_outcome_can_have_is_refused():
    with pytest.raises(OutcomesInvalid, match="expected below 64"):
        encode(drawn(0, (64,)), SHOTS)


def test_parts_have_their_shots_and_make_up_the_whole():
    rows = drawn(4, (0, 1))
    parts = [part(rows, shots) for shots in (range(5), range(5, 6), range(6, SHOTS))]
    assert [len(each[0]) for each in parts] == [1, 1, 2]
    joined = joint_counts([rows], SHOTS, 2)
    apart = [joint_counts([each], shots, 2) for each, shots in zip(parts, (5, 1, SHOTS - 6), strict=True)]
    assert joined == {x: total for x in range(4) if (total := sum(counts.get(x, 0) for counts in apart))}
