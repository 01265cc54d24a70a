import json
import sys
from dataclasses import replace
from pathlib import Path
from subprocess import run

import numpy as np
import pytest
import stim
from pydantic import ValidationError

from qcrs.quantum.correction.circuit import direct, spelt
from qcrs.quantum.correction.code import LEFT, RIGHT, Basis
from qcrs.quantum.correction.decoding import Budget, logical_error
from qcrs.quantum.correction.errors import RecordInvalid
from qcrs.quantum.correction.halves import Halves, _Splitter
from qcrs.quantum.correction.job import Job
from qcrs.quantum.correction.memory import Memory
from qcrs.quantum.correction.noise import Noise, SeamModel
from qcrs.quantum.correction.pair import Pair
from qcrs.quantum.correction.verdict import decode
from qcrs.quantum.entanglement.batch import run as run_program
from qcrs.quantum.entanglement.pairs import Fibre, PairSource
from qcrs.quantum.entanglement.program import Program
from qcrs.quantum.fragment import Fragment, Op, require_program
from tests.fragment_circuit import Composition

NOISE = Noise(0.002, Pair.werner(0.06))
SHOTS = 20_000


def job_of(distance: int = 3, basis: Basis = Basis.Z, shots: int = SHOTS, noise: Noise = NOISE) -> Job:
    return Job.of(Memory(distance, distance, basis), noise, shots)


def records_of(job: Job, noise: Noise, seed: int = 1) -> tuple[bytes, bytes]:
    """What both nodes hand in when the reference runs their fragments."""
    composed = Composition(job.fragments(), noise)
    measured = composed.circuit.compile_sampler(seed=seed).sample(job.shots)
    left, right = (
        np.packbits(measured[:, [where[bit] for bit in sorted(where)]], axis=1, bitorder="little").tobytes()
        for where in composed.records
    )
    return left, right


def errors(circuit: stim.Circuit) -> dict[tuple[str, ...], float]:
    return {
        tuple(sorted(map(str, error.targets_copy()))): error.args_copy()[0]
        for error in circuit.detector_error_model(flatten_loops=True)
        if error.type == "error"
    }


@pytest.mark.parametrize(
    ("distance", "basis", "noise"),
    [
        (3, Basis.Z, NOISE),
        (5, Basis.Z, NOISE),
        (3, Basis.Z, Noise(0.0, Pair.werner(0.1))),
        # To prepare and to measure X the fragments have an H, which is noisy where the direct circuit has none.
        (3, Basis.X, Noise(0.0, Pair.werner(0.1))),
        (5, Basis.X, Noise(0.0, Pair.werner(0.1))),
    ],
)
def test_the_fragments_have_the_errors_of_the_direct_circuit(distance: int, basis: Basis, noise: Noise) -> None:
    job = job_of(distance, basis, noise=noise)
    data = [[qubit for place, qubit in own.items() if place[0] % 2] for own in _Splitter(job.memory, 0).qubits]
    composed = Composition(job.fragments(), noise, data)
    assert composed.pairs == job.memory.pairs == distance * (2 * distance - 1)
    ours = errors(composed.with_detectors(spelt(job.memory, Noise(0.0))))
    theirs = errors(direct(job.memory, noise))
    assert ours.keys() == theirs.keys()
    assert [ours[key] for key in theirs] == pytest.approx(list(theirs.values()), rel=1e-9)


def test_the_fragments_are_a_program_and_fit() -> None:
    for distance in (3, 5, 7):
        fragments = job_of(distance).fragments()
        assert require_program(fragments) == spelt(Memory(distance, distance, Basis.Z), NOISE).num_measurements
        for fragment in fragments:
            assert Fragment.from_json(fragment.to_json()) == fragment
            pairs = [step for step in fragment.instructions if step.op is Op.Pair]
            assert len(pairs) == distance * (2 * distance - 1)
            assert sum(step.op is Op.Barrier for step in fragment.instructions) == distance
            assert not any(step.op in (Op.Send, Op.Receive) or step.condition for step in fragment.instructions)


