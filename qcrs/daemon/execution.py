"""Carrying out one action: run, commit, refuse, reveal, defend, settle, and the keeper's calls.

Each does its slow parts away from the event loop and leaves a record of where the time went.
"""

import asyncio
import logging
import os
import time
from dataclasses import dataclass, field

from qcrs.chain.contracts import Registry
from qcrs.chain.gateway import ChainUnreachable, Gateway, Receipt, TransactionLost, TransactionRefused
from qcrs.chain.keys import LocalAccount
from qcrs.chain.report import RevealReport
from qcrs.crypto.keys import Keys
from qcrs.daemon import duties
from qcrs.daemon.bundles import Bundles, Opening
from qcrs.daemon.committing import Commit, Committer
from qcrs.daemon.journal import Answer, Journal
from qcrs.daemon.outbox import Outbox, signed_commit
from qcrs.daemon.payload import PayloadRefused, Payloads
from qcrs.daemon.stopwatch import Stopwatch
from qcrs.door import Door
from qcrs.errors import QcrsError
from qcrs.model.refusal import RefusalCode
from qcrs.model.story import Duty, Story
from qcrs.quantum.client import EngineClient
from qcrs.quantum.errors import EngineFailed
from qcrs.quantum.faults import FaultyAnswers
from qcrs.quantum.request import RunRequest
from qcrs.rules import commitment, evidence
from qcrs.rules.bundle import leaf_of
from qcrs.rules.count_sketch import sketch_of
from qcrs.rules.histogram import counts_root
from qcrs.rules.keeping import Step, arguments_of
from qcrs.rules.reserving import ReservationStep
from qcrs.store import ContentUnavailable, Store
from qcrs.vault import Vault

log = logging.getLogger(__name__)

# Runs end well before the commit is due.
RUN_SHARE_OF_PHASE = 0.8
# Refusals that only say another was faster, or that the time has not come.
RACES = frozenset({
    "UnexpectedComputationStatus", "UnexpectedAssignmentStatus", "ComputationNotDue", "DeadlineOpen", "DeadlinePassed",
    "TooFewEligibleProcessors", "QuorumRevealed", "TooFewRevealed", "SettlementLengthMismatch", "RevealMismatch",
    "UnexpectedChallengeStatus", "ProgressMismatch", "OutOfGasOrRaced", "ComputationsAhead", "ComputationNotAhead",
    "ComputationOutOfReach", "CommitPassedOver", "NoCommitDue", "LaneTaken",
    "ProcessorsAssigned", "ComputationPlaceable", "ExchangeUnfit", "ExchangeNotChosen", "UnexpectedReservationStatus",
    "ReservationNotDue", "ReservationOverdue", "QubitsUnavailable", "ProcessorUnavailable", "WorkStopped",
})  # fmt: skip
KEYED = frozenset({"commit", "refuse", "drain"})  # not by ECDSA alone, as beats and reveals are: see IProcessorRegistry
# Faults that pass by themselves: the node away, coin for gas on its way, an engine that has to start again.
TRANSIENT = (ChainUnreachable, TransactionLost, TransactionRefused, EngineFailed)


class AnswerLost(QcrsError):
    """A commitment stands on chain and its answer is in no journal here; the assignment will go silent."""


class WithheldForTest(Exception):
    """The test equipment keeps silent on purpose."""


