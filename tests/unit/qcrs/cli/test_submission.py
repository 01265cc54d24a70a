"""Circuits, sweeps and parameters as they are named on the command line."""

import asyncio
import io
import json
from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import pytest

from qcrs.cli import main
from qcrs.cli.job_report import Layout, layout_of, pretty, rounds_json
from qcrs.cli.job_submit import PART, TIMES, SubmissionInvalid, circuit_of, programs_of
from qcrs.model.computation import ComputationStatus
from qcrs.model.organisation import Priority
from qcrs.quantum.errors import CircuitRefused
from qcrs.quantum.sweep import bind, join
from qcrs.rules.gold import Answer, RoundKind
from qcrs.sdk.gold import Document, Documents, Round
from qcrs.sdk.quote import Quote, quote_of
from qcrs.sdk.result import Result
from qcrs.sdk.sealing import Sealer
from qcrs.sdk.secrets import Secrets
from qcrs.sdk.terms import Circuit, Conditions
from qcrs.store import Store
from tests.market import PRICE, candidate
from tests.market import market as market_of

HEAD = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[2] q;\nbit[2] c;\n'
BELL = HEAD + "h q[0];\ncx q[0], q[1];\nc[0] = measure q[0];\nc[1] = measure q[1];\n"
TILTED = BELL.replace("h q[0]", "ry(0.4) q[0]")
TEMPLATE = (
    HEAD.replace("qubit", "input float a;\ninput float[64] angle_2;\nqubit")
    + "ry(a) q[0]; rz(pi - angle_2) q[1]; rx(2*a) q[1];\nc = measure q;\n"
)


@pytest.fixture
def bell(tmp_path):
    path = tmp_path / "bell.qasm"
    path.write_text(BELL)
    return str(path)


def test_files_and_their_rounds_are_named(tmp_path, bell) -> None:
    sweep = tmp_path / "sweep.qasm"
    sweep.write_text(join([TILTED, BELL]))
    named = programs_of([bell, str(sweep)])
    assert [name for name, _ in named] == [bell, f"{sweep}:0", f"{sweep}:1"]
    assert [program.text() for _, program in named] == [BELL, TILTED, BELL]
    assert circuit_of(bell).text == BELL
    assert circuit_of(BELL).text == BELL


def test_standard_input_may_hold_a_sweep(monkeypatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(BELL + TILTED))
    assert [(name, program.text()) for name, program in programs_of(["-"])] == [("-:0", BELL), ("-:1", TILTED)]


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("values.csv", "a, angle_2\n0.5, 1e-3\n-0.25,2\n"),
        ("values.json", json.dumps([{"a": 0.5, "angle_2": 0.001}, {"angle_2": 2, "a": -0.25}])),
    ],
)
def test_a_template_with_a_table_of_parameters_is_a_sweep(tmp_path, name: str, table: str) -> None:
    path = tmp_path / name
    path.write_text(table)
    programs = [program for _, program in programs_of([TEMPLATE], path)]
    angles = [[operation.parameters for operation in program.operations[:3]] for program in programs]
    pi = 3.141592653589793
    assert angles == [[(0.5,), (pi - 0.001,), (1.0,)], [(-0.25,), (pi - 2,), (-0.5,)]]


