import pytest

from qcrs.chain.codec import ContractRefused
from qcrs.model.assignment import AssignmentStatus
from qcrs.model.dispute import DisputeKind, DisputeStatus
from tests.evm import refused
from tests.job import noise, rogue
from tests.unit.contracts.disputes.conftest import EVIDENCE, RULING_SECONDS

WrongAnswer, WrongFault = DisputeKind.WrongAnswer, DisputeKind.WrongFault


@pytest.fixture
def job(world):
    """An accepted computation with an outlier, its second assignment."""
    job = world.submit(replicas=4)
    job.to_settled({1: rogue(1)})
    return job


def test_open_records_the_dispute_and_holds_the_bond(world, court, job):
    now, coin = world.chain.now, court.coin()
    receipt = court.open(job, 0)
    assert receipt.result == world.disputes.disputeCount() == 1
    assert court.record(1) == {
        "status": DisputeStatus.Open,
        "kind": WrongAnswer,
        "index": 0,
        "computation": job.id,
        "endsAt": now + RULING_SECONDS,
        "opener": world.stranger,
        "bond": court.slash,
    }
    assert world.disputes.disputeAbout(job.id, 0) == 1
    assert receipt.names == ["DisputeOpened"]
    assert receipt.event("DisputeOpened") == {
        "dispute": 1,
        "computation": job.id,
        "index": 0,
        "kind": WrongAnswer,
        "opener": world.stranger,
        "bond": court.slash,
        "evidence": EVIDENCE,
        "endsAt": now + RULING_SECONDS,
    }
    assert court.coin() == coin + court.slash


def test_open_keeps_the_bond_of_the_accused_from_leaving(world, court, job):
    court.open(job, 0)
    node = job.node(0)
    assert world.bonds.unbondingOf(node.id) == (0, 1)
    world.bonds.beginUnbonding(node.id, sender=node.operator)
    free_at = world.bonds.unbondingOf(node.id)[0]
    world.chain.warp(free_at + 1)
    with refused("BondNotFree", processor=node.id, freeAt=free_at, cases=1, timestamp=free_at + 1):
        world.bonds.unbond(node.id, sender=node.operator)


def test_open_about_a_fault_holds_no_bond(world, court, job):
    node = job.node(1)
    court.open(job, 1, WrongFault, node.operator)
    assert world.bonds.unbondingOf(node.id) == (0, 0)
    assert court.record(1)["kind"] == WrongFault


def test_open_leaves_the_verdict_alone(world, court, job):
    before = job.record, job.fates
    court.open(job, 0)
    assert (job.record, job.fates) == before


def test_open_serves_every_answer_of_a_verdict_that_accepted_none(world, court):
    for answers in ({index: noise(index) for index in range(3)}, {0: rogue(0), 1: rogue(1)}):
        job = world.submit()
        job.to_settled(answers)
        for index in range(3):
            court.open(job, index)
    assert world.disputes.disputeCount() == 6


def test_open_serves_an_unverified_answer(world, court):
    job = world.submit(replicas=1)
    job.to_settled()
    assert court.open(job, 0).result == 1


def test_open_serves_an_overturned_computation(world, court):
    job = world.submit()
    job.to_settled()
    for index in (0, 1):
        court.rule(court.open(job, index).result, True)
    assert job.status.name == "Overturned"
    assert court.open(job, 2).result == 3


def test_open_reverts_for_an_answer_of_a_round_that_was_lost(world, court):
    world.enrol_until(9)
    job = world.submit().to_revealing()
    job.reveal(0)
    job.end_phase()
    world.allocator.reallocate(job.id, sender=world.keeper)
    job.to_settled()
    assert job.fates[0] is AssignmentStatus.Released
    with refused(
        "NotDisputable",
        computation=job.id,
        index=0,
        kind=DisputeKind.WrongAnswer,
        actual=AssignmentStatus.Released,
    ):
        court.open(job, 0)


def test_open_is_taken_in_the_last_second_of_the_window(world, court, job):
    world.chain.warp(job.record.phase_ends_at)
    court.open(job, 0)