@dataclass
class Executor:
    """The means with which one daemon acts.

    Attributes:
        faulty: Test equipment that falsifies answers; None in an honest daemon.
        outbox: Where reports are left to a relayer; None when the daemon sends all itself.
        door: Through which a keyed daemon acts, so that its commits go to no relayer; None of one without a hash key.
        bundles: Those that bind its processor. committer: Posts its commits; None without a hash key.
        vault, keys: What encrypted circuits are opened and answers signed with; None on a processor without keys.
    """

    gateway: Gateway
    account: LocalAccount
    journal: Journal
    engine: EngineClient
    store: Store
    processor: int
    time_limit_seconds: float
    memory_limit_bytes: int
    faulty: FaultyAnswers | None = None
    outbox: Outbox | None = None
    door: Door | None = None
    bundles: Bundles = field(default_factory=Bundles)
    committer: Committer | None = None
    vault: Vault | None = None
    keys: Keys | None = None

    async def carry_out(self, action: duties.Action, story: Story | None) -> dict[str, float]:
        """Do *action* and return how long its parts took.

        Raises:
            ContractRefused: The chain has moved on, or the action was wrong.
            ChainUnreachable: The chain does not answer.
            WithheldForTest: The daemon was told to be silent.
        """
        watch = Stopwatch()
        if isinstance(action, duties.Beat):
            await self._send(watch, "ProcessorRegistry", "heartbeat", self.processor)
        elif isinstance(action, duties.Drain):
            await self._send(watch, "ProcessorRegistry", "drain", self.processor, action.draining)
        elif isinstance(action, duties.Tend):
            await self._step(watch, action.step, (action.reservation,))
        elif story is None:
            raise AssertionError(f"{action} without a story")
        elif isinstance(action, duties.Answer):
            await self._answer(story, story.duties[action.index], action, watch)
        elif isinstance(action, duties.Reveal):
            await self._reveal(story, story.duties[action.index], action, watch)
        elif isinstance(action, duties.HandIn):
            await self._hand_in(story, action, watch)
        elif isinstance(action, duties.Defend):
            await self._defend(story, action, watch)
        else:
            await self._step(watch, action.step, arguments_of(action.step, story, action.others))
        return watch.report()

    async def _step(self, watch: Stopwatch, step: Step | ReservationStep, arguments: tuple) -> None:
        """Take a permissionless step, unless a simulation says that it would be in vain."""
        contract, function = step.value
        with watch.chained():
            await self.gateway.simulate(self.account, contract, function, *arguments)
        await self._send(watch, contract, function, *arguments)

    async def _answer(self, story: Story, duty: Duty, action: duties.Answer, watch: Stopwatch) -> None:
        """Commit to the answer, or refuse the payload."""
        digest = await self._commitment(story, duty, watch)
        if digest is not None:
            self._take_back(action)
            if self.committer is None:
                await self._send(watch, "ResultVerifier", "commit", story.computation, duty.index, digest)
            else:
                with watch.chained():
                    await self.committer.post(Commit(story.computation, duty.index, duty.attempt, digest))

    async def _reveal(self, story: Story, duty: Duty, action: duties.Reveal, watch: Stopwatch) -> None:
        """Publish the histogram, then open the commitment."""
        opening = await self._opening(story, duty)
        self._take_back(action)
        bundled = self._bundled(story, duty)
        if bundled is None:
            await self._send(watch, "ResultVerifier", "reveal", *opening)
        else:
            await self._send(watch, "ResultVerifier", "revealBundled", *opening, bundled.lane, bundled.proof)

    async def _hand_in(self, story: Story, action: duties.HandIn, watch: Stopwatch) -> None:
        """Leave a commit or a reveal to the relayer, once its answer is in the journal."""
        duty = story.duties[action.report.index]
        if self.outbox is None:
            raise AssertionError(f"{action} without an outbox")
        if isinstance(action.report, duties.Answer):
            if self.door is not None:
                return await self._answer(story, duty, action.report, watch)
            digest = await self._commitment(story, duty, watch)
            if digest is None:
                return
            payee = await Registry(self.gateway).operator(self.processor)
            item = await asyncio.to_thread(signed_commit, self.account, self.gateway, action, digest, payee)
        elif self._bundled(story, duty) is not None:  # which a relay does not take
            return await self._reveal(story, duty, action.report, watch)
        else:
            computation, index, root, salt, sketch = await self._opening(story, duty)
            item = RevealReport(computation=computation, index=index, counts_root=root, salt=salt, sketch=sketch)
        self.outbox.put(action.report, item, self.gateway.now)

    def _bundled(self, story: Story, duty: Duty) -> Opening | None:
        """Return what shows that a bundle binds an assignment; after an escalation it is bound by itself."""
        leaf = leaf_of(story.computation, duty.index, story.attempt, duty.commitment)
        return self.bundles.opening(story.computation, duty.index, leaf)

    def _take_back(self, report: duties.Answer | duties.Reveal) -> None:
        if self.outbox is not None:
            self.outbox.take_back(report)

    async def _commitment(self, story: Story, duty: Duty, watch: Stopwatch) -> bytes | None:
        """Return the commitment to the journalled answer, or to a new one; None when the payload was refused."""
        answer = self.journal.answer(story.computation, duty.index, duty.attempt)
        if answer is None:
            outcome = await self._run(story, watch)
            if isinstance(outcome, RefusalCode):
                await self._send(watch, "ResultVerifier", "refuse", story.computation, duty.index, int(outcome))
                return None
            root = await asyncio.to_thread(counts_root, self._bound(outcome))
            answer = self.journal.record(
                story.computation, duty.index, duty.attempt, Answer(os.urandom(32), root, outcome)
            )
        return commitment.of_result(
            self.gateway.network.chain_id,
            self.gateway.addresses["ResultVerifier"],
            story.computation,
            duty.attempt,
            self.processor,
            answer.counts_root,
            answer.salt,
        )

    async def _opening(self, story: Story, duty: Duty) -> tuple[int, int, bytes, bytes, list[int]]:
        """Return what opens the commitment, once the histogram is published."""
        answer = self.journal.answer(story.computation, duty.index, duty.attempt)
        if answer is None:
            raise AnswerLost(f"the journal has no answer behind the commitment to computation {story.computation}")
        if story.seed is None:
            raise AssertionError(f"computation {story.computation} is revealing without a seed")
        await asyncio.to_thread(self._publish, story.computation, duty.index, answer)
        sketch = await asyncio.to_thread(sketch_of, answer.counts, story.request.outcome_bits, story.seed)
        return story.computation, duty.index, answer.counts_root, answer.salt, sketch

    def _publish(self, computation: int, index: int, answer: Answer) -> None:
        """Put the histogram into the store, signed if this processor has keys."""
        try:
            self.store.put_histogram(answer.counts_root, self._bound(answer.counts))
            if self.vault is not None and self.keys is not None:
                self.vault.sign_answer(self.keys.signing, computation, index, answer.counts_root)
        except ContentUnavailable as error:
            # The reveal is what is due; up to 8 outcome bits it holds the whole histogram anyway.
            log.error("computation=%s histogram not stored: %s", computation, error)

    async def _defend(self, story: Story, action: duties.Defend, watch: Stopwatch) -> None:
        """Show the leaves that are due of a histogram that somebody demands to see."""
        duty = story.duties[action.index]
        answer = self.journal.answer(story.computation, duty.index, duty.attempt)
        if answer is None:
            raise AnswerLost(f"the journal has no histogram behind the answer to computation {story.computation}")
        if story.seed is None:
            raise AssertionError(f"computation {story.computation} has a verdict without a seed")
        bits, digest, seed = story.request.outcome_bits, evidence.sketch_digest(duty.sketch), story.seed

        def step() -> evidence.Step:
            return next(evidence.answer_steps(self._bound(answer.counts), digest, bits, seed, start=action.next))

        await self._send(watch, "Challenges", "answer", action.challenge, *await asyncio.to_thread(step))

    def _bound(self, counts: dict[int, int]) -> dict[int, int]:
        """Return the histogram under the root of the answer *counts*: itself, but for test equipment."""
        return counts if self.faulty is None else self.faulty.bound(counts)

    async def _run(self, story: Story, watch: Stopwatch) -> dict[int, int] | RefusalCode:
        """Return counts, or why there are none."""
        request = story.request
        keys = self.keys
        payloads = Payloads(self.store, self.vault, None if keys is None else keys.opening, lambda: self.gateway.now)
        try:
            text = await payloads.text(story)
        except PayloadRefused as error:
            log.warning("computation=%s refused code=%s %s", story.computation, error.code.name, error)
            return error.code
        finally:
            watch.key = payloads.waited * 1e3
        left = max(1.0, (story.phase_ends_at - self.gateway.now) * RUN_SHARE_OF_PHASE)
        began = time.perf_counter()
        asked = RunRequest(
            text=text,
            shots=request.shots,
            seed=int.from_bytes(os.urandom(8), "big") >> 1,
            qubits=request.qubits,
            outcome_bits=request.outcome_bits,
            depth_class=request.depth_class,
            time_limit_seconds=min(self.time_limit_seconds, left),
            memory_limit_bytes=self.memory_limit_bytes,
        )
        result = await self.engine.run(asked)
        watch.engine += (time.perf_counter() - began) * 1e3
        if result.counts is None:
            refusal = (story.computation, result.refusal.name, result.message)
            log.warning("computation=%s refused code=%s %s", *refusal)
            return result.refusal
        if self.faulty is None:
            return result.counts
        counts = self.faulty.answer(result.counts, request.outcome_bits, request.shots, text)
        if counts is None:
            raise WithheldForTest
        return counts

    async def _send(self, watch: Stopwatch, contract: str, function: str, *arguments) -> Receipt:
        with watch.chained():
            if self.door is not None and function in KEYED:
                return await self.door.send(contract, function, *arguments)
            return await self.gateway.send(self.account, contract, function, *arguments)
