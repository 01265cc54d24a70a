"""``qcrs session memory``: a logical qubit kept by two processors, under error correction across their boundary."""

import argparse
import asyncio
from collections.abc import Collection
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from qcrs.cli.options import add_network, add_signer, command, emit, number, run_with_client, whole
from qcrs.cli.session_order import add_terms, outcome_lines, outcome_value, see_through
from qcrs.errors import QcrsError
from qcrs.model.entanglement import Session
from qcrs.model.session import SessionStatus
from qcrs.rules.agreement import Verdict
from qcrs.sdk.client import Client
from qcrs.sdk.session import Outcome

if TYPE_CHECKING:
    from qcrs.quantum.correction.decoder import Decoded
    from qcrs.quantum.correction.rate import Rate
    from qcrs.sdk.memory import MemoryPlan

Found = dict[int, "Decoded | QcrsError"]  # by session
_RATE = number("a rate above 0 and below 0.5", lambda value: 0 < value < Decimal("0.5"))


def add_arguments(verbs: argparse._SubParsersAction) -> None:
    """Add the verb."""
    memory = command(
        verbs, "memory", _memory, "keep a logical qubit on two processors under error correction",
        description="Have two processors that share a channel keep a logical qubit in a surface code that lies across "
        "their boundary, and all members decode what both measured. How large a code that takes follows from the "
        "channel's test. It is a memory: no logical gate is done. What it takes is said first; --dry-run stops there.",
    )  # fmt: skip
    wanted = memory.add_mutually_exclusive_group(required=True)
    wanted.add_argument(
        "--logical-error", type=_RATE, metavar="P",
        help="at most this a round; with --rounds, in an experiment of so many",
    )  # fmt: skip
    wanted.add_argument("--distance", type=int, choices=(3, 5, 7), help="of the code, instead")
    memory.add_argument("--rounds", type=whole(1, 1_000), help="of syndromes; as many as the distance by default")
    memory.add_argument("--basis", choices=("z", "x"), default="z", help="which logical state is kept: 0 or + (z)")
    memory.add_argument("--shots", type=whole(1, 65_535), default=4096, help="of each run (4096)")
    memory.add_argument("--runs", type=whole(1, 5), default=1, help="of the whole, by different processors (1)")
    memory.add_argument("--verifiers", type=whole(0, 10), default=0, help="processors of each run that only decode (0)")
    add_terms(memory)
    add_network(memory)
    add_signer(memory, "researcher")


def _memory(options: argparse.Namespace) -> int:
    async def work(client: Client) -> int:
        # Stim and the decoder take a second to import: only here.
        from qcrs.quantum.correction.code import Basis
        from qcrs.sdk.memory import Ask, plan_memory
        from qcrs.sdk.memory_crew import read_scene

        ask = Ask(
            options.shots, options.logical_error, options.distance, options.rounds, Basis(options.basis.upper()),
            options.runs, options.verifiers,
        )  # fmt: skip

        async def planned(excluded: Collection[int]) -> "MemoryPlan":
            scene = await read_scene(client.gateway, client.store, await client.market(), excluded)
            return await asyncio.to_thread(plan_memory, scene, ask)

        done = await see_through(client, options, planned, _quoted, lambda plan: plan.phases)
        if done is None:
            return 0
        plan, outcome = done
        found = await _recomputed(client, plan, outcome)
        emit(options, _value(outcome, plan, found), "\n".join(_lines(outcome, plan, found)))
        good = outcome.verdict in (Verdict.Accepted, Verdict.Unverified)
        return 0 if good and not any(isinstance(one, QcrsError) for one in found.values()) else 1

    return run_with_client(options, work)


async def _recomputed(client: Client, plan: "MemoryPlan", outcome: Outcome) -> Found:
    """Decode the runs that were paid, again and from the store alone."""
    from qcrs.sdk.memory import recompute

    found: Found = {}
    for session in _paid(outcome):
        try:
            found[session.session] = await recompute(client.store, plan, session)
        except QcrsError as error:
            found[session.session] = error
    return found


