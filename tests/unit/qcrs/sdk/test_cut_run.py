"""Circuits in pieces: planned, quoted, submitted, taken up again, put together from verified counts."""

import asyncio
import json
import os
from contextlib import closing
from dataclasses import replace
from types import SimpleNamespace

import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector

from qcrs.model.computation import ComputationStatus
from qcrs.model.organisation import Priority
from qcrs.quantum.circuit import canonical, load
from qcrs.quantum.distribution.cutting import CannotCut, ConsentNeeded
from qcrs.quantum.ideal import ideal_distribution
from qcrs.sdk import cut_run
from qcrs.sdk.cut_plan import Plan, PlanExists, PlanInvalid, Task
from qcrs.sdk.cut_run import carry_out, outcome_of, take_up
from qcrs.sdk.cutting import pieces_of, quotes_of
from qcrs.sdk.quote import quote_of
from qcrs.sdk.sealing import PayloadUnreadable
from qcrs.sdk.terms import MAX_BATCH, Conditions, FeeTooLow, ReplicasOutOfRange, ShotsOutOfRange
from tests.circuits import woven
from tests.market import PRICE, candidate
from tests.market import market as market_of

OBSERVABLES = ("ZIIZ", "IZZI")
ME = "0xMe"


def chain():
    circuit = QuantumCircuit(4)
    for qubit in range(4):
        circuit.ry(0.3 + 0.2 * qubit, qubit)
    for qubit in range(3):
        circuit.cx(qubit, qubit + 1)
    return circuit


def text_of(circuit):
    measured = circuit.copy()
    measured.measure_all()
    return canonical(measured)


def pieces(circuit=None, observables=OBSERVABLES, qubits=2, allowed=2, shots=0, **conditions):
    return pieces_of(text_of(circuit or chain()), observables, qubits, allowed, shots, Conditions(**conditions))


def task_of(found, **changes):
    fields = {
        "source": "/circuits/chain.qasm", "digest": found.digest, "observables": OBSERVABLES, "qubits": 2, "allowed": 2,
        "shots": 0, "conditions": Conditions(), "deployment": "genesis/verifier", "requester": ME, "since": 5,
    }  # fmt: skip
    return Task(**fields | changes)


class Chain:
    """Stands in for a client on a chain: whatever is submitted ends at once, as *fates* say by place."""

    def __init__(self, fates=None):
        self.fates, self.batches, self.told = fates or {}, [], []
        self.signer = SimpleNamespace(address=ME)
        self.gateway = SimpleNamespace(network=SimpleNamespace(deployment="genesis/verifier"))
        self.sealer = SimpleNamespace(circuit=self._circuit, has_served=lambda story: True)
        self.store, self.log, self.strangers, self.readable = None, [], [], {}

    async def quote(self, circuit, shots, conditions):
        return quote_of(market_of(*(candidate(n, n) for n in range(1, 5))), circuit, shots, conditions)

    async def order_many(self, quotes, conditions):
        assert len(quotes) <= MAX_BATCH
        new = []
        for quote in quotes:
            number = len(self.log) + 1
            status = self.fates.get(number, ComputationStatus.Accepted)
            request = SimpleNamespace(shots=quote.shots, replicas=quote.replicas)
            story = SimpleNamespace(
                computation=number, status=status, ended=True, submitted_in=6, requester=ME.lower(), request=request
            )
            self.readable[number] = quote.circuit.text
            self.log.append(story)
            new.append(story)
        self.batches.append([story.computation for story in new])
        return new

    async def drive_many(self, computations, observe, since, notice, enough):
        self.told.append((list(computations), since, enough(None)))
        return [self.log[number - 1] for number in computations]

    async def stories(self):
        return [*self.strangers, *self.log]

    def _circuit(self, story):
        if story.computation not in self.readable:
            raise PayloadUnreadable("encrypted")
        return self.readable[story.computation].encode()


@pytest.fixture(autouse=True)
def exact_counts(monkeypatch):
    """Counts are exact: millions of shots, without a draw."""

    def counts(story, store):
        text = story.text
        return {outcome: round(10**9 * share) for outcome, share in ideal_distribution(load(text)).items()}

    monkeypatch.setattr(cut_run, "pooled_counts", counts)


def run(client, found, plan, wait=True):
    """Carry *plan* out, and return its stories and outcome."""

    async def work():
        quotes = await quotes_of(client, found, plan.task.conditions, plan.ids)
        stories = await carry_out(client, plan, quotes, wait=wait)
        for story in stories:
            story.text = client.readable[story.computation]
        return stories, await outcome_of(client, found, stories)

    return asyncio.run(work())


@pytest.fixture
def planned(tmp_path):
    """Pieces and their plan on disk."""
    found = pieces()
    with closing(Plan.create(tmp_path / "plan", task_of(found))) as plan:
        yield found, plan