def test_purification_is_asked_for_every_pair() -> None:
    job = Job.of(Memory(3, 2, Basis.Z), NOISE, 10, purification_rounds=2)
    steps = [step for fragment in job.fragments() for step in fragment.instructions if step.op is Op.Pair]
    assert {step.rounds for step in steps} == {2}


@pytest.mark.parametrize("basis", list(Basis))
def test_what_the_nodes_hand_in_decodes_as_the_direct_circuit_does(basis: Basis) -> None:
    noise = Noise(0.0, Pair.werner(0.15))
    job = job_of(3, basis, noise=noise)
    ours = decode(job, records_of(job, noise)).logical_error
    theirs = logical_error(job.memory, noise, Budget(SHOTS, 10**9), seed=2)
    pooled = (ours.errors + theirs.errors) / (2 * SHOTS)
    assert ours.shots == theirs.shots == SHOTS
    assert abs(ours.value - theirs.value) <= 4 * (2 * pooled * (1 - pooled) / SHOTS) ** 0.5


def test_without_noise_every_outcome_is_right() -> None:
    for basis in Basis:
        job = job_of(5, basis, 200, Noise(0.0))
        verdict = decode(job, records_of(job, Noise(0.0)))
        assert verdict.logical_error.errors == 0
        assert verdict.detection_rate == 0
        assert verdict.outcomes == bytes(25)


def test_who_decodes_the_same_bits_comes_to_the_same_digest() -> None:
    job = job_of(shots=2_000)
    records = records_of(job, NOISE)
    verdict = decode(job, records)
    assert decode(Job.model_validate_json(job.model_dump_json()), records) == verdict
    changed = bytes([records[0][0] ^ 1]) + records[0][1:]
    assert decode(job, (changed, records[1])).digest != verdict.digest
    assert decode(job.model_copy(update={"bulk_ppb": (1,) * 5}), records).digest != verdict.digest
    assert decode(job, records, assumed=NOISE.blind()).digest != verdict.digest


def test_a_child_decodes_to_the_same_digest_and_says_what_does_not_fit(tmp_path: Path) -> None:
    job = job_of(shots=2_000)
    records = records_of(job, NOISE)
    files = [tmp_path / "left", tmp_path / "right"]
    for file, content in zip(files, records, strict=True):
        file.write_bytes(content)
    command = [sys.executable, "-m", "qcrs.quantum.correction.verdict", *map(str, files)]
    text = job.model_dump_json().encode()
    done = run(command, input=text, capture_output=True, check=True, timeout=60)
    verdict = decode(job, records)
    told = json.loads(done.stdout)
    assert told["digest"] == "0x" + verdict.digest.hex()
    assert (told["errors"], told["shots"]) == (verdict.logical_error.errors, 2_000)
    files[0].write_bytes(records[0][1:])
    refused = run(command, input=text, capture_output=True, check=False, timeout=60)
    assert refused.returncode == 1
    assert b"member 0 handed in" in refused.stderr


def test_a_link_worse_than_tested_shows_in_the_detectors() -> None:
    job = job_of(shots=5_000)
    honest, worse = (decode(job, records_of(job, replace(NOISE, pair=Pair.werner(e)))) for e in (0.06, 0.3))
    assert worse.detection_rate > 1.5 * honest.detection_rate


@pytest.mark.parametrize("member", [LEFT, RIGHT])
def test_a_record_of_another_size_or_with_stray_bits_is_refused(member: int) -> None:
    job = job_of(shots=10)
    records = list(records_of(job, NOISE))
    whole = records[member]
    records[member] = whole[:-1]
    with pytest.raises(RecordInvalid, match=f"member {member} handed in"):
        decode(job, tuple(records))
    records[member] = whole[:-1] + bytes([whole[-1] | 0x80])
    with pytest.raises(RecordInvalid, match="beyond its"):
        decode(job, tuple(records))


def test_each_round_is_a_batch_of_its_own() -> None:
    job = job_of(shots=50)
    records = records_of(job, NOISE)
    for member in (LEFT, RIGHT):
        ends = job.halves.ends[member]
        batches = [job.batch(member, records[member], number) for number in range(len(ends))]
        assert len(batches) == len(ends) == 4
        width = len(records[member]) // job.shots
        for shot in range(job.shots):
            bits, start = int.from_bytes(records[member][shot * width : (shot + 1) * width], "little"), 0
            for batch, stop in zip(batches, ends, strict=True):
                size = len(batch) // job.shots
                found = int.from_bytes(batch[shot * size : (shot + 1) * size], "little")
                assert found == bits >> start & (1 << stop - start) - 1
                start = stop


