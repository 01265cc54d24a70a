"""``qcrs job cut`` as its users meet it: what is said, what is refused, exit codes."""

import asyncio
import json
from types import SimpleNamespace

import pytest

from qcrs.cli import main
from qcrs.model.computation import ComputationStatus
from qcrs.quantum.circuit import load
from qcrs.quantum.ideal import ideal_distribution
from qcrs.sdk import cut_run
from qcrs.sdk.quote import quote_of
from tests.market import candidate
from tests.market import market as market_of

CHAIN = (
    'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[3] q;\nbit[3] c;\n'
    "ry(0.5) q[0];\nry(0.7) q[1];\nry(0.9) q[2];\ncx q[0], q[1];\ncx q[1], q[2];\nc = measure q;\n"
)
COUNT = 10


class Consortium:
    """Stands in for a client: what is submitted ends at once, accepted unless its id is among the *rejected*."""

    def __init__(self):
        self.signer = SimpleNamespace(address="0xMe")
        self.gateway = SimpleNamespace(network=SimpleNamespace(deployment="g/v"), block_number=self._block)
        self.sealer = SimpleNamespace(circuit=lambda story: story.text.encode(), has_served=lambda story: True)
        self.store, self.rejected, self.log = None, (), []

    async def _block(self):
        return 1

    async def quote(self, circuit, shots, conditions):
        return quote_of(market_of(*(candidate(n, n) for n in range(1, 5))), circuit, shots, conditions)

    async def order_many(self, quotes, conditions):
        first = len(self.log) + 1
        for number, quote in enumerate(quotes, first):
            status = ComputationStatus.Rejected if number in self.rejected else ComputationStatus.Accepted
            request = SimpleNamespace(shots=quote.shots, replicas=quote.replicas)
            self.log.append(
                SimpleNamespace(
                    computation=number, status=status, ended=True, submitted_in=2, requester="0xMe", request=request,
                    text=quote.circuit.text, duties=(), on_duty=tuple, attempt=1, gold_scored=(), replicas=3,
                    failure=ComputationStatus.Failed,
                )
            )  # fmt: skip
        return self.log[first - 1 :]

    async def drive_many(self, computations, observe, *_):
        stories = [self.log[number - 1] for number in computations]
        for story in stories:
            observe(story, None)
        return stories

    async def stories(self):
        return self.log


@pytest.fixture
def consortium(monkeypatch, tmp_path):
    stand_in = Consortium()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chain.qasm").write_text(CHAIN)
    monkeypatch.setattr("qcrs.cli.job_cut.run_with_client", lambda options, work: asyncio.run(work(stand_in)))
    monkeypatch.setattr(
        cut_run, "pooled_counts",
        lambda story, store: {x: round(10**9 * share) for x, share in ideal_distribution(load(story.text)).items()},
    )  # fmt: skip
    return stand_in


CUT = ["job", "cut", "chain.qasm", "--qubits", "2", "--observable", "IIZ"]


