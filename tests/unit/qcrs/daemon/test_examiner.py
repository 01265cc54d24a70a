"""What a daemon sends for benchmarks that nobody asked for."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.daemon.examiner import Examiner
from qcrs.daemon.examining import Drifted, Due, Step
from qcrs.rules.drift import Shown

ACCOUNT = object()
SHOWN = Shown((3, 9), (0, 2), 8, 100_000)


class Gateway:
    """Remembers what was simulated and sent; *refusal* is what simulations end with."""

    def __init__(self):
        self.simulated, self.sent, self.refusal, self.place = [], [], None, 0
        self.network = SimpleNamespace(deployed_at=1)

    async def simulate(self, account, *call, value=0):
        assert account is ACCOUNT
        self.simulated.append(call)
        if self.refusal is not None:
            raise self.refusal

    async def send(self, account, *call, value=0):
        self.sent.append(call)

    async def call(self, contract, function, *arguments):
        assert (contract, function) == ("Certifications", "certifierOf")
        return {"place": self.place, "busy": False, "stake": 0, "tip": bytes(32)}


@pytest.fixture
def examiner():
    return Examiner(Gateway(), ACCOUNT, None, None, None, Path("calibration.json"), 1.0, 1)


@pytest.mark.parametrize(
    ("due", "call"),
    [
        (Due(Step.OpenEpoch, 20_000), ("Certifications", "openEpoch")),
        (Due(Step.Surprise, 6, 20_000), ("Certifications", "surprise", 6)),
        (Due(Step.Recheck, 6, 20_000), ("Certifications", "recheck", 6, (3, 9), (0, 2))),
        (Due(Step.Suspend, 6), ("ProcessorRegistry", "suspendByRule", 6)),
    ],
)
def test_keepers_look_before_they_send(examiner, due, call):
    examiner._patrol.drifted = {6: Drifted(SHOWN, 0.0, 0.0)}
    asyncio.run(examiner._perform(due, None))
    assert examiner.gateway.simulated == examiner.gateway.sent == [call]


def test_what_another_keeper_has_done_is_not_sent(examiner):
    examiner.gateway.refusal = ContractRefused("CertificationOpen", {})
    examiner._patrol.drifted = {6: Drifted(SHOWN, 0.0, 0.0)}
    asyncio.run(examiner._perform(Due(Step.Recheck, 6, 20_000), None))
    assert examiner.gateway.sent == []


def test_a_recheck_that_is_no_longer_due_is_left(examiner):
    asyncio.run(examiner._perform(Due(Step.Recheck, 6, 20_000), None))
    assert examiner.gateway.simulated == []


def test_a_daemon_that_could_score_others_says_how_it_would(examiner, caplog):
    caplog.set_level("INFO", logger="qcrs")
    for place in (0, 0, 1, 0):
        examiner.gateway.place, examiner._pool_at = place, float("-inf")
        asyncio.run(examiner._look_at_pool(6))
    said = [record.getMessage() for record in caplog.records]
    assert [("no certifier" in line) for line in said] == [True, False, True]
    assert "qcrs processor enlist 6" in said[0]
