"""A challenge runs where any computation runs: in the engine's sandboxed children."""

import asyncio

from qcrs.model.refusal import RefusalCode
from qcrs.quantum.benchmark import QUICK, Claim, challenge, score, verdict
from qcrs.quantum.calibration import Calibration, bundled_path
from qcrs.quantum.client import EngineClient


def test_engine_answers_a_challenge_and_its_owner_is_certified() -> None:
    suite = challenge(b"\x05" * 32, Claim.of(Calibration.bundled("oslo"), 3), QUICK)

    async def scenario():
        async with EngineClient(bundled_path("oslo"), 1) as engine:
            return [await engine.run(run.request(40 + number)) for number, run in enumerate(suite.runs)]

    results = asyncio.run(scenario())
    assert {result.refusal for result in results} == {RefusalCode.Unset}
    found = verdict(score(suite, [result.counts for result in results]), suite.claim)
    assert found.passed, found.reasons


def test_engine_refuses_a_challenge_of_a_larger_device() -> None:
    suite = challenge(b"\x05" * 32, Claim.of(Calibration.bundled("brisbane")), QUICK)

    async def scenario():
        async with EngineClient(bundled_path("oslo"), 1) as engine:
            return [await engine.run(run.request(40)) for run in suite.runs]

    results = asyncio.run(scenario())
    assert {result.refusal for result in results} == {RefusalCode.TooManyQubits}
    found = verdict(score(suite, [result.counts for result in results]), suite.claim)
    assert len(found.reasons) == len(suite.runs)
