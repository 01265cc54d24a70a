"""Reports of keyed daemons, posted by another: one hash-based signature for all of a daemon's in a transaction."""

import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.rules.digest import keccak
from tests.doors import key_node
from tests.evm import refused
from tests.reports import reason_of


@pytest.fixture
def jobs(world):
    return [world.submit().allocate() for _ in range(2)]


@pytest.fixture
def daemon(world, jobs):
    """The keyed daemon of a node that has a seat in both jobs, as of three of five one always has."""
    nodes = [{job.node(index).id: job.node(index) for index in range(3)} for job in jobs]
    shared = nodes[0][min(set(nodes[0]) & set(nodes[1]))]
    return key_node(world, world.nodes.index(shared) + 1)[1]


def seats_of(daemon, jobs):
    return [(job, index) for job in jobs for index in range(3) if job.node(index).daemon == daemon.account]


@pytest.fixture
def seat(daemon, jobs):
    """The daemon's seat in the first job."""
    return seats_of(daemon, jobs)[0][1]


def bundle(world, daemon, items, leaf=None):
    """Return the daemon's signature of all *items*."""
    digests = b"".join(world.relay.digestOf(item.report.to_chain()) for item in items)
    return daemon.account, daemon.attest(world.relay.address, keccak(digests), leaf)


def post(world, items, bundles=(), **sending):
    reports = [item.report.to_chain() for item in items]
    signatures = [item.signature for item in items]
    return world.relay.relayBundles(reports, signatures, list(bundles), [], sender=world.stranger, **sending)


def test_bundle_covers_all_reports_of_its_daemon(world, office, jobs, daemon):
    items = [office.signed(job, index) for job in jobs for index in range(3)]
    own = [office.signed(job, index) for job, index in seats_of(daemon, jobs)]
    receipt = post(world, items, [bundle(world, daemon, own)])
    assert receipt.result == 6
    assert [job.status for job in jobs] == [ComputationStatus.Committed] * 2
    assert receipt.names.count("Attested") == 1


def test_report_of_a_keyed_daemon_is_skipped_without_its_bundle(world, office, jobs, seat):
    items = [office.signed(jobs[0], index) for index in range(3)]
    for post_ in (lambda: post(world, items), lambda: office.post(*items)):
        with world.chain.undone():
            receipt = post_()
            assert receipt.result == 2
            (skipped,) = receipt.named("CommitSkipped")
            assert reason_of(skipped).name == "HashSignatureRequired"
            assert jobs[0].fates[seat] is AssignmentStatus.Assigned


def test_relayer_cannot_add_or_leave_out_a_report_of_the_bundle(world, office, jobs, daemon):
    own = [office.signed(job, index) for job, index in seats_of(daemon, jobs)]
    assert len(own) == 2
    for signed, posted in ((own, own[:1]), (own[:1], own)):
        with world.chain.undone():
            receipt = post(world, posted, [bundle(world, daemon, signed, 1)])
            assert receipt.result == 0
            (skipped,) = receipt.named("BundleSkipped")
            assert reason_of(skipped).name == "HashSignatureInvalid"
            assert daemon.word.next_leaf == 1


def test_bundle_is_taken_once(world, office, jobs, daemon, seat):
    own = [office.signed(jobs[0], seat)]
    signed = bundle(world, daemon, own)
    assert post(world, own, [signed]).result == 1
    receipt = post(world, own, [signed])
    assert receipt.result == 0
    assert reason_of(receipt.named("BundleSkipped")[0]).name == "LeafBurnt"


def test_hash_key_alone_reports_nothing(world, office, jobs, daemon, seat):
    """Whoever has it and not the ECDSA key signs the bundle, and somebody else's name under the report."""
    item = office.signed(jobs[0], seat)
    forged = type(item)(item.report, office.signed(jobs[0], (seat + 1) % 3).signature)
    receipt = post(world, [forged], [bundle(world, daemon, [item])])
    assert receipt.result == 0
    assert jobs[0].fates[seat] is AssignmentStatus.Assigned


def test_bundle_of_another_asker_is_skipped(world, office, jobs, daemon, seat):
    items = [office.signed(jobs[0], seat)]
    digest = keccak(world.relay.digestOf(items[0].report.to_chain()))
    receipt = post(world, items, [(daemon.account, daemon.attest(world.stranger, digest))])
    assert receipt.result == 0
    assert daemon.word.next_leaf == 1


def test_relayer_cannot_burn_a_bundle_by_too_little_gas(world, office, jobs, daemon, seat):
    items = [office.signed(jobs[0], seat)]
    signed = [bundle(world, daemon, items)]
    outcomes = set()
    for gas in range(100_000, 500_000, 10_000):
        with world.chain.undone():
            try:
                receipt = post(world, items, signed, gas=gas)
            except (ContractRefused, RuntimeError):  # the second is out of gas
                outcomes.add("refused")
            else:
                outcomes.add((receipt.result, daemon.word.next_leaf))
    assert outcomes <= {"refused", (1, 2), (0, 1)}, "a leaf was burnt for nothing"
    assert (1, 2) in outcomes


def test_counts_and_order_are_as_in_relay(world, office, jobs):
    a, b = office.signed(jobs[0], 1), office.signed(jobs[0], 2)
    with refused("ReportsUnordered", position=1):
        post(world, [b, a])
    with refused("SignatureCountMismatch", reports=1, signatures=0):
        world.relay.relayBundles([a.report.to_chain()], [], [], [], sender=world.stranger)


def test_reveals_go_along(world, office, jobs):
    office.post(*(office.signed(jobs[0], index) for index in range(3)))
    jobs[0].disclose()
    reveals = [office.reveal(jobs[0], index).to_chain() for index in range(3)]
    assert world.relay.relayBundles([], [], [], reveals, sender=world.stranger).result == 3
