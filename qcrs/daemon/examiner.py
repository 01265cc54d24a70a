"""Carrying out what benchmarks ask of a daemon: run, store, commit; fetch, score, commit, reveal; keep.

How things stand is read from the chain each time, so nothing is lost with the daemon. What it must say again in the
same words is journalled before it is said: the digest of its counts, and its scores. Its salts follow from its key.
"""

import asyncio
import json
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from qcrs.chain.action import act
from qcrs.chain.codec import ContractRefused
from qcrs.chain.contracts import Benchmarks
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount, salt_root
from qcrs.daemon.examining import Due, Step, Trial, View, decide
from qcrs.daemon.execution import TRANSIENT, WithheldForTest
from qcrs.daemon.journal import Journal
from qcrs.daemon.outlook import RANKS, Outlook
from qcrs.daemon.patrol import Patrol
from qcrs.daemon.underway import Underway
from qcrs.errors import QcrsError
from qcrs.model.certification import ENDED
from qcrs.model.records import Measured
from qcrs.quantum.client import EngineClient
from qcrs.quantum.examination import ExaminerFailed, encode_bundle, examine, task_of
from qcrs.quantum.faults import FaultyAnswers
from qcrs.quantum.request import RunRequest
from qcrs.rules.certifying import commitment_of, next_salt
from qcrs.rules.digest import keccak
from qcrs.rules.measurement import NOTHING
from qcrs.store import ContentUnavailable, Store

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
RETRY_SECONDS = 3.0
POOL_SECONDS = 30.0  # between looks at whether this processor is in the pool of certifiers
# A bundle that is not in the store is waited for until this share of the window is left; then nothing was measured.
PATIENCE_SHARE = 0.4
CONTRACT = "Certifications"


class SaltUnknown(QcrsError):
    """No chain of salts of this daemon's key ends in the tip that the certifier is bound by."""


