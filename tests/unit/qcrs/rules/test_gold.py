import random
from dataclasses import FrozenInstanceError

import pytest

from qcrs.rules import gold
from qcrs.rules.commitment import of_secret, secret_chain
from qcrs.rules.digest import abi_digest, keccak
from qcrs.rules.gold import Answer, AnswerUnsound, GoldListUnsound, Opening, RoundKind

UNIT = gold.EXPECTATION_UNIT
TRAP = Answer(((0, 1), (3, 1)), UNIT, UNIT // 2)  # of two qubits, half of the outcomes are possible


def leaves_of(rounds):
    return [gold.leaf_of(r, RoundKind(r % 3), keccak(bytes([r])) if r % 3 else gold.NO_ANSWER) for r in range(rounds)]


def opening(**changes):
    fields = {"gold_root": keccak(b"root"), "rounds": 84, "gold_tolerance": 3, "trap_tolerance": 1, "blind": bytes(32)}
    return Opening(**{**fields, **changes})


# --- the list ---


def test_leaf_is_the_digest_of_round_kind_and_answer():
    digest = keccak(b"answer")
    assert gold.leaf_of(7, RoundKind.Trap, digest) == abi_digest(["uint256"] * 3, [7, 2, int.from_bytes(digest, "big")])
    assert gold.leaf_of(7, RoundKind.Target) == abi_digest(["uint256"] * 3, [7, 0, 0])


def test_root_of_three_lets_the_odd_leaf_rise():
    a, b, c = leaves_of(3)
    assert gold.gold_root([a, b, c]) == keccak(b"\x01" + keccak(b"\x01" + a + b) + c)


@pytest.mark.parametrize("rounds", [1, 2, 3, 5, 8, 33, 84])
def test_proof_of_each_leaf_leads_to_the_root(rounds):
    leaves = leaves_of(rounds)
    root = gold.gold_root(leaves)
    for at, leaf in enumerate(leaves):
        assert gold.root_from_proof(leaf, at, rounds, gold.gold_proof(leaves, at)) == root


def test_proof_serves_no_other_leaf_round_or_number_of_rounds():
    leaves = leaves_of(11)
    root, proof = gold.gold_root(leaves), gold.gold_proof(leaves, 4)
    assert gold.root_from_proof(leaves[5], 4, 11, proof) != root
    assert gold.root_from_proof(leaves[4], 5, 11, proof) != root
    assert gold.root_from_proof(leaves[4], 4, 11, proof[:-1]) is None
    assert gold.root_from_proof(leaves[4], 4, 11, [*proof, bytes(32)]) is None
    assert gold.root_from_proof(leaves[4], 4, 5, proof) is None
    assert gold.root_from_proof(leaves[4], 11, 11, proof) is None


def test_list_needs_a_round_and_a_proof_one_that_exists():
    with pytest.raises(GoldListUnsound):
        gold.gold_root([])
    for absent in (-1, 3):
        with pytest.raises(GoldListUnsound, match="among 3"):
            gold.gold_proof(leaves_of(3), absent)


def test_last_secret_binds_everything_that_is_opened():
    secrets = {
        opening(**change).last_secret
        for change in (
            {},
            {"gold_root": bytes(32)},
            {"rounds": 85},
            {"gold_tolerance": 4},
            {"trap_tolerance": 0},
            {"blind": keccak(b"blind")},
        )
    }
    assert len(secrets) == 6
    assert {len(secret) for secret in secrets} == {24}
    chain = secret_chain(opening().last_secret, 3)
    assert of_secret(of_secret(opening().last_secret)) == chain[0]


@pytest.mark.parametrize(
    "change",
    [
        {"rounds": 1},
        {"rounds": 65_536},
        {"gold_tolerance": -1},
        {"trap_tolerance": 65_536},
        {"blind": bytes(31)},
        {"gold_root": b""},
    ],
)
def test_opening_out_of_range_is_refused(change):
    with pytest.raises(GoldListUnsound):
        opening(**change)


def test_round_bits_number_all_rounds():
    assert [gold.round_bits(rounds) for rounds in (2, 3, 4, 5, 84, 128, 129)] == [1, 2, 2, 3, 7, 7, 8]


# --- answers ---


def test_answer_packs_eight_bytes_an_entry_and_unpacks_again():
    entries = ((1, 2), (0x01020304, 0xFFFFFFFF))
    assert gold.pack_answer(entries).hex() == "000000010000000201020304ffffffff"
    assert gold.unpack_answer(gold.pack_answer(entries)) == entries
    answer = Answer(entries, 2**20, 5)
    assert answer.packed == gold.pack_answer(entries)
    assert answer.digest == abi_digest(["uint256", "uint256", "bytes32"], [2**20, 5, keccak(answer.packed)])


def test_answer_is_frozen():
    with pytest.raises(FrozenInstanceError):
        TRAP.ideal = 0


@pytest.mark.parametrize(
    ("entries", "ideal", "uniform"),
    [
        (((3, 1), (0, 1)), UNIT, 0),
        (((3, 1), (3, 1)), UNIT, 0),
        (((-1, 1),), UNIT, 0),
        (((2**32, 1),), UNIT, 0),
        (((0, 2**32),), UNIT, 0),
        (((0, -1),), UNIT, 0),
        (tuple((x, 1) for x in range(1_025)), UNIT, 0),
        (((0, 1),), UNIT, UNIT - gold.MIN_CONTRAST + 1),
        (((0, 1),), 0, UNIT),
        (((0, 1),), 2**48, 0),
        (((0, 1),), UNIT, -1),
    ],
)
def test_unsound_answer_is_refused(entries, ideal, uniform):
    with pytest.raises(AnswerUnsound):
        Answer(entries, ideal, uniform)


def test_largest_answer_is_taken():
    answer = Answer(tuple((x, 2**32 - 1) for x in range(2**32 - 1_024, 2**32)), 2**48 - 1, 2**48 - 1 - 2**15)
    assert gold.unpack_answer(answer.packed) == answer.entries


@pytest.mark.parametrize("packed", [bytes(7), bytes(16), bytes(8 * 1_025)])
def test_bytes_that_no_answer_packs_to_are_refused(packed):
    with pytest.raises(AnswerUnsound):
        gold.unpack_answer(packed)


# --- scores ---


def test_perfect_counts_have_a_fidelity_of_one_and_noise_of_none():
    assert gold.score({0: 41, 3: 41}, 82, TRAP) == (True, 10_000)
    assert gold.score({0: 20, 1: 21, 2: 20, 3: 21}, 82, TRAP) == (False, 0)
    assert gold.score({1: 41, 2: 41}, 82, TRAP) == (False, -10_000)


def test_round_passes_from_a_fidelity_of_three_tenths():
    # Of 100 shots 65 are possible: (65 - 50) / 50 = 0.3.
    assert gold.score({0: 65, 1: 35}, 100, TRAP) == (True, 3_000)
    assert gold.score({0: 64, 1: 36}, 100, TRAP) == (False, 2_800)


def test_fidelity_is_rounded_towards_zero():
    assert gold.score({0: 2, 1: 1}, 3, TRAP) == (True, 3_333)
    assert gold.score({0: 1, 1: 2}, 3, TRAP) == (False, -3_333)


@pytest.mark.parametrize("counts", [{0: 81}, {0: 83}, {}])
def test_another_total_of_shots_fails(counts):
    assert gold.score(counts, 82, TRAP) == (False, 0)


def test_cross_entropy_estimates_the_share_of_exact_shots():
    rng = random.Random(5)
    weights = [rng.expovariate(1) for _ in range(64)]
    exact = [w / sum(weights) for w in weights]
    entries = tuple((x, round(2**20 * p)) for x, p in enumerate(exact))
    ideal = round(UNIT * sum(p * w for p, (_, w) in zip(exact, entries, strict=True)))
    answer = Answer(entries, ideal, round(UNIT * sum(w for _, w in entries) / 64))
    shots = 20_000
    counts = dict.fromkeys(range(64), 0)
    for x in rng.choices(range(64), exact, k=shots * 6 // 10) + rng.choices(range(64), k=shots * 4 // 10):
        counts[x] += 1
    passes, fidelity = gold.score(counts, shots, answer)
    assert passes
    assert abs(fidelity - 6_000) < 500


def test_counts_of_a_round_are_those_with_its_prefix():
    counts = {0b00_01: 3, 0b01_00: 5, 0b01_11: 7, 0b10_11: 9}
    assert gold.counts_of_round(counts, 1, 2) == {0: 5, 3: 7}
    assert gold.counts_of_round(counts, 3, 2) == {}


def test_covering_run_takes_a_neighbour_on_either_side():
    counts = {0b00_01: 3, 0b01_00: 5, 0b01_11: 7, 0b10_11: 9}
    assert gold.covering_run(counts, 0, 2) == (0, 2)
    assert gold.covering_run(counts, 1, 2) == (0, 4)
    assert gold.covering_run(counts, 2, 2) == (2, 2)
    assert gold.covering_run(counts, 3, 2) == (3, 1)
    assert gold.covering_run({0b00_01: 3, 0b10_00: 4}, 1, 2) == (0, 2)
