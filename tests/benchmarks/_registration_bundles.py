"""What bundles of commits cost, and reveals out of them: gas of real transactions on Ganache."""

import os
from dataclasses import dataclass
from typing import Any

from _consortium import Players
from _registration_keyholder import Keyholder

from qcrs.model.story import Duty, Story
from qcrs.rules import bundle, commitment
from qcrs.rules.count_sketch import sketch_of
from qcrs.rules.hash_keys import Call
from qcrs.rules.histogram import counts_root
from qcrs.sdk.terms import Circuit

ONE_QUBIT = 'OPENQASM 3.0;\ninclude "stdgates.inc";\nqubit[1] q;\nbit[1] c;\nh q[0];\nc[0] = measure q[0];\n'
REPLICAS, SHOTS = 5, 4096  # all five processors, so that the one measured has a seat in each computation
# Lanes and sizes, as far as the qubits of a devnet's processors reach: each commit here holds one.
BUNDLES = ((0, 4), (1, 16))
COUNTS = {0: SHOTS - 7, 1: 7}


@dataclass(frozen=True)
class Seat:
    """One assignment of the measured processor, and what hides its answer."""

    story: Story
    duty: Duty
    salt: bytes


async def bundles(players: Players, holder: Keyholder, processor: int) -> dict[str, Any]:
    """Return the gas of each commit in bundles of several sizes, and of reveals by themselves and out of a bundle."""
    sizes: list[int] = []
    each: list[float] = []
    seats: list[Seat] = []
    for lane, size in BUNDLES:
        standing = await players.gateway.call("ProcessorRegistry", "standingOf", processor)
        if size > standing["qubits"] - standing["leasedQubits"]:
            print(f"  a bundle of {size} needs more qubits than the processor has left: not measured", flush=True)
            continue
        seats = [await seat_of(players, processor) for _ in range(size)]
        before = await players.gateway.call("ResultVerifier", "bundleOf", processor, lane)
        items = [(s.story.computation, s.duty.index, commitment_of(players, s)) for s in seats]
        data = players.gateway.interfaces["ResultVerifier"].encode_call(
            "commitBundle", (processor, lane, before, items)
        )
        receipt = await holder.perform(Call(players.gateway.addresses["ResultVerifier"], data))
        if len([event for event in receipt.events if event.name == "ResultCommitted"]) != size:
            raise AssertionError(f"not all of a bundle of {size} commits were taken")
        sizes.append(size)
        each.append(receipt.gas_used / size)
    return {"sizes": sizes, "each": each, **await reveals(players, seats, lane=1)}


async def seat_of(players: Players, processor: int) -> Seat:
    """Have a computation allocated, and return the seat of *processor* in it."""
    story = await players.allocate(await players.submit(Circuit(ONE_QUBIT, 1, 1), REPLICAS, SHOTS))
    (duty,) = (duty for duty in story.duties if duty.processor == processor)
    return Seat(story, duty, os.urandom(32))


def commitment_of(players: Players, seat: Seat) -> bytes:
    """Return what the processor of *seat* commits to."""
    network, story = players.gateway.network, seat.story
    return commitment.of_result(
        network.chain_id, network.contracts["ResultVerifier"], story.computation, story.attempt,
        seat.duty.processor, counts_root(COUNTS), seat.salt,
    )  # fmt: skip


async def reveals(players: Players, seats: list[Seat], lane: int) -> dict[str, int]:
    """Return the gas of a reveal out of the bundle of *seats*, and of one of the same computation by itself."""
    seat = seats[0]
    others = [duty for duty in seat.story.duties if duty.index != seat.duty.index]
    for duty in others:
        await players.commit(seat.story, duty, COUNTS, bytes([duty.index]) * 32)
    story = await players.disclose(seat.story)
    root, sketch = counts_root(COUNTS), sketch_of(COUNTS, story.request.outcome_bits, story.seed)
    leaves = [
        bundle.leaf_of(s.story.computation, s.duty.index, s.story.attempt, commitment_of(players, s)) for s in seats
    ]
    openings = {
        "reveal": ("reveal", others[0].index, root, bytes([others[0].index]) * 32, sketch),
        "revealBundled": ("revealBundled", seat.duty.index, root, seat.salt, sketch, lane, bundle.proof_of(leaves, 0)),
    }
    spent = {}
    for name, (function, *opening) in openings.items():
        receipt = await players.gateway.send(
            players.client.account, "ResultVerifier", function, story.computation, *opening
        )
        spent[name] = receipt.gas_used
    return spent


def each_of_sixteen(bundled: dict[str, Any]) -> float:
    """Return the gas of each commit in the dearest bundle of 16."""
    return max(each for size, each in zip(bundled["sizes"], bundled["each"], strict=True) if size == 16)