def _paid(outcome: Outcome) -> list[Session]:
    return [session for session in outcome.sessions if session.status is SessionStatus.Paid]


def _quoted(plan: "MemoryPlan") -> list[str]:
    code, job = plan.code, plan.job
    halves = "; ".join(" and ".join(map(str, pair)) for pair in plan.value()["halves"])
    return [
        f"distance {job.distance}, {job.rounds} rounds, basis {job.basis.value}, {job.purification_rounds} rounds of "
        f"purification; halves on processors {halves}",
        f"infidelity of the channel {plan.infidelity} as tested; planned with the upper end",
        f"{code.pairs_per_round} ebits a round, {plan.raw_pairs:,} raw pairs a run of {job.shots} shots, which take "
        f"the link {plan.seconds:.3g} s",
        f"logical error expected, in the worse basis: {code.sampled} an experiment, sampled",
    ]


def _pooled(outcome: Outcome) -> "Rate | None":
    from qcrs.quantum.correction.rate import clopper_pearson

    if not outcome.counts:
        return None
    return clopper_pearson(outcome.counts.get(1, 0), sum(outcome.counts.values()))


def _each(rate: "Rate", rounds: int) -> tuple[float, float, float]:
    from qcrs.quantum.correction.rate import per_round

    return per_round(rate.value, rounds), per_round(rate.low, rounds), per_round(rate.high, rounds)


def _value(outcome: Outcome, plan: "MemoryPlan", found: Found) -> dict[str, Any]:
    rate, ebits = _pooled(outcome), plan.code.pairs_per_round
    told: dict[str, Any] = {"errors": None, "shots": None, "logicalError": None, "logicalErrorPerRound": None}
    if rate is not None:
        told = {
            "errors": rate.errors,
            "shots": rate.shots,
            "logicalError": [rate.value, rate.low, rate.high],
            "logicalErrorPerRound": list(_each(rate, plan.job.rounds)),
        }
    return {
        **outcome_value(outcome, plan),
        **told,
        "ebitsPerRound": ebits,
        "ebits": ebits * plan.job.rounds * plan.job.shots * len(_paid(outcome)),
        "verdicts": [_verdict(session, one) for session, one in found.items()],
    }


def _verdict(session: int, found: "Decoded | QcrsError") -> dict[str, Any]:
    if isinstance(found, QcrsError):
        return {"session": session, "error": type(found).__name__, "message": str(found)}
    return {
        "session": session,
        "digest": found.digest,
        "errors": found.errors,
        "shots": found.shots,
        "detectionRate": found.detection_rate,
        "expectedRate": found.expected_rate,
    }


def _lines(outcome: Outcome, plan: "MemoryPlan", found: Found) -> list[str]:
    lines, rate, ebits = outcome_lines(outcome), _pooled(outcome), plan.code.pairs_per_round
    if rate is None:
        return lines
    value, low, high = _each(rate, plan.job.rounds)
    shots = plan.job.rounds * plan.job.shots * len(_paid(outcome))
    lines += [
        f"logical error  {rate} an experiment of {plan.job.rounds} rounds; {rate.errors} in {rate.shots} shots",
        f"               {value:.2e} [{low:.2e}, {high:.2e}] a round; intervals of 95 %, Clopper and Pearson's",
        f"ebits          {ebits} a round, {ebits * shots:,} in all",
    ]
    for session, one in found.items():
        if isinstance(one, QcrsError):
            lines.append(f"session {session}  not decoded again here: {type(one).__name__}: {one}")
            continue
        lines += [
            f"session {session}  verdict {one.digest}, decoded again here",
            f"  detectors fired {one.detection_rate:.4f} of the time; the noise predicts {one.expected_rate:.4f}, "
            f"{plan.detections[0]:.4f} to {plan.detections[1]:.4f} within the interval of the channel's test",
        ]
    return lines
