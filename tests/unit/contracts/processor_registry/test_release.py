import pytest
from eth_hash.auto import keccak

from qcrs.model.assignment import AssignmentStatus
from tests.evm import artifacts, refused

COUNTERS = {
    AssignmentStatus.Accepted: "accepted",
    AssignmentStatus.Outlier: "outliers",
    AssignmentStatus.Silent: "silent",
    AssignmentStatus.Refused: "refused",
    AssignmentStatus.Released: None,
}
COUNTER_MAXIMUM = 2**24 - 1


@pytest.fixture
def leased(roster):
    """Three processors that lease two qubits each."""
    members = [roster.add(f"roster organisation {n}") for n in range(3)]
    roster.lease(count=3)
    return members


@pytest.mark.parametrize("fate", COUNTERS, ids=lambda fate: fate.name)
def test_release_ends_the_lease_and_counts_the_fate(roster, leased, fate):
    before = roster.standing(leased[0])
    receipt = roster.release([leased[0]], [fate])
    counted = {COUNTERS[fate]: 1} if COUNTERS[fate] else {}
    assert roster.standing(leased[0]) == before.model_copy(update={"leased_qubits": 0} | counted)
    assert receipt.result == [roster.registry.operatorOf(leased[0])]


def test_release_passes_over_zeros(roster, leased):
    fates = [AssignmentStatus.Unset, AssignmentStatus.Released]
    receipt = roster.release([0, leased[1]], fates)
    assert receipt.result == ["0x" + "00" * 20, roster.registry.operatorOf(leased[1])]
    assert [roster.standing(processor).leased_qubits for processor in leased] == [2, 0, 2]


def test_release_marks_the_unbonded_by_their_bits(roster, leased):
    receipt = roster.release(leased, [AssignmentStatus.Silent] * 3, unbonded=0b101)
    assert [roster.standing(processor).bonded for processor in leased] == [False, True, False]
    changed = [event.arguments for event in receipt.named("ProcessorBonded")]
    assert changed == [{"processor": p, "bonded": False} for p in (leased[0], leased[2])]


def test_release_tells_once_that_a_bond_is_short(roster, leased):
    roster.lease(count=3)
    roster.release(leased, [AssignmentStatus.Silent] * 3, unbonded=0b111)
    receipt = roster.release(leased, [AssignmentStatus.Silent] * 3, unbonded=0b111)
    assert receipt.named("ProcessorBonded") == []


@pytest.mark.parametrize("fate", [fate for fate, counter in COUNTERS.items() if counter])
def test_release_stops_counting_at_the_maximum(roster, leased, fate):
    counter = COUNTERS[fate]
    set_counter(roster, leased[0], counter, COUNTER_MAXIMUM)
    roster.release([leased[0]], [fate])
    assert getattr(roster.standing(leased[0]), counter) == COUNTER_MAXIMUM


def test_release_reverts_when_nothing_is_leased(roster, leased):
    roster.release([leased[0]], [AssignmentStatus.Released])
    with refused("Panic", code=0x11):
        roster.release([leased[0]], [AssignmentStatus.Released])


def test_release_reverts_for_all_but_the_allocator(world):
    for caller in (world.deployer, world.nodes[0].operator, world.stranger):
        with refused("CallerNotAllocator", account=caller):
            world.registry.release([1], [AssignmentStatus.Released], 1, 0, sender=caller)


def set_counter(roster, processor, counter, value):
    """Write a counter where the compiler keeps it."""
    layout = artifacts()["ProcessorRegistry"].storage_layout
    mapping = next(item for item in layout["storage"] if item["label"] == "_standings")
    struct = layout["types"][layout["types"][mapping["type"]]["value"]]
    member = next(item for item in struct["members"] if item["label"] == counter)
    slot = int.from_bytes(
        keccak(processor.to_bytes(32, "big") + int(mapping["slot"]).to_bytes(32, "big")), "big"
    ) + int(member["slot"])
    shift, chain = 8 * member["offset"], roster.world.chain
    word = chain.storage(roster.registry.address, slot)
    word = word & ~(COUNTER_MAXIMUM << shift) | value << shift
    chain.put_storage(roster.registry.address, slot, word)
    assert getattr(roster.standing(processor), counter) == value