@pytest.mark.parametrize(
    ("table", "fault", "words"),
    [
        ("a\n1\n", CircuitRefused, "expected a, angle_2, got a"),
        ("a,angle_2,b\n1,2,3\n", CircuitRefused, "got a, angle_2, b"),
        ("a,angle_2\n1,x\n", SubmissionInvalid, "rows of numbers"),
        ("a,angle_2\n1\n", SubmissionInvalid, "rows of numbers"),
        ("a,angle_2\n1,2,3\n", SubmissionInvalid, "rows of numbers"),
        ("a,angle_2\n", SubmissionInvalid, "0 rows; expected 1 to 1024"),
        ("a,angle_2\n1,inf\n", CircuitRefused, "ParameterInvalid"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(tmp_path, table: str, fault, words: str) -> None:
    path = tmp_path / "values.csv"
    path.write_text(table)
    with pytest.raises(fault, match=words):
        programs_of([TEMPLATE], path)


def test_parameters_need_one_template(tmp_path) -> None:
    with pytest.raises(SubmissionInvalid, match="one template, got 2"):
        programs_of([TEMPLATE, TEMPLATE], tmp_path / "values.csv")


def test_names_within_names_are_not_parameters() -> None:
    bound = bind("input float a;\nfloat_a a cat a2 (a)", {"a": -0.5})
    assert bound.strip() == "float_a (-0.5) cat a2 ((-0.5))"


def test_numbers_are_exact_and_bounded() -> None:
    assert PART("1e-3") == Fraction(1, 1000)
    assert TIMES("1024") == 1024


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--soundness", "0"], "argument --soundness: expected a number between 0 and 1"),
        (["--soundness", "1"], "argument --soundness"),
        (["--soundness", "1e-999999999"], "argument --soundness"),
        (["--soundness", "nan"], "argument --soundness"),
        (["--soundness", "0.1", "--deviation", "1.5"], "argument --deviation"),
        (["--soundness", "0.1", "--max-cost", "1"], "argument --max-cost"),
        (["--soundness", "0.1", "--max-cost", "1e9"], "argument --max-cost"),
        (["--round-shots", "0"], "argument --round-shots"),
    ],
)
def test_wishes_out_of_range_are_usage_errors(bell, flags: list[str], words: str, capsys) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["job", "submit", bell, *flags])
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("flags", [["--deviation", "0.1"], ["--max-cost", "2"], ["--traps", "3"]])
def test_gold_flags_need_a_soundness(bell, flags: list[str], capsys) -> None:
    assert main(["job", "submit", bell, *flags]) == 2
    assert f"{flags[0]} mean nothing without --soundness" in capsys.readouterr().err


def result_of(counts: dict[int, int] | None, outcome_bits: int) -> Result:
    status = ComputationStatus.Accepted if counts else ComputationStatus.Rejected
    return Result(
        id=7, status=status, counts=counts, shots=sum((counts or {}).values()), replicas=3, outcome_bits=outcome_bits,
        accepted=[1, 2], outliers=[], silent=[], failed=[3], disproven=[], challengeable_until=0, gas={"total": 1},
        seconds=1.0, result_digest="0x00",
    )  # fmt: skip


COUNTS = {0 << 2 | 3: 10, 1 << 2 | 0: 4, 1 << 2 | 1: 6, 2 << 2 | 2: 10}
LAYOUT = Layout(3, 2, (("first", 2), ("second", 0)))


def test_results_of_a_sweep_are_by_circuit_and_golds_are_not_among_them() -> None:
    value = rounds_json(result_of(COUNTS, 4), LAYOUT)
    assert value == {
        "counts": None,
        "shots": 20,
        "rounds": [
            {"name": "first", "round": 2, "counts": {"10": 10}},
            {"name": "second", "round": 0, "counts": {"11": 10}},
        ],
    }
    said = pretty(result_of(COUNTS, 4), LAYOUT, gold=True)
    assert "first: 10 shots, 1 outcomes, 10 10 times" in said
    assert "failed gold rounds 3" in said
    assert "00 4" not in said


def test_without_verdict_or_document_there_are_no_rounds() -> None:
    assert rounds_json(result_of(None, 4), LAYOUT)["rounds"] is None
    assert rounds_json(result_of(COUNTS, 4), None)["rounds"] is None
    assert "only its requester's gold document" in pretty(result_of(COUNTS, 4), None, gold=True)


