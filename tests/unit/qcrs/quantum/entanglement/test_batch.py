"""Programs run for many shots, against closed forms."""

from functools import reduce

import numpy
import pytest

from qcrs.quantum.distribution.swapping import swapped
from qcrs.quantum.entanglement.batch import run
from qcrs.quantum.entanglement.clifford import NotClifford, clifford, compile_clifford
from qcrs.quantum.entanglement.dynamic import compile_dynamic, sampler
from qcrs.quantum.entanglement.errors import ProgramFailed, TooManyQubits
from qcrs.quantum.entanglement.pairs import Equipment, LocalNoise, purify, werner
from qcrs.quantum.entanglement.program import Program, raw_between
from qcrs.quantum.entanglement.seeds import derive
from qcrs.quantum.fragment import FragmentInvalid
from tests.entangled import (
    IDEAL,
    fibre,
    fidelity,
    fragment,
    gate,
    ghz,
    ghz_fidelity,
    herald,
    measure,
    outcomes,
    pair,
    receive,
    relayed,
    reset,
    send,
    teledata,
    telegate,
)

SHOTS = 20_000
# T and its inverse: nothing, except that the program is not Clifford any more.
NOTHING = (gate("t", 0), gate("tdg", 0))


def table(fragments, where=None, shots=SHOTS, seed=5, noises=()):
    outcome = run(Program(fragments, where or fibre(), noises), shots, seed)
    return outcomes(fragments, outcome.bits), outcome.engine


def alone(steps, qubits=2, bits=4, shots=SHOTS, noise=None, seed=5):
    """Run *steps* on a member that is alone, and return its bits."""
    fragments = [fragment(0, qubits, bits, steps, tuple((bit, bit) for bit in range(bits)))]
    return table(fragments, shots=shots, seed=seed, noises=(noise or LocalNoise(),))


@pytest.mark.parametrize("pair_fidelity", [1.0, 0.97, 0.9])
@pytest.mark.parametrize("build", [teledata, telegate])
def test_teleportation_has_the_fidelity_of_its_pair(build, pair_fidelity):
    found, error = fidelity(build, IDEAL[build], fibre(pair_fidelity), SHOTS, 1)
    assert found == pytest.approx(pair_fidelity, abs=5 * error + 1e-12)


@pytest.mark.parametrize("pair_fidelity", [1.0, 0.97, 0.9])
def test_ghz_has_its_closed_form(pair_fidelity):
    found, error = fidelity(lambda bases: ghz(4, bases), IDEAL[ghz], fibre(pair_fidelity), SHOTS, 2)
    assert found == pytest.approx(ghz_fidelity(4, pair_fidelity), abs=5 * error + 1e-12)


def test_purified_pairs_are_used():
    found, error = fidelity(lambda bases: teledata(bases, 2), IDEAL[teledata], fibre(0.9), SHOTS, 3)
    assert found == pytest.approx(purify(werner(0.9), 2)[0].none, abs=5 * error)
    program = Program(teledata(rounds=2), fibre(0.9))
    assert program.pairs == 1
    assert program.raw_pairs == pytest.approx(6.01, abs=0.01)


# Over more than one member the closed form has the far end correct, with its noise, once a hop.
@pytest.mark.parametrize(
    ("between", "noise"),
    [(1, LocalNoise()), (2, LocalNoise()), (1, LocalNoise(one_qubit_ppm=2_000, two_qubit_ppm=10_000))],
)
@pytest.mark.parametrize("rounds", [0, 1, 2])
def test_swapped_pairs_are_purified_end_to_end_as_their_closed_form_says(rounds, between, noise):
    hop = werner(0.94)
    plan = purify(reduce(lambda one, other: swapped(one, other, noise), [hop] * (between + 1)), rounds, noise)
    found, error = fidelity(
        lambda bases: relayed(bases, rounds, between=between), IDEAL[relayed], fibre(0.94), SHOTS, 20 + rounds,
        (noise,) * (between + 2),
    )  # fmt: skip
    # Turning the halves into the basis that is measured in has its noise too.
    read = 2 * noise.one_qubit_ppm / 1e6
    assert found == pytest.approx(plan.fidelity, abs=3 * error + read)
    begun = run(Program(relayed("ZZ", rounds, between=between), fibre(0.94), (noise,) * (between + 2)), SHOTS, 8).begun
    spread = 3 * (SHOTS * (1 - plan.success)) ** 0.5 / plan.success
    assert begun == pytest.approx(SHOTS / plan.success, abs=spread)


def test_hops_purified_by_their_links_are_purified_again_end_to_end():
    hop = purify(werner(0.9), 1)[0]
    plan = purify(swapped(hop, hop), 1)
    found, error = fidelity(lambda bases: relayed(bases, 1, before=1), IDEAL[relayed], fibre(0.9), SHOTS, 31)
    assert found == pytest.approx(plan.fidelity, abs=3 * error)
    fragments, each = relayed(rounds=1, before=1), 2 * fibre(0.9).raw_pairs(1)
    assert Program(fragments, fibre(0.9)).pairs == 4
    assert raw_between(fragments, fibre(0.9)) == pytest.approx({(0, 1): each, (1, 2): each})