@dataclass
class Examiner:
    """The means with which one daemon serves benchmarks.

    Attributes:
        calibration: Of its own processor: the file is put into the store, where certifiers find it by its digest.
        time_limit_seconds, memory_limit_bytes: Bounds of one run.
        faulty: Test equipment that falsifies answers, those to benchmarks too; None in an honest daemon.
    """

    gateway: Gateway
    account: LocalAccount
    journal: Journal
    engine: EngineClient
    store: Store
    calibration: Path
    time_limit_seconds: float
    memory_limit_bytes: int
    keeper: bool = True
    faulty: FaultyAnswers | None = None
    _ended: set[int] = field(default_factory=set)
    _underway: Underway[Due] = field(default_factory=lambda: Underway((RETRY_SECONDS, RETRY_SECONDS)))
    _patrol: Patrol = field(init=False)
    _enlisted: bool | None = None
    _pool_at: float = 0.0

    def __post_init__(self) -> None:
        self._patrol = Patrol(self.gateway)

    async def run(self, stop: asyncio.Event, outlook: Outlook) -> None:
        """Serve until *stop* is set.

        Raises:
            Exception: A defect; faults of the chain, the store and the engine are logged and tried again.
        """
        async with self._underway:
            while not stop.is_set():
                self._underway.reap()
                if outlook.processor:
                    await self._look(outlook)
                await asyncio.sleep(POLL_SECONDS)

    async def _look(self, outlook: Outlook) -> None:
        try:
            await self._look_at_pool(outlook.processor)
            view = await self._view(outlook)
        except TRANSIENT as error:
            log.debug("benchmarks not looked at: %s", error)
            return
        trials = {trial.id: trial for trial in view.trials}
        for due in decide(view):
            self._underway.begin(due, partial(self._perform, due, trials.get(due.subject)))

    async def _look_at_pool(self, processor: int) -> None:
        """Say whether this daemon scores others, when that has changed: only its operator can have it do so."""
        if self._enlisted is not None and time.monotonic() < self._pool_at + POOL_SECONDS:
            return
        enlisted = (await Benchmarks(self.gateway).certifier(processor)).place > 0
        if enlisted and not self._enlisted:
            log.info("processor=%s certifier: scores benchmarks of others when it is drawn", processor)
        elif not enlisted and self._enlisted is not False:
            log.info(
                "processor=%s no certifier: it could score others' benchmarks for a fee; its operator has it do so, "
                "for a stake, with 'qcrs processor enlist %s --config NODE.TOML'", processor, processor,
            )  # fmt: skip
        self._enlisted, self._pool_at = enlisted, time.monotonic()

    async def _view(self, outlook: Outlook) -> View:
        reads = Benchmarks(self.gateway)
        terms, now = await reads.terms(), self.gateway.now
        trials = []
        for id_ in range(1, await reads.count() + 1):
            if id_ in self._ended:
                continue
            record, seats = await reads.certification(id_)
            if record.status in ENDED:
                self._ended.add(id_)
            else:
                trials.append(Trial(id_, record, tuple(seats)))
        epoch_entropy = await reads.entropy(int(now) // terms.cadence_seconds)
        patrol = self._patrol
        if self.keeper:
            await patrol.sweep(terms, {trial.record.processor for trial in trials})
        return View(
            processor=outlook.processor, rank=(outlook.processor - 1) % RANKS, now=now, terms=terms, trials=trials,
            epoch_entropy=epoch_entropy, surprisable=patrol.surprisable, unfit=patrol.unfit, drifted=patrol.drifted,
            keeper=self.keeper,
        )  # fmt: skip

    async def _perform(self, due: Due, trial: Trial | None) -> None:
        began = time.monotonic()
        try:
            await self._carry_out(due, trial)
        except WithheldForTest:
            log.warning("benchmark=%s step=%s withheld: test equipment", due.subject, due.step.name)
        except (ContractRefused, ContentUnavailable, ExaminerFailed, SaltUnknown, *TRANSIENT) as error:
            # Others were faster, or it will be possible later: what is still due then is tried again.
            level = logging.DEBUG if isinstance(error, ContractRefused) else logging.WARNING
            log.log(level, "benchmark=%s step=%s %s", due.subject, due.step.name, error)
        else:
            log.info("benchmark=%s step=%s seconds=%.1f", due.subject, due.step.name, time.monotonic() - began)

    async def _carry_out(self, due: Due, trial: Trial | None) -> None:
        if due.step is Step.Suspend:
            await self._send("suspendByRule", due.subject, contract="ProcessorRegistry")
        elif due.step is Step.OpenEpoch:
            await self._send("openEpoch")
        elif due.step is Step.Recheck:
            found = self._patrol.drifted.get(due.subject)
            if found is not None:  # it may have been benchmarked meanwhile
                await self._send("recheck", due.subject, found.shown.computations, found.shown.indices)
        elif due.step is Step.Surprise or trial is None:
            await self._send("surprise", due.subject)
        elif due.step in (Step.Convene, Step.Enforce):
            await self._send(due.step.value, trial.id)
        elif due.step is Step.Answer:
            await self._send("answer", trial.id, await self._answer(trial))
        elif due.step is Step.RevealSalt:
            await self._send("revealSalt", trial.id, due.seat, await self._salt(trial.seats[due.seat]))
        else:
            await self._score(due, trial)

    async def _send(self, function: str, *arguments: Any, contract: str = CONTRACT) -> None:
        await act(self.gateway, self.account, contract, function, *arguments)

    async def _salt(self, processor: int) -> bytes:
        """Return the salt that is next in the chain of this daemon's certifier."""
        _, salt = await self._chain(processor)
        if salt is None:
            raise SaltUnknown(f"processor {processor} is enlisted with salts of another key, or has used all of them")
        return salt

    async def _chain(self, processor: int) -> tuple[bytes, bytes | None]:
        """Return the secret of the chain that *processor* is enlisted with, and the next salt."""
        network = self.gateway.network
        tip = (await Benchmarks(self.gateway).certifier(processor)).tip
        enlisted = await self.gateway.logs(network.deployed_at, names=["CertifierEnlisted"])
        count = sum(event["certifier"] == processor for event in enlisted)
        root = b""
        for number in reversed(range(count)):
            root = salt_root(self.account, network.chain_id, network.deployment, processor, number)
            salt = await asyncio.to_thread(next_salt, root, tip)
            if salt is not None:
                return root, salt
        return root, None

    async def _answer(self, trial: Trial) -> bytes:
        """Run the circuits, unless the journal has what came of them, and return the digest of the counts."""
        kept = self.journal.kept("answer", trial.id, trial.record.round)
        if kept is not None:
            return kept
        content = await asyncio.to_thread(self.calibration.read_bytes)
        await asyncio.to_thread(self.store.put, content)
        task = await self._task(trial, content.decode())
        asked = (await examine(task)).get("requests", [])
        left = max(1.0, trial.record.deadline_at - self.gateway.now)
        # One at a time, so that leased computations, which share the workers, are never crowded out.
        results = [await self._run(fields, left) for fields in asked]
        digest = await asyncio.to_thread(self.store.put, encode_bundle(results))
        return self.journal.keep("answer", trial.id, trial.record.round, digest)

    async def _run(self, fields: Mapping[str, Any], left: float) -> dict[int, int] | None:
        """Run one payload of the challenge; a device that cannot do it answers nothing."""
        result = await self.engine.run(
            RunRequest(
                **fields,
                seed=int.from_bytes(os.urandom(8), "big") >> 1,
                time_limit_seconds=min(max(self.time_limit_seconds, 300.0), left),
                memory_limit_bytes=self.memory_limit_bytes,
            )
        )
        if result.counts is None:
            log.warning("a payload of the benchmark was refused: %s %s", result.refusal.name, result.message)
        if self.faulty is None or result.counts is None:
            return result.counts
        counts = self.faulty.answer(result.counts, fields["outcome_bits"], fields["shots"], fields["text"])
        if counts is None:
            raise WithheldForTest
        return counts

    async def _score(self, due: Due, trial: Trial) -> None:
        """Commit to scores, or open them."""
        record, certifier = trial.record, trial.seats[due.seat]
        measured, report = await self._scores(trial)
        root, _ = await self._chain(certifier)
        salt = keccak(root + trial.id.to_bytes(8, "big") + record.round.to_bytes(1, "big"))
        if due.step is Step.RevealScores:
            await self._send("revealScores", trial.id, due.seat, measured.to_chain(), report, salt)
            return
        commitment = commitment_of(
            self.gateway.network.chain_id, self.gateway.addresses[CONTRACT], trial.id, record.round, certifier,
            measured, report, salt,
        )  # fmt: skip
        await self._send("commitScores", trial.id, due.seat, commitment)

    async def _scores(self, trial: Trial) -> tuple[Measured, bytes]:
        """Return what this certifier says of the counts: what it has said already, if anything."""
        kept = self.journal.kept("scores", trial.id, trial.record.round)
        if kept is None:
            measured, report = await self._examined(trial)
            told = {"measured": measured.model_dump(by_alias=True), "report": report.hex()}
            kept = self.journal.keep("scores", trial.id, trial.record.round, json.dumps(told).encode())
        told = json.loads(kept)
        return Measured.from_chain(told["measured"]), bytes.fromhex(told["report"])

    async def _examined(self, trial: Trial) -> tuple[Measured, bytes]:
        record = trial.record
        terms = await Benchmarks(self.gateway).terms()
        claim = await Benchmarks(self.gateway).claim(record.processor, record.version)
        try:
            calibration = await asyncio.to_thread(self.store.get, claim.calibration_digest)
            bundle = await asyncio.to_thread(self.store.get, record.answer)
        except ContentUnavailable:
            if record.deadline_at - self.gateway.now > PATIENCE_SHARE * terms.window_seconds:
                raise  # it may come
            log.warning("benchmark=%s the answer is not in the store: nothing was measured", trial.id)
            return NOTHING, bytes(32)
        answer = await examine(await self._task(trial, calibration.decode(errors="replace"), bundle))
        if "invalid" in answer:
            log.warning("benchmark=%s not a claim: %s", trial.id, answer["invalid"])
        return Measured.from_chain(answer["measured"]), bytes.fromhex(answer["report"])

    async def _task(self, trial: Trial, calibration: str, bundle: bytes | None = None) -> dict[str, Any]:
        claim = await Benchmarks(self.gateway).claim(trial.record.processor, trial.record.version)
        return task_of(trial.record.seed, calibration, claim, bundle)
