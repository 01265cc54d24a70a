import pytest
import stim

from qcrs.quantum.correction import code as module
from qcrs.quantum.correction.circuit import direct
from qcrs.quantum.correction.code import LEFT, RIGHT, Basis, Code
from qcrs.quantum.correction.memory import Memory
from qcrs.quantum.correction.noise import Noise


@pytest.mark.parametrize("distance", [3, 5, 7, 9])
def test_a_round_takes_a_pair_for_each_of_the_2d_minus_1_crossing_gates(distance: int) -> None:
    code = Code(distance)
    crossing = [gate for layer in range(4) for gate in code.layer(layer) if code.crosses(*gate)]
    assert len(crossing) == code.pairs_per_round == 2 * distance - 1
    on_the_cut = [check for check in code.checks if check.place[0] == code.cut]
    assert sorted(sum(data is not None for data in check.data) for check in on_the_cut) == [2] + [4] * (distance - 1)
    # Every crossing gate is one of a check on the cut: no other check has data on both sides.
    assert {place for gate in crossing for place in gate if place[0] % 2 == 0} <= {c.place for c in on_the_cut}


@pytest.mark.parametrize("distance", [3, 5, 7])
def test_every_qubit_is_someones_and_none_is_used_twice_in_a_layer(distance: int) -> None:
    code = Code(distance)
    assert len(code.data) == distance**2
    assert len(code.checks) == distance**2 - 1
    assert {code.member(place) for place in code.data} == {LEFT, RIGHT}
    for layer in range(4):
        used = [place for gate in code.layer(layer) for place in gate]
        assert len(used) == len(set(used))


@pytest.mark.parametrize("basis", list(Basis))
@pytest.mark.parametrize("distance", [3, 5])
def test_without_a_seam_the_circuit_has_the_errors_of_stims_own(
    distance: int, basis: Basis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.Code, "member", lambda _code, _place: LEFT)
    ours = direct(Memory(distance, 3, basis), Noise(0.001)).detector_error_model(flatten_loops=True)
    theirs = stim.Circuit.generated(
        f"surface_code:rotated_memory_{basis.lower()}", distance=distance, rounds=3,
        after_clifford_depolarization=0.001, before_round_data_depolarization=0.001,
        before_measure_flip_probability=0.001, after_reset_flip_probability=0.001,
    ).detector_error_model(flatten_loops=True)  # fmt: skip
    assert (ours.num_detectors, ours.num_observables) == (theirs.num_detectors, theirs.num_observables)
    rates = [sorted(e.args_copy()[0] for e in model if e.type == "error") for model in (ours, theirs)]
    assert rates[0] == pytest.approx(rates[1], rel=1e-9)


@pytest.mark.parametrize("basis", list(Basis))
@pytest.mark.parametrize("distance", [3, 5])
def test_fewer_errors_than_the_distance_are_never_taken_for_none(distance: int, basis: Basis) -> None:
    circuit = direct(Memory(distance, distance, basis), Noise(0.001))
    assert len(circuit.shortest_graphlike_error(ignore_ungraphlike_errors=True)) == distance


@pytest.mark.parametrize("distance", [1, 2, 4, 17])
def test_other_distances_are_refused(distance: int) -> None:
    with pytest.raises(ValueError, match="expected odd"):
        Code(distance)


@pytest.mark.parametrize("rounds", [0, 1_001])
def test_other_rounds_are_refused(rounds: int) -> None:
    with pytest.raises(ValueError, match="rounds"):
        Memory(3, rounds, Basis.Z)
