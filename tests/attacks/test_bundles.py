"""What a processor could hope to gain by bundling its commits: two answers, another's, or a way back."""

import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.model.assignment import AssignmentStatus
from qcrs.rules import bundle
from tests.bundled import NO_ROOT, allocated, items_of, leaves_of, post, reveal, seats_of
from tests.doors import key_node
from tests.evm import refused

Assigned, Committed = AssignmentStatus.Assigned, AssignmentStatus.Committed


@pytest.fixture
def node(world):
    return world.nodes[0]


@pytest.fixture
def seats(world, node):
    return seats_of(node, allocated(world, 2))


def settle_on(world, job, but):
    """Let all *but* one seat commit, the requester disclose, and the others reveal."""
    job.commit_all().disclose()
    job.reveal_all(but)


def test_second_bundle_does_not_bind_to_a_second_answer(world, node, seats):
    """A processor that could choose between two roots at the reveal would answer when it knows the seed."""
    (job, index), spare = seats
    honest_root = job.root(index) if index in job.counts else None
    post(world, node, [seats[0]])
    assert honest_root is None
    before = world.verifier.bundleOf(node.id, 0)
    first = job.counts[index]
    job.counts[index] = {1: job.request.shots}
    forged = bundle.leaf_of(job.id, index, 1, job.commitment(index))
    receipt = world.verifier.commitBundle(
        node.id, 1, NO_ROOT, [*items_of([seats[0]]), *items_of([spare])], sender=node.daemon
    )
    assert receipt.event("CommitPassedOver")["computation"] == job.id
    settle_on(world, job, index)
    leaves = [forged, *leaves_of([spare])]
    for lane, proof_leaves in ((1, leaves), (1, [forged]), (0, [forged])):
        with refused("BundleMismatch"):
            reveal(world, seats, 0, lane, proof_leaves)
    assert world.verifier.bundleOf(node.id, 0) == before
    job.counts[index] = first
    reveal(world, [seats[0]], 0)


def test_who_overwrites_its_bundle_has_nothing_left_to_reveal(world, node, seats):
    post(world, node, [seats[0]])
    before = world.verifier.bundleOf(node.id, 0)
    post(world, node, [seats[1]], before=before)
    job, index = seats[0]
    settle_on(world, job, index)
    for answer in (job.counts[index], {1: job.request.shots}):
        job.counts[index] = answer
        with refused("BundleMismatch"):
            reveal(world, [seats[0]], 0)
    job.end_phase()
    assert world.bonds.bondOf(node.id) > 0
    bond = world.bonds.bondOf(node.id)
    job.settle()
    assert job.fates[index] is AssignmentStatus.Silent
    assert world.bonds.bondOf(node.id) < bond


def test_transaction_thought_lost_spoils_no_later_bundle(world, node, seats):
    """Two transactions for one lane: whichever comes second is refused, and what the first bound can be revealed."""
    post(world, node, [seats[0]])
    with refused("LaneTaken"):
        post(world, node, [seats[1]])
    job, index = seats[0]
    settle_on(world, job, index)
    reveal(world, [seats[0]], 0)


def test_bundle_binds_no_other_processor_and_copies_no_commitment(world, node, seats):
    """The processor stands in what is committed to, so another's commitment opens to nothing here."""
    job, index = seats[0]
    victim = (index + 1) % 5
    job.commit(victim)
    stolen = job.commitment(victim)
    third = (index + 2) % 5
    items = [(job.id, index, stolen), (job.id, third, stolen)]
    receipt = world.verifier.commitBundle(node.id, 0, NO_ROOT, items, sender=node.daemon)
    assert (receipt.result, job.fates[third]) == (1, Assigned)
    settle_on(world, job, index)
    job.counts[index] = job.counts[victim]
    leaf = bundle.leaf_of(job.id, index, 1, stolen)
    assert world.verifier.bundleOf(node.id, 0) == leaf
    with refused("BundleMismatch"):
        world.verifier.revealBundled(
            job.id, index, job.root(victim), job.salt(victim), job.sketch(victim), 0, [], sender=node.daemon
        )


def test_node_of_the_tree_passes_for_no_commit(world, node, seats):
    """A root over two is no leaf: its preimage has another length."""
    post(world, node, seats)
    job, index = seats[0]
    settle_on(world, job, index)
    root = world.verifier.bundleOf(node.id, 0)
    for proof in ([], [root], [leaves_of(seats)[0]]):
        with refused("BundleMismatch"):
            world.verifier.revealBundled(
                job.id, index, job.root(index), job.salt(index), job.sketch(index), 0, proof, sender=node.daemon
            )


def test_poster_cannot_burn_a_full_bundle_by_too_little_gas(world, node):
    """What the door asks for before it calls is enough for the largest bundle."""
    seats = seats_of(node, allocated(world, bundle.MAX_BUNDLE))
    _, daemon = key_node(world, 1)
    action, ecdsa, signature = daemon.signed(
        daemon.action(world.verifier, "commitBundle", node.id, 0, NO_ROOT, items_of(seats))
    )
    outcomes = set()
    for gas in range(100_000, 900_000, 25_000):
        with world.chain.undone():
            try:
                receipt = world.hash_keys.perform(action, ecdsa, signature, sender=world.stranger, gas=gas)
            except (ContractRefused, RuntimeError):  # the second is out of gas
                outcomes.add("refused")
            else:
                outcomes.add((len(receipt.named("ResultCommitted")), daemon.word.next_leaf))
    assert outcomes == {"refused", (bundle.MAX_BUNDLE, 2)}, "a leaf was burnt for nothing"