@pytest.mark.parametrize("extra", [(), NOTHING])
def test_shots_of_which_a_herald_fails_do_not_count_on_either_engine(extra):
    first, second = (
        fragment(me, 1, 1, [gate("h", 0), *extra, measure(0, 0), herald(1 - me, 0)], ((0, me),)) for me in (0, 1)
    )
    outcome = run(Program([first, second], fibre()), 4_000, 6)
    bits = outcomes([first, second], outcome.bits)
    assert outcome.engine == ("aer" if extra else "stim")
    assert len(bits) == 4_000
    assert (bits[:, 0] == bits[:, 1]).all()
    assert bits[:, 0].mean() == pytest.approx(0.5, abs=5 * 0.5 / 4_000**0.5)
    assert outcome.begun == pytest.approx(8_000, abs=5 * (8_000) ** 0.5 * 2**0.5)


def test_heralds_that_fail_too_often_end_the_run():
    never = [
        fragment(0, 1, 1, [gate("x", 0), measure(0, 0), herald(1, 0)]),
        fragment(1, 1, 1, [measure(0, 0), herald(0, 0)]),
    ]
    with pytest.raises(ProgramFailed, match=r"640 shots begun, of which 0 count.*expected 10"):
        run(Program(never, fibre()), 10, 1)
    half = [fragment(me, 1, 1, [gate("h", 0), measure(0, 0), herald(1 - me, 0)]) for me in (0, 1)]
    with pytest.raises(ProgramFailed, match="1100 shots begun"):
        run(Program(half, fibre()), 1_000, 1, most_begun=1_100)


def test_eavesdropper_on_programs_breaks_half_of_the_fidelity():
    where = fibre(1.0).model_copy(update={"equipment": Equipment(intercept_ppm=1_000_000)})
    found, error = fidelity(teledata, IDEAL[teledata], where, SHOTS, 4)
    assert found == pytest.approx(0.5, abs=5 * error)


@pytest.mark.parametrize("extra", [(), NOTHING])
def test_perfect_ghz_is_never_wrong(extra):
    bits, engine = table(ghz(4, extra=extra), shots=2000)
    assert engine == ("aer" if extra else "stim")
    assert set(bits.sum(axis=1)) == {0, 4}


def test_engines_agree_on_noise():
    noises = tuple(LocalNoise(one_qubit_ppm=20_000, two_qubit_ppm=30_000, readout_ppm=10_000 * k) for k in range(3))
    counts = []
    for extra in ((gate("id", 0), gate("id", 0)), NOTHING):
        bits, _ = table(ghz(3, extra=extra), fibre(0.9), noises=noises)
        counts.append(numpy.bincount(bits @ [1, 2, 4], minlength=8) / SHOTS)
    bound = 5 * (2 * 0.25 / SHOTS) ** 0.5
    assert counts[0] == pytest.approx(counts[1], abs=bound)
    assert max(counts[0]) < 0.45  # noise there is


@pytest.mark.parametrize("engine", ["stim", "aer"])
def test_misread_bit_leaves_the_qubit_alone(engine):
    extra = NOTHING if engine == "aer" else ()
    bits, used = alone([*extra, measure(0, 0), measure(0, 1)], noise=LocalNoise(readout_ppm=100_000))
    assert used == engine
    bound = 5 * (0.1 * 0.9 / SHOTS) ** 0.5
    assert bits[:, :2].mean(axis=0) == pytest.approx([0.1, 0.1], abs=bound)
    # Two readings err independently: the first has not turned the qubit.
    assert (bits[:, 0] & bits[:, 1]).mean() == pytest.approx(0.01, abs=bound)


@pytest.mark.parametrize(("name", "qubits", "factor"), [("x", (0,), 2 / 3), ("cx", (1, 0), 8 / 15)])
def test_gate_noise_turns_as_many_bits_as_depolarising_does(name, qubits, factor):
    noise = LocalNoise(one_qubit_ppm=90_000, two_qubit_ppm=90_000)
    bits, _ = alone([gate(name, *qubits), measure(0, 0)], noise=noise)
    wrong = (bits[:, 0] != (name == "x")).mean()
    assert wrong == pytest.approx(0.09 * factor, abs=5 * (0.09 / SHOTS) ** 0.5)


@pytest.mark.parametrize("extra", [(), NOTHING])
def test_conditions_are_parities(extra):
    steps = [
        gate("h", 0), *extra, measure(0, 0), gate("h", 0), measure(0, 1), gate("x", 1, when=(0, 1, 2)), measure(1, 3),
    ]  # fmt: skip
    bits, _ = alone(steps, shots=2000)
    assert (bits[:, 3] == bits[:, 0] ^ bits[:, 1]).all()
    assert len({tuple(row) for row in bits[:, :2]}) == 4