def test_the_least_that_replicas_run_is_asked_for():
    found = pieces()
    assert found.shots == 4096
    assert found.total == 4096 * 3 * len(found.circuits)
    assert found.error == pytest.approx((9 / found.total) ** 0.5)
    said = found.to_json()
    assert (said["cuts"], said["overhead"], said["pieces"], said["shotsPerReplica"]) == (1, 9.0, [2, 2], 4096)
    assert "1 cut (1 gate, 0 wires) into pieces of 2, 2 qubits: 9 times the shots" in found.lines()[0]


def test_shots_are_shared_by_circuits_and_replicas():
    found = pieces(shots=600_000, replicas=4)
    assert found.total >= 600_000 > found.total - 4 * len(found.circuits)
    with pytest.raises(ShotsOutOfRange):
        pieces(shots=10**9)


def test_uniform_answers_get_a_bit_that_is_said():
    circuit = QuantumCircuit(4)
    circuit.h(0)
    for qubit in range(3):
        circuit.cx(qubit, qubit + 1)
    found = pieces(circuit, ("ZZZZ", "XXXX", "ZIIZ"))
    bare = [one.text for one in found.cut.subexperiments]
    wider = [circuit for circuit, text in zip(found.circuits, bare, strict=True) if circuit.text != text]
    assert 0 < found.spare == len(wider) < len(bare)
    assert f"{found.spare} have uniform answers" in "\n".join(found.lines())


def test_one_replica_cannot_verify():
    with pytest.raises(ReplicasOutOfRange, match="only verified counts"):
        pieces(replicas=1)


def test_more_cuts_than_allowed_are_refused_with_the_quote():
    with pytest.raises(ConsentNeeded, match=r"at most 2 .* got 3, which take 729 times .* \(--cuts-allowed 3\)"):
        pieces(woven(3), ("ZIIIIZ",), 3)
    with pytest.raises(ConsentNeeded, match=r"at most 0 without consent, got 1, which take 9 times") as refused:
        pieces(allowed=0)
    assert refused.value.quote.subexperiments == len(pieces().circuits)
    with pytest.raises(CannotCut):
        pieces(observables=("ZZ",))


def test_three_cuts_are_run_with_consent_batch_by_batch(tmp_path):
    found = pieces(woven(3), ("ZIIIIZ",), 3, allowed=3)
    client = Chain()
    with closing(Plan.create(tmp_path / "plan", task_of(found))) as plan:
        _, outcome = run(client, found, plan)
    assert [len(batch) for batch in client.batches] == [64, 64, 64, 58]
    assert [numbers for numbers, _, _ in client.told] == client.batches
    state = Statevector(woven(3)).expectation_value(SparsePauliOp("ZIIIIZ")).real
    assert outcome.values[0].value == pytest.approx(state, abs=1e-6)


def test_fees_of_all_computations_are_quoted_and_limited():
    found = pieces()
    quotes = asyncio.run(quotes_of(Chain(), found, Conditions()))
    total = sum(quote.total for quote in quotes.values())
    assert total == len(found.circuits) * (2 * 4096 * 3 * PRICE + 3 * 1000)
    asyncio.run(quotes_of(Chain(), found, Conditions(max_fee=total)))
    with pytest.raises(FeeTooLow, match=f"{len(quotes)} computations take {total} wei"):
        asyncio.run(quotes_of(Chain(), found, Conditions(max_fee=total - 1)))


def test_exact_counts_give_the_uncut_circuits_values(planned):
    found, plan = planned
    _, outcome = run(Chain(), found, plan)
    state = Statevector(chain())
    for one in outcome.values:
        assert one.value == pytest.approx(state.expectation_value(SparsePauliOp(one.observable)).real, abs=1e-6)
        assert 0 < one.error < 1e-3
    assert [one.observable for one in outcome.values] == list(OBSERVABLES)
    assert outcome.to_json()["values"][0]["error"] == outcome.values[0].error


def test_what_was_not_accepted_leaves_no_values(planned):
    found, plan = planned
    _, outcome = run(Chain({3: ComputationStatus.Inconclusive, 5: ComputationStatus.Unverified}), found, plan)
    assert outcome.values is None
    assert outcome.unaccepted == ((2, 3, "Inconclusive"), (4, 5, "Unverified"))
    assert outcome.to_json()["values"] is None


def test_nothing_is_paid_after_a_batch_in_which_something_failed(tmp_path):
    found = pieces(woven(3), ("ZIIIIZ",), 3, allowed=3)
    client = Chain({7: ComputationStatus.Failed})
    with closing(Plan.create(tmp_path / "plan", task_of(found))) as plan:
        _, outcome = run(client, found, plan)
    assert len(client.batches) == 1
    assert (outcome.values, outcome.unaccepted, outcome.unsubmitted) == (None, ((6, 7, "Failed"),), 250 - 64)