def test_batches_make_the_record_again_and_nothing_else_does() -> None:
    job = job_of(shots=50)
    for member, record in enumerate(records_of(job, NOISE)):
        batches = [job.batch(member, record, number) for number in range(4)]
        assert [len(batch) for batch in batches] == [job.batch_bytes(member, number) for number in range(4)]
        assert job.record_of(member, batches) == record
        for wrong, message in (
            (batches[:3], "3 batches, expected 4"),
            ([batches[0] + b"\0", *batches[1:]], f"batch 0: {len(batches[0]) + 1} bytes"),
            ([*batches[:3], b"\xff" * len(batches[3])], "batch 3: bits beyond"),
        ):
            with pytest.raises(RecordInvalid, match=message):
                job.record_of(member, wrong)
        with pytest.raises(RecordInvalid, match="handed in"):
            job.batch(member, record + b"\0", 0)


@pytest.mark.parametrize(("distance", "rounds"), [(3, 1), (3, 7), (5, 2), (7, 3)])
def test_how_many_bits_it_takes_is_known_before_it_is_spelt_out(distance: int, rounds: int) -> None:
    job = Job.of(Memory(distance, rounds, Basis.X), NOISE, SHOTS)
    assert job.outcomes == job.halves.bits(0) + job.halves.bits(1)


def test_a_memory_that_is_too_long_is_not_spelt_out_to_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its requester may be anybody, and a member's daemon has other things to do."""

    def spell(*_: object) -> None:
        raise AssertionError("it is spelt out")

    monkeypatch.setattr(Halves, "of", spell)
    with pytest.raises(ValueError, match="74049 bits of two nodes: expected at most 4096 of each"):
        Job.of(Memory(7, 1_000, Basis.Z), NOISE, SHOTS)


def test_a_job_is_no_larger_than_two_nodes_hold() -> None:
    with pytest.raises(ValidationError, match="at most 7"):
        job_of(9)
    with pytest.raises(ValidationError, match="at most 4096"):
        Job.of(Memory(7, 200, Basis.Z), NOISE, 10)
    for noise in (Noise(0.001, model=SeamModel.Depolarising), Noise(0.001, teleports=False)):
        with pytest.raises(ValueError, match="teleport"):
            job_of(3, noise=noise)


@pytest.mark.parametrize(
    "change", [{"bulk_ppb": (600_000_000,) * 5}, {"pair_ppb": (500_000_000,) * 3}, {"distance": 4}]
)
def test_a_job_with_rates_or_a_distance_that_are_none_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="expected"):
        Job.model_validate({**job_of().model_dump(), **change})


def test_a_daemon_may_import_the_job_without_a_simulator() -> None:
    program = (
        "import sys; import qcrs.quantum.correction.job;"
        "sys.exit(bool({'stim', 'pymatching', 'qiskit', 'scipy'} & set(sys.modules)))"
    )
    assert run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0


@pytest.mark.parametrize("basis", list(Basis))
def test_the_links_engine_runs_the_fragments_and_its_bits_decode(basis: Basis) -> None:
    shots = 10_000
    fibre = Fibre(source=PairSource(fidelity_ppm=900_000, rate=1_000))
    x, y, z = fibre.pair(1)[1:]
    noise = Noise(0.0, Pair(x, y, z))
    job = Job.of(Memory(3, 3, basis), noise, shots, purification_rounds=1)
    program = Program(job.fragments(), fibre)
    assert program.pairs == job.memory.pairs
    left, right = (table.tobytes() for table in run_program(program, shots, 1).bits)
    ours = decode(job, (left, right)).logical_error
    theirs = logical_error(job.memory, noise, Budget(shots, 10**9), seed=2)
    pooled = (ours.errors + theirs.errors) / (2 * shots)
    assert abs(ours.value - theirs.value) <= 4 * (2 * pooled * (1 - pooled) / shots) ** 0.5
