"""A logical qubit kept by two processors that share a channel: planned by the channel's test, manned, decoded again.

Imports Stim, since it samples what it offers: import it only where a memory is asked for.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qcrs.errors import QcrsError
from qcrs.model.entanglement import Channel, Session
from qcrs.quantum.correction import planning, syndromes
from qcrs.quantum.correction.code import LEFT, RIGHT, Basis
from qcrs.quantum.correction.decoder import Decoded, decode_apart
from qcrs.quantum.correction.job import Job
from qcrs.quantum.correction.memory import Memory
from qcrs.quantum.correction.noise import Noise, Rates
from qcrs.quantum.correction.pair import Pair, purify
from qcrs.quantum.correction.rate import Rate, infidelity_of_test
from qcrs.quantum.correction.verdict import expected_rate
from qcrs.quantum.entanglement.request import EngineLimits
from qcrs.quantum.session_part import MemoryPart
from qcrs.rules.histogram import counts_root
from qcrs.sdk.crew import Crew, CrewUnavailable
from qcrs.sdk.memory_crew import HALVES, Scene, halves_of
from qcrs.store import Store

SAMPLES = 100_000  # at most, of a memory whose distance is given
MOST_REPLANS = 8


class MemoryTooLarge(QcrsError):
    """The bits of all shots are more than a link hands out at once."""


class VerdictMismatch(QcrsError):
    """What a run's halves have shown decodes to another histogram than its members reported."""


@dataclass(frozen=True)
class Ask:
    """What is asked for: at most *logical_error*, of an experiment of *rounds* or else of a round; or a *distance*.

    Attributes:
        rounds: As many as the distance when None. shots: Of each run. verifiers: Of each run, who only decode.
    """

    shots: int
    logical_error: float | None = None
    distance: int | None = None
    rounds: int | None = None
    basis: Basis = Basis.Z
    runs: int = 1
    verifiers: int = 0


@dataclass(frozen=True)
class MemoryPlan:
    """A memory ready to be run by its crews.

    Attributes:
        code: Distance, purification, and what is expected, reckoned with the upper end of the channels' infidelity.
        job: With the likeliest noise: what all decode with. infidelity: Of the worst channel, as tested.
        detections: Share of detectors that may fire: from the lower to the upper end of what was tested.
    """

    code: planning.Plan
    job: Job
    crews: Sequence[Crew]
    infidelity: Rate
    detections: tuple[float, float]

    @property
    def digest(self) -> bytes:
        """What names the program."""
        return self.job.digest

    @property
    def outcome_bits(self) -> int:
        """Right, or a logical error."""
        return 1

    @property
    def phases(self) -> int:
        """Barriers after the arming one."""
        return syndromes.phases_for(self.job.rounds)

    @property
    def raw_pairs(self) -> int:
        """Raw pairs of one run, in the mean."""
        return self.code.raw_pairs * self.job.shots

    @property
    def seconds(self) -> float:
        """How long a link's source takes to make the pairs of one run."""
        return self.code.rounds * self.code.seconds_per_round * self.job.shots

    def parts(self, crew: Crew) -> Sequence[str]:
        """Return what each member of *crew* is sealed."""
        halves = halves_of(crew)
        return [MemoryPart(member=index, halves=halves, job=self.job).to_json() for index in range(len(crew.members))]

    def value(self) -> dict[str, Any]:
        """Return the plan for machines."""
        expected = self.code.sampled
        return {
            "distance": self.job.distance,
            "rounds": self.job.rounds,
            "basis": self.job.basis.value,
            "purificationRounds": self.job.purification_rounds,
            "crews": [list(crew.members) for crew in self.crews],
            "halves": [[crew.members[index] for index in halves_of(crew)] for crew in self.crews],
            "infidelity": [self.infidelity.value, self.infidelity.low, self.infidelity.high],
            "ebitsPerRound": self.code.pairs_per_round,
            "rawPairsPerRound": round(self.code.raw_pairs_per_round, 3),
            "rawPairs": self.raw_pairs,
            "seconds": self.seconds,
            "expectedDetections": list(self.detections),
            "expectedLogicalError": [expected.value, expected.low, expected.high],
        }


