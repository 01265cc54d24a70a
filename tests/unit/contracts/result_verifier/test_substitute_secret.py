from qcrs.model.computation import ComputationStatus
from qcrs.rules import commitment
from tests.evm import refused


def substitute(world, job):
    return world.verifier.substituteSecret(job.id, sender=world.keeper)


def test_substitute_secret_takes_the_beacon_instead(world):
    job = world.submit().allocate().commit_all().end_phase()
    digest, now = job.record.commits_digest, world.chain.now
    secret = commitment.beacon_secret(world.allocator.beacon(), job.id)
    receipt = substitute(world, job)
    record = job.record
    assert (record.status, record.secret) == (ComputationStatus.Revealing, secret)
    assert record.secret_withheld
    assert record.phase_ends_at == now + world.policy["revealSeconds"]
    assert receipt.event("SeedFixed") == {
        "computation": job.id,
        "attempt": 1,
        "secret": secret,
        "seed": commitment.seed_of(job.id, 1, secret, digest),
        "withheld": True,
    }


def test_substitute_secret_costs_the_requester_a_bounty(world):
    job = world.submit().allocate().commit_all().end_phase()
    purse = world.estate()
    receipt = substitute(world, job)
    assert purse.gains() == {world.requester: -world.bounty, world.keeper: world.bounty}
    assert job.record.escrow == job.escrow - world.bounty == world.locked(world.requester)
    assert receipt.event("ComputationPaid") == {
        "computation": job.id,
        "source": world.requester,
        "total": world.bounty,
        "payees": [],
        "each": 0,
        "keeper": world.keeper,
        "bounty": world.bounty,
    }


def test_withheld_secret_does_not_cost_the_processors_their_pay(world):
    job, purse = world.submit(), world.estate()
    job.allocate().commit_all().end_phase()
    substitute(world, job)
    job.reveal_all().settle()
    assert job.status is ComputationStatus.Accepted
    assert purse.gains() == {
        world.requester: -3 * job.pay - 2 * world.bounty,
        world.keeper: 3 * world.bounty,
    } | {job.operator(index): job.pay for index in range(3)}


def test_later_rounds_need_the_beacon_too_and_cost_no_second_bounty(world):
    """The chain of secrets is broken: nobody knows the secret of the beacon's."""
    world.enrol_until(9)
    job = world.submit().allocate().commit_all().end_phase()
    substitute(world, job)
    job.end_phase()
    world.allocator.reallocate(job.id, sender=world.keeper)
    job.allocate().commit_all()
    with refused("SecretMismatch"):
        world.verifier.disclose(job.id, job.secrets[1], sender=world.requester)
    job.end_phase()
    purse = world.estate()
    assert substitute(world, job).named("ComputationPaid") == []
    assert purse.gains() == {}
    job.reveal_all().settle()
    assert job.status is ComputationStatus.Accepted


def test_substitute_secret_reverts_when_deadline_is_open(world):
    job = world.submit().allocate().commit_all()
    ends_at = job.record.phase_ends_at
    world.chain.warp(ends_at)
    with refused("DeadlineOpen", computation=job.id, endsAt=ends_at, timestamp=ends_at):
        substitute(world, job)
    world.chain.warp(ends_at + 1)
    substitute(world, job)


def test_substitute_secret_reverts_once_disclosed(world):
    job = world.submit().to_revealing().end_phase()
    with refused(
        "UnexpectedComputationStatus",
        id=job.id,
        actual=ComputationStatus.Revealing,
        allowed=1 << ComputationStatus.Committed,
    ):
        substitute(world, job)


def test_substitute_secret_reverts_when_unknown(world):
    with refused(
        "UnexpectedComputationStatus",
        id=99,
        actual=ComputationStatus.Unset,
        allowed=1 << ComputationStatus.Committed,
    ):
        world.verifier.substituteSecret(99, sender=world.keeper)