def test_open_reverts_after_the_window(world, court, job):
    ends_at = job.record.phase_ends_at
    world.chain.warp(ends_at + 1)
    with refused("DisputeWindowClosed", computation=job.id, endsAt=ends_at, timestamp=ends_at + 1):
        court.open(job, 0)


def test_open_reverts_without_a_verdict(world, court):
    job = world.submit()
    stages = (lambda: None, job.allocate, job.commit_all, job.disclose, job.reveal_all)
    for reach in stages:
        reach()
        with refused(
            "DisputeWindowClosed",
            computation=job.id,
            endsAt=job.record.phase_ends_at,
            timestamp=world.chain.now,
        ):
            court.open(job, 0)


def test_open_reverts_when_the_computation_failed(world, court):
    job = world.submit().allocate()
    job.commit(2)
    job.refuse(0)
    job.refuse(1)
    with refused("DisputeWindowClosed"):
        court.open(job, 2)


def test_open_reverts_while_an_escalation_runs(world, court):
    job = world.submit(replica_cap=5)
    job.to_settled({0: rogue(0), 1: rogue(1)})
    with refused("DisputeWindowClosed"):
        court.open(job, 0)


@pytest.mark.parametrize("change", [-1, 1, None])
def test_open_reverts_with_another_bond(world, court, job, change):
    value = 0 if change is None else court.slash + change
    with refused("DisputeBondMismatch", expected=court.slash, actual=value):
        court.open(job, 0, value=value)


@pytest.mark.parametrize(
    ("kind", "index", "actual"),
    [
        (WrongAnswer, 1, AssignmentStatus.Outlier),
        (WrongAnswer, 4, AssignmentStatus.Unset),
        (WrongFault, 0, AssignmentStatus.Accepted),
        (WrongFault, 4, AssignmentStatus.Unset),
        (DisputeKind.Unset, 0, AssignmentStatus.Accepted),
        (DisputeKind.Unset, 1, AssignmentStatus.Outlier),
    ],
)
def test_open_reverts_about_what_cannot_be_disputed(world, court, job, kind, index, actual):
    with refused("NotDisputable", computation=job.id, index=index, kind=kind, actual=actual):
        court.open(job, index, kind)


def test_open_reverts_about_the_silent_and_those_who_refused(world, court):
    job = world.submit().allocate()
    job.refuse(0)
    job.allocate().commit_all().disclose().reveal_all(1).end_phase()
    job.settle()
    for index, actual in ((0, AssignmentStatus.Refused), (1, AssignmentStatus.Silent)):
        for kind in (WrongAnswer, WrongFault):
            with refused("NotDisputable", computation=job.id, index=index, kind=kind, actual=actual):
                court.open(job, index, kind)


@pytest.mark.parametrize("dismissed", [False, True])
def test_open_reverts_the_second_time(world, court, job, dismissed):
    dispute = court.open(job, 0).result
    if dismissed:
        court.rule(dispute, False)
    with refused("AlreadyDisputed", computation=job.id, index=0, dispute=dispute):
        court.open(job, 0)


@pytest.mark.parametrize("role", ["stranger", "requester", "council"])
def test_open_about_a_fault_reverts_for_all_but_the_operator(world, court, job, role):
    node = job.node(1)
    for caller in (getattr(world, role), node.daemon, job.operator(0)):
        world.chain.fund(caller, 10**18)
        with refused("CallerNotParty", dispute=1, account=caller, expected=node.operator):
            court.open(job, 1, WrongFault, caller)


def test_open_reverts_with_a_kind_that_does_not_exist(world, court, job):
    with pytest.raises(ContractRefused):
        court.open(job, 0, 3)


def test_open_numbers_disputes_from_one(world, court, job):
    assert [court.open(job, index).result for index in (0, 2, 3)] == [1, 2, 3]
    assert [world.disputes.disputeAbout(job.id, index) for index in range(4)] == [1, 0, 2, 3]