def test_an_unverified_answer_is_called_so() -> None:
    result = replace(result_of(COUNTS, 4), status=ComputationStatus.Unverified)
    assert "UNVERIFIED" in pretty(result)
    assert "UNVERIFIED" not in pretty(result_of(COUNTS, 4))


def story_of(**fields: object) -> SimpleNamespace:
    request = {"gold": False, "payload": b"", "circuit_digest": bytes(32), "outcome_bits": 3, "secret_commitment": b""}
    return SimpleNamespace(computation=1, request=SimpleNamespace(**(request | fields)))


def test_the_layout_comes_from_the_payload_or_the_gold_document(tmp_path) -> None:
    store, network = Store(str(tmp_path)), SimpleNamespace(deployment="genesis/verifier")
    sealer = Sealer(SimpleNamespace(network=network), store, Secrets(tmp_path / "secrets"))
    client = SimpleNamespace(gold_documents=Documents(tmp_path / "gold"), store=store, sealer=sealer)
    sweep = join([BELL, TILTED])
    expected = Layout(2, 2, (("0", 0), ("1", 1)))
    assert layout_of(client, story_of(payload=sweep.encode())) == expected
    assert layout_of(client, story_of(circuit_digest=client.store.put(sweep.encode()))) == expected
    ours = client.sealer._secrets.create(sealed=True)
    sealed = story_of(circuit_digest=sealer.seal(sweep.encode(), ours), secret_commitment=ours)
    assert layout_of(client, sealed) == expected
    assert layout_of(client, story_of(circuit_digest=sealed.request.circuit_digest)) is None  # not ours to read
    assert layout_of(client, story_of(payload=BELL.encode(), outcome_bits=2)) is None
    assert layout_of(client, story_of()) is None

    gold = Round(RoundKind.Gold, Answer(((1, 4),), 4 << 16, 1 << 16))
    rounds = (Round(RoundKind.Target, None, 1), gold, Round(RoundKind.Target, None, 0))
    document = Document(rounds, 2, 100, 0, 0, bytes(32), ("first", "second"))
    client.gold_documents.keep(document)
    found = layout_of(client, story_of(gold=True, secret_commitment=document.commitment))
    assert found == Layout(3, 2, (("first", 2), ("second", 0)))
    assert layout_of(client, story_of(gold=True, secret_commitment=bytes(24))) is None


class Market:
    """Stands in for a connected client: quotes, and fails the test when anything is sent."""

    def __init__(self, tmp_path) -> None:
        self.gold_documents = Documents(tmp_path / "gold")
        self.asked: list[Conditions] = []

    async def choose_class(self, qubits: int, replicas: int, conditions: Conditions) -> int:
        return 2

    async def quote(self, circuit: Circuit, shots: int, conditions: Conditions, golds: bool = False) -> Quote:
        self.asked.append(conditions)
        processors = [candidate(number, number, noise_class=2) for number in range(1, 5)]
        dear = candidate(5, 5, noise_class=2, offered=True, price=50)
        return quote_of(market_of(*processors, dear), circuit, shots, conditions, golds)

    async def order(self, *_) -> None:
        pytest.fail("money moved")

    order_many = order


@pytest.fixture
def market(tmp_path, monkeypatch) -> Market:
    stand_in = Market(tmp_path)
    monkeypatch.setattr("qcrs.cli.job_submit.run_with_client", lambda options, work: asyncio.run(work(stand_in)))
    return stand_in