def test_conditional_gates_that_are_no_paulis_fall_back():
    steps = [
        gate("h", 0),
        measure(0, 0),
        gate("cx", 0, 1),
        gate("h", 1, when=(0,)),
        gate("h", 1, when=(0,)),
        measure(1, 1),
    ]
    bits, engine = alone(steps, shots=2000)
    assert engine == "aer"
    assert (bits[:, 0] == bits[:, 1]).all()


def test_reset_and_unused_bits_are_zero():
    bits, _ = alone([gate("x", 0), reset(0), measure(0, 2)], shots=100)
    assert not bits.any()


def test_bits_that_are_sent_hold_what_was_sent():
    fragments = [
        fragment(0, 1, 1, [gate("x", 0), measure(0, 0), send(1, 0), reset(0), measure(0, 0)], ((0, 0),)),
        fragment(1, 1, 9, [receive(0, 8)], ((8, 1),)),
    ]
    bits, _ = table(fragments, shots=10)
    assert bits.tolist() == [[False, True]] * 10


def test_members_get_own_bits_only_packed_by_shot():
    outcome = run(Program(ghz(4), fibre()), 1000, 1)
    assert [(own.dtype, own.shape) for own in outcome.bits] == [(numpy.uint8, (1000, 1))] * 4


def test_pieces_of_a_run_do_not_repeat(monkeypatch):
    monkeypatch.setattr("qcrs.quantum.entanglement.batch.MAX_TABLE_BYTES", 4 * 256)
    bits, _ = alone([gate("h", 0), measure(0, 0), gate("h", 0), measure(0, 1), gate("h", 0), measure(0, 2)], shots=2048)
    pieces = bits[:, :3].reshape(-1, 256, 4 - 1)
    assert len({piece.tobytes() for piece in pieces}) == len(pieces)


def test_neighbouring_seeds_share_nothing():
    """Aer gives shot j at seed s what it gives shot j - 1 at seed s + 1."""
    fragments = [fragment(0, 1, 8, [s for bit in range(8) for s in (gate("h", 0), *NOTHING, measure(0, bit))])]
    program = Program(fragments, fibre())
    circuit, _ = compile_dynamic(program)
    draws = [sampler(program, circuit, seed) for seed in (7, 8)]
    rows = [numpy.concatenate([draw(256), draw(256)]) for draw in draws]
    same = (rows[0][1:] == rows[1][:-1]).all(axis=1).mean()
    within = (rows[0][1:257] == rows[0][256:]).all(axis=1).mean()
    assert max(same, within) < 0.05


def test_seeds_depend_on_purpose_and_on_where_parts_end():
    seeds = {derive("a", 1), derive("b", 1), derive("a", 2), derive("a", 1, 2), derive("a", 12), derive("a", b"1", "2")}
    assert len(seeds) == 5  # a number and its digits are one part
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_too_many_qubits_for_amplitudes_are_refused_and_stabilisers_are_not():
    wide = [fragment(0, 30, 1, [gate("t", 0)])]
    with pytest.raises(TooManyQubits, match="30 qubits"):
        run(Program(wide, fibre()), 1, 1)
    assert run(Program([fragment(0, 64, 1, [gate("s", 63)])], fibre()), 1, 1).engine == "stim"


def test_noise_is_given_for_each_member_or_for_none():
    with pytest.raises(FragmentInvalid, match="noise of 1 members, expected 2"):
        Program(teledata(), fibre(), (LocalNoise(),))


@pytest.mark.parametrize("turns", range(-4, 9))
@pytest.mark.parametrize("name", ["rx", "ry", "rz", "p", "cp"])
def test_quarter_turns_are_the_gates_that_qiskit_says(name, turns):
    import stim
    from qiskit.circuit.library import get_standard_gate_name_mapping
    from qiskit.quantum_info import Operator

    qubits = (0, 1) if name == "cp" else (0,)
    angle = turns * numpy.pi / (1 if name == "cp" else 2)
    expected = Operator(type(get_standard_gate_name_mapping()[name])(angle)).data
    targets = "0 1" if name == "cp" else "0"
    stated = clifford(gate(name, *qubits, angles=(angle,)))
    if stated == "I":
        found = numpy.eye(len(expected))
    else:
        found = stim.Circuit(f"{stated} {targets}").to_tableau().to_unitary_matrix(endian="little")
    overlap = abs(numpy.trace(found.conj().T @ expected)) / len(expected)
    assert overlap == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("instruction", [gate("t", 0), gate("rx", 0, angles=(0.1,)), gate("rzz", 0, 1, angles=(0.1,))])
def test_other_gates_are_not_clifford(instruction):
    with pytest.raises(NotClifford):
        compile_clifford(Program([fragment(0, 2, 0, [instruction])], fibre()))


def test_pair_takes_a_qubit_whatever_it_was():
    fragments = [
        fragment(0, 1, 1, [gate("x", 0), pair(0, 1), measure(0, 0)], ((0, 0),)),
        fragment(1, 1, 1, [gate("h", 0), pair(0, 0), measure(0, 0)], ((0, 1),)),
    ]
    bits, _ = table(fragments, shots=1000)
    assert (bits[:, 0] == bits[:, 1]).all()
    assert 0.4 < bits[:, 0].mean() < 0.6