def test_the_plan_is_on_disk_before_anything_is_submitted(planned):
    found, plan = planned

    class Looking(Chain):
        async def order_many(self, quotes, conditions):
            again = Task.from_json(json.loads(next(filter(None, plan.path.read_text().splitlines()))))
            assert again == plan.task
            assert plan.path.stat().st_mode & 0o777 == 0o600
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(Looking(), found, plan)
    assert plan.ids == {}


def test_a_plan_is_written_through_to_the_disk(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    path = tmp_path / "plan"
    with closing(Plan.create(path, task_of(pieces()))) as plan:
        assert synced == [path.stat().st_ino, tmp_path.stat().st_ino]
        plan.submitted({0: 1})
        assert synced[2:] == [path.stat().st_ino]


def taken_up(client, found, path, again=False):
    """Take the plan at *path* up as another run would, and carry it out."""
    with closing(Plan.open(path)) as plan:
        lost = asyncio.run(take_up(client, found, plan))
        if again:
            plan.drop(lost)
        return *run(client, found, plan), plan


def test_a_plan_is_taken_up_by_its_ids(planned):
    found, plan = planned
    client = Chain()
    run(client, found, plan, wait=False)
    plan.close()
    _, outcome, again = taken_up(client, found, plan.path)
    assert outcome.values is not None
    assert again.task == plan.task
    assert again.ids == plan.ids
    assert len(client.batches) == 1


def test_what_was_submitted_and_not_noted_is_found_and_not_paid_again(planned):
    found, plan = planned
    client = Chain()
    stories, _ = run(client, found, plan)
    plan.close()
    task, ids = filter(None, plan.path.read_text().splitlines())
    plan.path.write_text(f"{task}\n{ids[:20]}")  # killed in the middle of the note
    others = [
        SimpleNamespace(**vars(stories[0]) | {"computation": 90, "requester": "0xOther"}),
        SimpleNamespace(**vars(stories[0]) | {"computation": 91, "submitted_in": 4}),
        SimpleNamespace(**vars(stories[0]) | {"computation": 92}),  # ours, and encrypted by another client
    ]
    client.strangers = others
    client.readable |= {90: found.circuits[0].text, 91: found.circuits[0].text}
    _, outcome, again = taken_up(client, found, plan.path)
    assert again.ids == {place: place + 1 for place in range(len(found.circuits))}
    assert len(client.batches) == 1
    assert outcome.values is not None


def test_what_was_not_accepted_is_submitted_anew_when_asked(planned):
    found, plan = planned
    client = Chain({3: ComputationStatus.Rejected})
    run(client, found, plan)
    plan.close()
    _, outcome, same = taken_up(client, found, plan.path)
    assert outcome.unaccepted == ((2, 3, "Rejected"),)
    assert len(client.batches) == 1
    _, outcome, again = taken_up(client, found, plan.path, again=True)
    assert client.batches[1:] == [[len(found.circuits) + 1]]
    assert again.ids == same.ids | {2: len(found.circuits) + 1}
    assert outcome.values is not None
    with closing(Plan.open(plan.path)) as last:
        assert (last.ids, last.dropped) == (again.ids, {3})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"digest": "0x00"}, "pieces: expected 0x00"),
        ({"deployment": "other/chain"}, "chain: expected other/chain, got genesis/verifier"),
        ({"requester": "0xOther"}, "account: expected 0xOther, got 0xMe"),
    ],
)
def test_a_plan_of_something_else_is_refused(tmp_path, changes, words):
    found = pieces()
    with (
        closing(Plan.create(tmp_path / "plan", task_of(found, **changes))) as plan,
        pytest.raises(PlanInvalid, match=words),
    ):
        asyncio.run(take_up(Chain(), found, plan))


def test_pieces_of_other_shots_are_others():
    assert pieces(shots=600_000).digest != pieces().digest == pieces().digest


def test_a_plan_is_never_overwritten(tmp_path):
    task = task_of(pieces(), conditions=Conditions(replicas=4, priority=Priority.Critical, price=7))
    path = tmp_path / "plan"
    Plan.create(path, task).close()
    with pytest.raises(PlanExists, match=f"--resume {path}"):
        Plan.create(path, replace(task, qubits=3))
    with closing(Plan.open(path)) as plan:
        assert plan.task == task
        with pytest.raises(PlanInvalid, match="no other run of it"):
            Plan.open(path)


@pytest.mark.parametrize("content", ["", "{", "[]\n", '{"version": 2}\n', '{"version": 1, "conditions": {}}\n', "1\n"])
def test_a_file_that_is_no_plan_is_refused(tmp_path, content):
    path = tmp_path / "plan"
    path.write_text(content)
    with pytest.raises(PlanInvalid, match="expected the plan of a cut circuit"):
        Plan.open(path)
