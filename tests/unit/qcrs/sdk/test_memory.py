"""How a memory is planned, manned and refused, by what channels' tests found."""

import json
from types import SimpleNamespace

import pytest

from qcrs.model.channel import ChannelStatus
from qcrs.model.entanglement import Channel, ChannelTerms, Entanglement
from qcrs.quantum.correction.code import Basis
from qcrs.quantum.correction.errors import LogicalErrorUnreachable, SeamTooNoisy
from qcrs.quantum.correction.rate import infidelity_of_test
from qcrs.quantum.entanglement.pairs import LocalNoise
from qcrs.quantum.session_part import part_of
from qcrs.sdk import memory
from qcrs.sdk.crew import CrewUnavailable
from qcrs.sdk.memory import Ask, MemoryTooLarge, plan_memory
from qcrs.sdk.memory_crew import Scene, halves_of

TESTED = 750
GOOD = LocalNoise(one_qubit_ppm=100, two_qubit_ppm=1_000, readout_ppm=2_000)


def channel(number, ends, errors, capacity=10_000_000):
    terms = ChannelTerms(
        pairs=1536, error_ppm=0, fidelity_ppm=0, capacity=capacity, lifetime_seconds=1, window_seconds=1
    )
    return Channel(
        number, 1, ends, terms, {}, b"", 0, status=ChannelStatus.Open, tested=TESTED, errors_z=errors // 2,
        errors_x=errors - errors // 2,
    )  # fmt: skip


def scene(*channels, processors=6, free=30, device=GOOD, excluded=(), owners=None):
    known = Entanglement()
    known.channels = {one.channel: one for one in channels}
    candidates = [
        SimpleNamespace(
            processor=number, free=free, screened=False,
            standing=SimpleNamespace(organisation=(owners or {}).get(number, number)),
        )
        for number in range(1, processors + 1)
    ]  # fmt: skip
    market = SimpleNamespace(candidates=candidates, ready=lambda chosen, _qubits: chosen)
    devices = dict.fromkeys(range(1, processors + 1), device)
    return Scene(known, market, devices, {1: 1_000_000.0}, excluded)


@pytest.fixture(autouse=True)
def _few_samples(monkeypatch):
    monkeypatch.setattr(memory, "SAMPLES", 5_000)


def test_a_distance_is_planned_with_the_upper_end_and_decoded_with_the_likeliest():
    plan = plan_memory(scene(channel(1, (1, 2), 20), channel(2, (3, 4), 30)), Ask(1_000, distance=3, rounds=4))
    assert plan.crews[0].members == (1, 2)
    assert (plan.code.pairs_per_round, plan.code.raw_pairs, plan.raw_pairs) == (5, 20, 20_000)
    assert plan.crews[0].pairs == {1: 20}
    assert plan.phases == 6
    assert plan.seconds == pytest.approx(20_000 / 1e6)
    assert plan.infidelity == infidelity_of_test(20, TESTED)
    assert plan.code.purified.pair.infidelity == pytest.approx(plan.infidelity.high)
    # Readouts of 0.2 % at either end flipped some of what the test counted.
    assert sum(plan.job.pair_ppb) / 1e9 == pytest.approx((0.04 - 1.5 * 0.004) / (1 - 2 * 0.004), rel=0.01)
    assert plan.job.bulk_ppb == (100_000, 1_000_000, 2_000_000, 0, 0)
    assert plan.detections[0] < plan.detections[1]


def test_a_logical_error_is_kept_by_what_was_sampled():
    plan = plan_memory(scene(channel(1, (1, 2), 5), free=60), Ask(100, logical_error=0.02))
    assert plan.code.rounds == plan.job.distance
    assert plan.code.sampled.high < 0.5
    value = json.loads(json.dumps(plan.value()))
    assert value["ebitsPerRound"] == 2 * value["distance"] - 1


def test_a_logical_error_out_of_reach_is_refused_by_name():
    noisy = LocalNoise(one_qubit_ppm=2_000, two_qubit_ppm=20_000, readout_ppm=20_000)
    with pytest.raises(LogicalErrorUnreachable, match="within distance 3"):
        plan_memory(scene(channel(1, (1, 2), 20), device=noisy, free=27), Ask(100, logical_error=1e-4))


def test_a_channel_worse_than_a_seam_bears_is_purified_or_refused():
    plan = plan_memory(scene(channel(1, (1, 2), 60)), Ask(100, distance=3, rounds=1))
    assert plan.infidelity.high > 0.1
    assert plan.job.purification_rounds > 0
    assert plan.code.purified.pair.infidelity <= 0.1
    assert plan.crews[0].pairs[1] > 10
    with pytest.raises(SeamTooNoisy, match=r"a seam bears at most 0\.1"):
        plan_memory(scene(channel(1, (1, 2), 200)), Ask(100, distance=3))
    with pytest.raises(CrewUnavailable):  # pairs that nothing purifies
        plan_memory(scene(channel(1, (1, 2), 300)), Ask(100, distance=3))


def test_what_the_processors_or_channels_have_not_is_refused():
    with pytest.raises(CrewUnavailable, match="distance 5, 28 qubits a half"):
        plan_memory(scene(channel(1, (1, 2), 5), free=20), Ask(100, distance=5))
    with pytest.raises(CrewUnavailable, match="15 raw pairs a shot"):
        plan_memory(scene(channel(1, (1, 2), 5, capacity=1_400)), Ask(100, distance=3))
    with pytest.raises(CrewUnavailable, match="0 of 1 runs"):
        plan_memory(scene(channel(1, (1, 2), 5), excluded={2}), Ask(100, distance=3))
    with pytest.raises(MemoryTooLarge, match="ask for at most"):
        plan_memory(scene(channel(1, (1, 2), 5, capacity=2**40)), Ask(65_535, distance=3, rounds=300))


def test_verifiers_are_of_other_organisations_and_everybody_s_part_says_what_it_is():
    owners = {1: 1, 2: 1, 3: 3, 4: 4, 5: 5, 6: 1}
    plan = plan_memory(
        scene(channel(1, (2, 5), 5), owners=owners), Ask(100, distance=3, basis=Basis.X, verifiers=2)
    )  # fmt: skip
    crew = plan.crews[0]
    assert crew.members == (2, 3, 4, 5)
    assert halves_of(crew) == (0, 3)
    parts = [part_of(text.encode()) for text in plan.parts(crew)]
    assert [part.half for part in parts] == [0, None, None, 1]
    assert {part.job for part in parts} == {plan.job}
    with pytest.raises(CrewUnavailable, match="5 verifiers for 1 runs are wanted, 4"):
        plan_memory(scene(channel(1, (2, 5), 5)), Ask(100, distance=3, verifiers=5))


def test_no_processor_serves_in_two_runs():
    two = scene(channel(1, (1, 2), 5), channel(2, (3, 4), 9))
    plan = plan_memory(two, Ask(100, distance=3, runs=2, verifiers=1))
    members = [processor for crew in plan.crews for processor in crew.members]
    assert sorted(members) == [1, 2, 3, 4, 5, 6]
    assert plan.infidelity == infidelity_of_test(9, TESTED)