def test_a_dry_run_tells_the_quote_and_writes_nothing(consortium, tmp_path, capsys):
    assert main([*CUT, "--dry-run", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["submitted"] is False
    assert (value["cut"]["cuts"], value["cut"]["subexperiments"], value["cut"]["shots"]) == (1, COUNT, COUNT * 12_288)
    assert value["total"] == str(sum(int(quote["total"]) for quote in value["quotes"]))
    assert main([*CUT, "--dry-run"]) == 0
    said = capsys.readouterr()
    assert "9 times the shots" in said.out
    assert "nothing submitted" in said.out
    assert "coin are taken for 10 computations" in said.err
    assert "4 processors of 4 organisations fit" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["chain.qasm"]
    assert consortium.log == []


def test_values_are_printed_with_their_errors(consortium, capsys):
    assert main([*CUT, "--observable", "ZZI", "--wait"]) == 0
    said = capsys.readouterr()
    assert "IIZ         +0.87758" in said.out
    assert said.err.index("9 times the shots") < said.err.index("plan kept in chain.plan.jsonl")
    assert said.err.index("plan kept") < said.err.index("10 jobs, 1 to 10, submitted")


def test_a_rejected_circuit_ends_with_code_1_and_no_values(consortium, capsys):
    consortium.rejected = (4,)
    assert main([*CUT, "--wait", "--json"]) == 1
    value = json.loads(capsys.readouterr().out)
    assert value["values"] is None
    assert value["unaccepted"] == [{"circuit": 3, "id": 4, "status": "Rejected"}]
    assert main(["job", "cut", "--resume", "chain.plan.jsonl"]) == 1
    said = capsys.readouterr().out
    assert "circuit 3: job 4 is Rejected" in said
    assert "no values" in said
    assert len(consortium.log) == COUNT
    assert main(["job", "cut", "--resume", "chain.plan.jsonl", "--again", "--dry-run", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["quotes"]) == 1
    assert main(["job", "cut", "--resume", "chain.plan.jsonl", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["quotes"] == []
    assert main(["job", "cut", "--resume", "chain.plan.jsonl", "--again", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["ids"] == [1, 2, 3, 11, 5, 6, 7, 8, 9, 10]
    assert value["values"][0]["value"] == pytest.approx(0.87758, abs=1e-4)


def test_without_waiting_the_values_come_later(consortium, capsys, tmp_path):
    assert main([*CUT, "--plan", "my.plan", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert (value["plan"], value["ids"]) == ("my.plan", list(range(1, COUNT + 1)))
    (tmp_path / "chain.qasm").rename(tmp_path / "moved.qasm")
    assert main(["job", "cut", "moved.qasm", "--resume", "my.plan", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["values"][0]["observable"] == "IIZ"
    assert len(consortium.log) == COUNT


def test_a_plan_does_not_hold_the_circuit(consortium, tmp_path):
    assert main([*CUT, "--json"]) == 0
    written = (tmp_path / "chain.plan.jsonl").read_text()
    assert "ry(" not in written
    assert "OPENQASM" not in written


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["chain.qasm", "--observable", "IIZ"], "a circuit to cut needs --qubits"),
        (["chain.qasm", "--qubits", "2"], "needs --observable"),
        ([], "needs FILE, --qubits, --observable"),
        (["chain.qasm", "--qubits", "2", "--observable", "IIZ", "--again"], "--again means nothing without --resume"),
        (["--resume", "x", "--qubits", "2"], "expected no qubits"),
        (["--resume", "x"], "No such file"),
        (["chain.qasm", "--qubits", "2", "--observable", "IZ"], "CannotCut: observable 'IZ': expected 3 letters"),
        (
            ["chain.qasm", "--qubits", "1", "--observable", "IIZ", "--cuts-allowed", "1"],
            "ConsentNeeded: cuts: expected",
        ),
        (["chain.qasm", "--qubits", "2", "--observable", "IIZ", "--replicas", "1"], "ReplicasOutOfRange"),
        (["chain.qasm", "--qubits", "2", "--observable", "IIZ", "--max-fee", "1"], "FeeTooLow"),
        (["chain.qasm", "--qubits", "2", "--observable", "IIZ", "--plan", "chain.qasm"], "PlanExists"),
    ],
)
def test_what_makes_no_sense_is_refused_before_money_moves(consortium, flags, words, capsys):
    assert main(["job", "cut", *flags]) == 2
    assert words in capsys.readouterr().err
    assert consortium.log == []


def test_a_circuit_from_standard_input_must_be_named_again(consortium, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", SimpleNamespace(read=lambda _: CHAIN))
    assert main(["job", "cut", "-", *CUT[3:], "--json"]) == 0
    assert main(["job", "cut", "--resume", "cut.plan.jsonl"]) == 2
    assert "name its FILE, or -" in capsys.readouterr().err
    assert main(["job", "cut", "-", "--resume", "cut.plan.jsonl"]) == 0
