"""The contracts in the loop: their answers against the twins', and what they cost, executed by revm in this process."""

import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # a measurement is run as a file, not as part of a package

from pyrevm import EVM, CfgEnv, Env

from qcrs.rules import agreement
from qcrs.rules.agreement import Judgement, Verdict, quorum_of
from qcrs.rules.count_sketch import pack, words_of
from tests.evm import artifacts, interfaces
from tests.mirror import vectors

SENDER = "0x" + "11" * 20
GAS = 1_000_000_000
INTRINSIC = 21_000
RULES = ("AgreementHarness", "CountSketchHarness", "CredibilityHarness", "IndependenceHarness")


class Harness:
    """A deployed test harness, called without a transaction's history."""

    def __init__(self, name: str) -> None:
        self._interface = interfaces()[name]
        self._evm = EVM(env=Env(cfg=CfgEnv(chain_id=1337)), gas_limit=GAS, spec_id="SHANGHAI")
        self._address = self._evm.deploy(SENDER, bytes.fromhex(artifacts()[name].bytecode[2:]), gas=GAS)

    def call(self, function: str, *arguments: Any) -> tuple[Any, int]:
        """Return what *function* answers and the gas it takes beside the transaction and its data.

        Raises:
            RuntimeError: It reverted.
        """
        data = self._interface.encode_call(function, arguments)
        output = self._evm.message_call(SENDER, self._address, calldata=data, gas=GAS)
        spent = self._evm.result.gas_used - INTRINSIC - sum(16 if byte else 4 for byte in data)
        return self._interface.decode_result(function, output), spent


def judge(harness: Harness, sketches: Sequence[Sequence[int]], bits: int, shots: int) -> tuple[Judgement, int]:
    """Return the contract's judgement of unpacked *sketches*, and its gas."""
    flat = [word for sketch in sketches for word in pack(sketch)]
    answer, gas = harness.call("judge", flat, words_of(bits), bits, shots, quorum_of(len(sketches)), 0)
    return Judgement(Verdict(answer[0]), answer[1]), gas


def compare_vectors(most: int) -> dict[str, list[int]]:
    """Return for every rule how many cases, *most* for the verdict and a fifth for others, and how many differ."""
    harnesses = {name: Harness(name) for name in RULES}
    found = {}
    for rule in vectors.RULES:
        if rule.harness in harnesses:
            cases = rule.generate(most if rule.function == "judge" else most // 5)
            answers = (_answer(harnesses[rule.harness], rule, case) for case in cases)
            differ = sum(
                vectors.plain(answer) != vectors.plain(rule.twin(*case))
                for answer, case in zip(answers, cases, strict=True)
            )
            found[rule.name] = [len(cases), differ]
    return found


def _answer(harness: Harness, rule: vectors.Rule, case: Sequence[Any]) -> Any:
    try:
        answer, _ = harness.call(rule.function, *case)
    except RuntimeError:
        if rule.refusable:
            return False
        raise
    return True if rule.refusable else answer


def settlement_gas(shots: int) -> Iterator[dict[str, int | str]]:
    """Yield what a verdict costs on answers of 2 to *shots* different outcomes, for committees of 3 and 5."""
    harness, rng = Harness("AgreementHarness"), random.Random("gas")
    from qcrs.rules.count_sketch import sketch_of, unpack

    for bits, outcomes in ((1, 2), (5, 32), (8, 256), (16, 2), (16, 1_024), (16, 32_768), (16, 65_535)):
        for replicas in (3, 5):
            sketches = []
            for _ in range(replicas):
                counts = dict.fromkeys(range(1, outcomes), 1)
                counts[0] = shots - len(counts)
                if outcomes < shots:  # half of what is left moves to the second outcome, and some by chance
                    moved = counts[0] // 2 + rng.randrange(-60, 60)
                    counts[0], counts[1] = counts[0] - moved, counts[1] + moved
                sketches.append(unpack(sketch_of(counts, bits, b"gas" * 11), bits))
            judgement, gas = judge(harness, sketches, bits, shots)
            assert judgement == agreement.judge(sketches, bits, shots, quorum_of(replicas))
            yield {
                "outcomeBits": bits,
                "outcomes": outcomes,
                "replicas": replicas,
                "verdict": judgement.verdict.name,
                "judging": gas,
            }
