"""One joint state, operation by operation."""

import numpy
import pytest

from qcrs.quantum.distribution.swapping import swapped
from qcrs.quantum.entanglement.errors import HeraldFailed, TooManyQubits
from qcrs.quantum.entanglement.live import Joint
from qcrs.quantum.entanglement.order import weave
from qcrs.quantum.entanglement.pairs import LocalNoise, purify, werner
from tests.entangled import fibre, fragment, gate, ghz, measure, relayed, reset, teledata

NOTHING = (gate("t", 0), gate("tdg", 0))


def shots(fragments, where, count, noises=None, seed=1):
    """Return outcome bits of *count* shots."""
    joint = Joint(
        [each.qubits for each in fragments], [each.bits for each in fragments], where,
        noises or [LocalNoise()] * len(fragments), seed,
    )  # fmt: skip
    steps, rows = weave(fragments), []
    for _ in range(count):
        while not counts(joint, steps):
            joint.restart()
        rows.append([joint.bit(each.member, bit) for each in fragments for bit, _ in each.outputs])
        joint.restart()
    return numpy.array(rows), joint


def counts(joint, steps):
    """Carry out a shot, and return whether it counts."""
    try:
        for step in steps:
            joint.apply(step)
    except HeraldFailed:
        return False
    return True


@pytest.mark.parametrize("extra", [(), NOTHING])
def test_perfect_ghz_is_never_wrong(extra):
    rows, joint = shots(ghz(4, extra=extra), fibre(), 200)
    assert set(rows.sum(axis=1)) == {0, 4}
    assert joint.pairs == 600


@pytest.mark.parametrize("extra", [(), NOTHING])
def test_noisy_pairs_err_as_often_as_they_say(extra):
    """Member k differs from member 0 when its pair has an X or Y: 2 (1 - F) / 3."""
    count = 1500
    rows, _ = shots(ghz(2, extra=extra), fibre(0.85), count)
    assert (rows[:, 0] != rows[:, 1]).mean() == pytest.approx(0.1, abs=5 * (0.09 / count) ** 0.5)


@pytest.mark.parametrize("extra", [(), NOTHING])
def test_swapped_pairs_are_purified_end_to_end(extra):
    """The ends of the pair that is kept differ when it has an X or Y."""
    count, hop = 1500, werner(0.88)
    plan = purify(swapped(hop, hop), 1)
    fragments = relayed("ZZ", 1)
    first = fragments[0].model_copy(update={"instructions": (*extra, *fragments[0].instructions)})
    rows, joint = shots([first, *fragments[1:]], fibre(0.88), count)
    wrong = plan.pair.x + plan.pair.y
    assert (rows[:, 0] != rows[:, 1]).mean() == pytest.approx(wrong, abs=3 * (wrong * (1 - wrong) / count) ** 0.5)
    begun = joint.pairs / 4
    spread = 3 * (count * (1 - plan.success)) ** 0.5 / plan.success
    assert begun == pytest.approx(count / plan.success, abs=spread)


def test_a_state_survives_the_first_gate_that_is_not_clifford():
    there = [gate("h", 0), gate("cx", 0, 1), gate("s", 0), gate("sx", 1)]
    back = [gate("sxdg", 1), gate("sdg", 0), gate("cx", 0, 1), gate("h", 0)]
    steps = [*there, *NOTHING, *back, gate("x", 2), measure(0, 0), measure(1, 1), measure(2, 2)]
    rows, _ = shots([fragment(0, 3, 3, steps, ((0, 0), (1, 1), (2, 2)))], fibre(), 50, seed=3)
    assert set(map(tuple, rows.tolist())) == {(0, 0, 1)}


def test_rotations_have_the_chance_of_their_angle():
    count = 2000
    steps = [gate("ry", 0, angles=(2 * numpy.arcsin(0.6),)), measure(0, 0)]
    rows, _ = shots([fragment(0, 1, 1, steps, ((0, 0),))], fibre(), count)
    assert rows.mean() == pytest.approx(0.36, abs=5 * (0.24 / count) ** 0.5)


@pytest.mark.parametrize("extra", [(), NOTHING])
def test_local_noise_and_readout(extra):
    count = 2000
    steps = [*extra, gate("cx", 0, 1), measure(0, 0)]
    noise = LocalNoise(two_qubit_ppm=300_000, readout_ppm=0)
    rows, _ = shots([fragment(0, 2, 1, steps, ((0, 0),))], fibre(), count, [noise])
    assert rows.mean() == pytest.approx(0.3 * 8 / 15, abs=5 * (0.14 / count) ** 0.5)
    rows, _ = shots(
        [fragment(0, 1, 1, [*extra, measure(0, 0)], ((0, 0),))], fibre(), count, [LocalNoise(readout_ppm=10**5)]
    )
    assert rows.mean() == pytest.approx(0.1, abs=5 * (0.09 / count) ** 0.5)


@pytest.mark.parametrize("extra", [(), NOTHING])
def test_reset_gives_zero(extra):
    rows, _ = shots([fragment(0, 1, 1, [*extra, gate("h", 0), reset(0), measure(0, 0)], ((0, 0),))], fibre(), 50)
    assert not rows.any()


def test_teleportation_moves_the_state():
    rows, _ = shots(teledata("ZZ"), fibre(), 100)
    assert (rows[:, 0] == rows[:, 1]).all()


def test_too_many_qubits_for_amplitudes_are_refused():
    with pytest.raises(TooManyQubits, match="17 qubits and a gate t"):
        shots([fragment(0, 17, 1, [gate("t", 0)])], fibre(), 1)
