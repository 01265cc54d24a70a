"""Carrying out what benchmarks ask of a daemon: run, store, commit; fetch, score, commit, reveal; keep.

How things stand is read from the chain each time, so nothing is lost with the daemon. What it must say again in the
same words is journalled before it is said: the digest of its counts, and its scores. Its salts follow from its key.
"""

import asyncio
import json
import logging
import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qcrs.chain.codec import ContractRefused
from qcrs.chain.contracts import Allocator, Benchmarks, Registry
from qcrs.chain.gateway import Gateway
from qcrs.chain.keys import LocalAccount, salt_root
from qcrs.daemon.examining import Due, Step, Trial, View, decide
from qcrs.daemon.execution import TRANSIENT
from qcrs.daemon.journal import Journal
from qcrs.daemon.outlook import RANKS, Outlook
from qcrs.errors import QcrsError
from qcrs.model.certification import ENDED
from qcrs.model.processor import ProcessorStatus
from qcrs.model.records import CertificationTerms, Measured
from qcrs.quantum.client import EngineClient
from qcrs.quantum.examination import ExaminerFailed, encode_bundle, examine, task_of
from qcrs.quantum.request import RunRequest
from qcrs.rules.certifying import MAX_ROUNDS, commitment_of, next_salt
from qcrs.rules.digest import keccak
from qcrs.rules.measurement import NOTHING, SEATS
from qcrs.rules.reputation import is_unfit
from qcrs.store import ContentUnavailable, Store

log = logging.getLogger(__name__)

POLL_SECONDS = 2.0
RETRY_SECONDS = 3.0
SWEEP_SECONDS = 30.0
COUNTERS = ("accepted", "outliers", "silent", "refused", "failed")
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
    _ended: set[int] = field(default_factory=set)
    _tasks: dict[Due, asyncio.Task] = field(default_factory=dict)
    _again_at: dict[Due, float] = field(default_factory=dict)
    _surprisable: list[int] = field(default_factory=list)
    _unfit: list[int] = field(default_factory=list)
    _swept_at: float = -math.inf

    async def run(self, stop: asyncio.Event, outlook: Outlook) -> None:
        """Serve until *stop* is set.

        Raises:
            Exception: A defect; faults of the chain, the store and the engine are logged and tried again.
        """
        try:
            while not stop.is_set():
                for due, task in list(self._tasks.items()):
                    if task.done():
                        del self._tasks[due]
                        task.result()
                if outlook.processor:
                    await self._look(outlook)
                await asyncio.sleep(POLL_SECONDS)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _look(self, outlook: Outlook) -> None:
        try:
            view = await self._view(outlook)
        except TRANSIENT as error:
            log.debug("benchmarks not looked at: %s", error)
            return
        trials = {trial.id: trial for trial in view.trials}
        for due in decide(view):
            if due not in self._tasks and time.monotonic() >= self._again_at.get(due, 0.0):
                self._tasks[due] = asyncio.create_task(self._perform(due, trials.get(due.subject)))

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
        await self._sweep(terms, {trial.record.processor for trial in trials})
        return View(
            processor=outlook.processor, rank=(outlook.processor - 1) % RANKS, now=now, terms=terms, trials=trials,
            epoch_entropy=epoch_entropy, surprisable=self._surprisable, unfit=self._unfit,
            keeper=self.keeper,
        )  # fmt: skip

    async def _sweep(self, terms: CertificationTerms, busy: set[int]) -> None:
        """Look through all processors, now and then, for those that a keeper has something to do about."""
        if not self.keeper or time.monotonic() < self._swept_at + SWEEP_SECONDS:
            return
        self._swept_at = time.monotonic()
        reads, registry = Benchmarks(self.gateway), Registry(self.gateway)
        price = SEATS * terms.fee + (MAX_ROUNDS + 2) * await Allocator(self.gateway).keeper_bounty()
        self._surprisable, self._unfit = [], []
        for number in range(1, await registry.count() + 1):
            standing = await registry.standing(number)
            if standing.status is not ProcessorStatus.Certified:
                continue
            if is_unfit({name: getattr(standing, name) for name in COUNTERS}):
                self._unfit.append(number)
            if number not in busy and await reads.reserve(number) >= price:
                self._surprisable.append(number)

    async def _perform(self, due: Due, trial: Trial | None) -> None:
        began = time.monotonic()
        try:
            await self._carry_out(due, trial)
        except (ContractRefused, ContentUnavailable, ExaminerFailed, SaltUnknown, *TRANSIENT) as error:
            # Others were faster, or it will be possible later: what is still due then is tried again.
            level = logging.DEBUG if isinstance(error, ContractRefused) else logging.WARNING
            log.log(level, "benchmark=%s step=%s %s", due.subject, due.step.name, error)
        else:
            log.info("benchmark=%s step=%s seconds=%.1f", due.subject, due.step.name, time.monotonic() - began)
        self._again_at[due] = time.monotonic() + RETRY_SECONDS

    async def _carry_out(self, due: Due, trial: Trial | None) -> None:
        if due.step is Step.Suspend:
            await self._send("suspendByRule", due.subject, contract="ProcessorRegistry")
        elif due.step is Step.OpenEpoch:
            await self._send("openEpoch")
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
        await self.gateway.simulate(self.account, contract, function, *arguments)
        await self.gateway.send(self.account, contract, function, *arguments)

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
        return result.counts

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
