"""A relayer that is not honest, and reports that are not for it."""

import pytest

from qcrs.chain.report import SignedCommit
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.sdk.relay import relay_arguments
from tests.evm import CHAIN_ID, refused
from tests.job import rogue
from tests.reports import skipped
from tests.scenario import account, replace_fields

CURVE_ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141


@pytest.fixture
def job(world):
    return world.submit().allocate()


def altered(item, **changes):
    """Return *item* as a relayer may alter it, who has no key: other content, the same signature."""
    return SignedCommit(replace_fields(item.report, **changes), item.signature)


def test_relayer_cannot_change_the_payee(world, office, job):
    item = office.signed(job, 0)
    skipped("ReportPayeeMismatch", office.post(altered(item, payee=world.stranger)))
    # Nor can a daemon's report that names another payee be mended into one that is taken.
    wrong = office.signed(job, 0, payee=world.stranger)
    skipped("CallerNotAssigned", office.post(altered(wrong, payee=job.operator(0))))
    assert job.fates == [AssignmentStatus.Assigned] * 3


def test_relayer_cannot_change_the_commitment(office, job):
    skipped("CallerNotAssigned", office.post(altered(office.signed(job, 0), commitment=b"\1" * 24)))


def test_relayer_cannot_move_a_report_to_another_seat(world, office, job):
    """Not even to one of the same operator's in another computation."""
    other = world.submit().allocate()
    item = office.signed(job, 0)
    skipped("ReportPayeeMismatch", office.post(altered(item, index=1)))
    skipped("CallerNotAssigned", office.post(altered(item, index=1, payee=job.operator(1))))
    same = next((index for index in range(3) if other.node(index) == job.node(0)), None)
    if same is not None:
        skipped("CallerNotAssigned", office.post(altered(item, computation=other.id, index=same)))


def test_relayer_cannot_choose_the_order_of_commits_in_a_batch(world, office, job):
    """Their order goes into the sketch's seed: whoever knew the requester's secret could try all orders."""
    items = [office.signed(job, index) for index in range(3)]
    for order in ([0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]):
        with refused("ReportsUnordered"):
            office.post_as_given([items[index] for index in order])
    office.post_as_given(items)
    assert job.status is ComputationStatus.Committed


def test_replayed_reports_change_nothing(world, office, job):
    commits = [office.signed(job, index) for index in range(3)]
    assert office.post(*commits).result == 3
    skipped("UnexpectedComputationStatus", office.post(commits[0]))
    job.disclose()
    reveals = [office.reveal(job, index) for index in range(3)]
    assert office.post(*reveals[:2]).result == 2
    skipped("UnexpectedAssignmentStatus", office.post(reveals[0]))
    assert office.post(*commits, *reveals).result == 1
    job.settle()
    assert office.post(*commits, *reveals).result == 0
    assert job.fates == [AssignmentStatus.Accepted] * 3


def test_report_of_an_earlier_round_is_not_taken_in_a_later_one(world, office):
    world.enrol_until(9)
    job = world.submit().to_revealing()
    early = [office.signed(job, index) for index in range(3)]
    job.end_phase()
    world.allocator.reallocate(job.id, sender=world.keeper)
    job.allocate()
    receipt = office.post(*early)
    assert receipt.result == 0
    assert receipt.names == ["CommitSkipped"] * 3


def test_report_for_another_chain_is_not_taken(office, job):
    skipped("CallerNotAssigned", office.post(office.signed(job, 0, chain_id=CHAIN_ID + 1)))


def test_report_for_another_relay_is_not_taken(office, job):
    skipped("CallerNotAssigned", office.post(office.signed(job, 0, relay=account("another relay"))))


def test_report_under_other_rules_is_not_taken(office, job):
    """Another deployment, another policy: the digest differs, and a relayer cannot put the right one in its place."""
    other = bytes(31) + b"\1"
    item = office.signed(job, 0, config_digest=other)
    skipped("ReportConfigMismatch", office.post(item))
    skipped("CallerNotAssigned", office.post(altered(item, config_digest=office.config)))


def test_signature_s_malleable_twin_is_not_taken(office, job):
    """Every ECDSA signature has a second form that recovers to the same signer; only the lower one counts."""
    item = office.signed(job, 0)
    r, s, v = item.signature[:32], int.from_bytes(item.signature[32:64], "big"), item.signature[64]
    twin = r + (CURVE_ORDER - s).to_bytes(32, "big") + bytes([55 - v])
    skipped("ReportSignatureInvalid", office.post(SignedCommit(item.report, twin)))
    assert office.post(item).result == 1


def test_stranger_cannot_report_for_a_processor(world, office, job):
    """Nor can a processor for another, its own key in hand."""
    item = office.signed(job, 1)
    forged = altered(item, index=0, payee=job.operator(0))
    skipped("CallerNotAssigned", office.post(forged))
    with refused("CallerNotRelay"):
        world.verifier.commitFor(job.id, 0, bytes(24), job.node(0).daemon, sender=world.stranger)


def test_spoilt_report_does_not_keep_others_from_their_pay(world, office, job):
    items = [office.signed(job, index) for index in range(3)]
    spoilt = SignedCommit(items[1].report, b"\xff" * 65)
    assert office.post(items[0], spoilt, items[2]).result == 2
    job.commit(1, rogue(1))
    job.disclose()
    reveals = [office.reveal(job, index) for index in range(3)]
    bomb = reveals[1].model_copy(update={"sketch": [2**256 - 1] * 16})
    receipt = office.post(reveals[0], bomb, reveals[2])
    assert receipt.result == 2
    assert len(receipt.named("RevealSkipped")[0]["reason"]) <= world.relay.MAX_REASON_BYTES()


def test_relayer_with_too_little_gas_spoils_nothing_for_good(world, office, job):
    """Items for which the gas does not suffice are skipped, or all is undone: they can be posted again."""
    items = [office.signed(job, index) for index in range(3)]
    seen = set()
    for gas in range(60_000, 400_000, 5_000):
        with world.chain.undone():
            try:
                taken = world.relay.relay(*relay_arguments(items), sender=world.stranger, gas=gas).result
            except RuntimeError:  # out of gas: undone
                taken = 0
            assert taken + office.post(*items).result == 3
            assert job.status is ComputationStatus.Committed
            seen.add(taken)
    assert {0, 3} <= seen