def test_a_dry_run_tells_the_promise_and_moves_no_money(bell, market, tmp_path, capsys) -> None:
    tilted = tmp_path / "tilted.qasm"
    tilted.write_text(TILTED)
    flags = ["--soundness", "0.25", "--max-cost", "4", "--round-shots", "1024", "--dry-run", "--json"]
    assert main(["job", "submit", str(tilted), *flags]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["submitted"] is False
    promise = value["promise"]
    assert (promise["golds"], promise["rounds"], promise["escape"]) == (3, 4, 0.25)
    assert promise["price"] == value["quote"]["total"] == str(2 * 4096 * 3 * PRICE + 3 * 1000)
    assert not (tmp_path / "gold").exists()


def test_sweeps_without_golds_and_circuits_can_be_tried_too(bell, market, tmp_path, capsys) -> None:
    sweep = tmp_path / "sweep.qasm"
    sweep.write_text(join([TILTED, BELL, BELL]))
    assert main(["job", "submit", str(sweep), "--shots", "15000", "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["promise"] == {"rounds": 3, "shotsPerRound": 1667}
    assert main(["job", "submit", bell, "--dry-run"]) == 0
    said = capsys.readouterr()
    assert "4 processors of 4 organisations fit in class 2 at 10 wei" in said.err
    assert "at 50 wei a qubit-shot: 1 processors, 1 organisations more" in said.err
    assert "nothing submitted" in said.out


def test_requirements_and_price_go_into_the_quote(bell, market, capsys) -> None:
    flags = ["--priority", "critical", "--price", "0.00000000000000005", "--profile", "1", "--min-quantum-volume", "32",
             "--max-two-qubit-error", "0.0091", "--max-fee", "999999999", "--dry-run", "--json"]  # fmt: skip
    assert main(["job", "submit", bell, *flags]) == 0
    [asked] = market.asked
    assert (asked.priority, asked.price, asked.profile) == (Priority.Critical, 50, 1)
    assert (asked.quantum_volume_log2, asked.two_qubit_error_ppm, asked.max_fee) == (5, 9_100, 999_999_999)
    quote = json.loads(capsys.readouterr().out)["quote"]
    assert (quote["processors"], quote["price"], quote["priority"]) == (5, "50", "Critical")


def test_a_volume_between_two_powers_asks_for_the_upper_one(bell, market) -> None:
    for volume, log2 in ((0, 0), (1, 0), (2, 1), (33, 6), (64, 6)):
        main(["job", "submit", bell, "--min-quantum-volume", str(volume), "--noise-class", "2", "--dry-run", "--json"])
        assert market.asked[-1].quantum_volume_log2 == log2


def test_circuits_can_be_computations_of_their_own(bell, market, tmp_path, capsys) -> None:
    other = tmp_path / "other.qasm"
    other.write_text(TILTED.replace("qubit[2]", "qubit[3]"))  # no sweep: they differ in width
    assert main(["job", "submit", bell, str(other), "--each", "--dry-run", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert [quote["cost"] for quote in value["quotes"]] == [2 * 4096 * 3, 3 * 4096 * 3]
    assert value["total"] == str(sum(int(quote["total"]) for quote in value["quotes"]))
    assert main(["job", "submit", bell, "--each", "--soundness", "0.25"]) == 2


def test_what_cannot_be_had_moves_no_money(bell, market, tmp_path, capsys) -> None:
    tilted = tmp_path / "tilted.qasm"
    tilted.write_text(TILTED)
    assert main(["job", "submit", str(tilted), "--soundness", "1e-3", "--yes"]) == 2
    assert "A cost of 2 gives 0.5" in capsys.readouterr().err
    assert main(["job", "submit", bell, "--soundness", "0.25", "--max-cost", "4", "--yes"]) == 2
    assert "no angle that golds could vary" in capsys.readouterr().err


def test_a_person_at_the_terminal_is_asked(market, tmp_path, monkeypatch, capsys) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    tilted = tmp_path / "tilted.qasm"
    tilted.write_text(TILTED)
    monkeypatch.setattr("sys.stdin", Terminal("no\n"))
    flags = ["--soundness", "0.25", "--max-cost", "4", "--round-shots", "1024"]
    assert main(["job", "submit", str(tilted), *flags]) == 1
    said = capsys.readouterr()
    assert "nothing submitted" in said.out
    assert "probability 1/4" in said.err
    assert "Submit it? [y/N]" in said.err