def plan_memory(scene: Scene, ask: Ask) -> MemoryPlan:
    """Return how what is asked for is run, by processors of *scene*.

    Raises:
        CrewUnavailable: Too few are joined by channels, or too few others are there to decode.
        SeamTooNoisy, LogicalErrorUnreachable: The channels do not allow it. MemoryTooLarge: Too many shots.
    """
    distance = ask.distance or scene.largest(ask.shots, ask.runs)
    manned = scene.manned(distance, 1, ask.shots, ask.runs)
    for _ in range(MOST_REPLANS):
        # Crews are chosen by their channels; how many pairs these must have follows from the plan.
        worst = max((scene.channel(crew) for crew in manned), key=lambda channel: _infidelity(channel).high)
        bulk = Rates.of_devices([scene.devices[processor] for crew in manned for processor in crew.members])
        speed = min(scene.speeds[crew.link] for crew in manned)
        code = _code(ask, distance, bulk, _infidelity(worst), speed)
        again = scene.manned(code.distance, code.raw_pairs, ask.shots, ask.runs)
        if [crew.members for crew in again] == [crew.members for crew in manned]:
            return _planned(ask, code, bulk, scene, worst, again)
        manned = again
    raise CrewUnavailable(f"no crew has pairs enough for the plan made for it, {MOST_REPLANS} times over")


async def recompute(store: Store, plan: MemoryPlan, session: Session) -> Decoded:
    """Decode what the halves of *session* have shown, as its members did.

    Raises:
        ContentUnavailable, ContentMismatch, RecordInvalid, DecodingFailed: It cannot be decoded.
        VerdictMismatch: It comes to another histogram than was reported.
    """
    crew = next(crew for crew in plan.crews if crew.members == session.members)
    records = []
    for half, member in zip(HALVES, halves_of(crew), strict=True):
        digests = [session.digests[phase, member] for phase in range(1, plan.phases)]
        files = [await asyncio.to_thread(store.get, digest) for digest in digests]
        records.append(await asyncio.to_thread(syndromes.record_of, plan.job, session.session, half, files))
    found = await decode_apart(plan.job, (records[LEFT], records[RIGHT]))
    reported = {root for root, _ in session.reports.values()}
    if reported != {counts_root(found.counts)}:
        raise VerdictMismatch(
            f"session {session.session}: decoded {found.counts}, whose root is 0x{counts_root(found.counts).hex()}; "
            f"its members reported {', '.join('0x' + root.hex() for root in reported)}"
        )
    return found


def _code(ask: Ask, distance: int, bulk: Rates, infidelity: Rate, speed: float) -> planning.Plan:
    if ask.logical_error is None:
        limits = planning.Limits(shots=SAMPLES)
        return planning.quoted(distance, ask.rounds or distance, bulk, infidelity, speed, limits)
    wish = planning.Wish(ask.logical_error, ask.rounds)
    return planning.plan(wish, bulk, infidelity, speed, planning.Limits(distance=distance))


def _planned(
    ask: Ask, code: planning.Plan, bulk: Rates, scene: Scene, worst: Channel, manned: Sequence[Crew]
) -> MemoryPlan:  # fmt: skip
    likeliest, low, high = (
        Pair.of(purify(Pair.werner(infidelity), code.purified.rounds).pair) for infidelity in scene.infidelities(worst)
    )
    memory = Memory(code.distance, code.rounds, ask.basis)
    job = Job.of(memory, Noise(bulk, likeliest), ask.shots, code.purified.rounds)
    _require_size(job)
    detections = expected_rate(job, low), expected_rate(job, high)
    return MemoryPlan(code, job, scene.with_verifiers(manned, ask.verifiers), _infidelity(worst), detections)


def _require_size(job: Job) -> None:
    most = EngineLimits().answer_mebibytes << 20
    each = sum(job.record_bytes(half) for half in HALVES) // job.shots
    if each * job.shots > most:
        raise MemoryTooLarge(
            f"{job.shots} shots of {each} bytes: a link hands out {most} bytes at once; ask for at most "
            f"{most // each} shots, or fewer rounds"
        )


def _infidelity(channel: Channel) -> Rate:
    return infidelity_of_test(channel.errors_z + channel.errors_x, channel.tested)
