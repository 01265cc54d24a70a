from qcrs.model.assignment import AssignmentStatus
from qcrs.model.challenge import ChallengeStatus, Fault
from qcrs.model.computation import ComputationStatus
from tests.challenged import Accused
from tests.evm import refused


def overdue(world, job, challenge):
    world.chain.warp(world.challenges.challengeOf(challenge)["deadlineAt"] + 1)


def test_enforce_punishes_silence_and_repays_the_keeper(world, challenges, honest_job):
    challenge = honest_job.demand(2)
    overdue(world, honest_job, challenge)
    slash, purse = world.policy["slash"], world.estate()
    receipt = challenges.enforce(challenge, sender=world.keeper)
    assert honest_job.challenge_status(challenge) is ChallengeStatus.Defaulted
    assert honest_job.fates[2] is AssignmentStatus.Disproven
    assert honest_job.status is ComputationStatus.Accepted
    assert receipt.event("FaultProven")["fault"] == Fault.HistogramWithheld
    rest = slash - honest_job.pay - world.bounty
    assert purse.gains() == {
        world.requester: honest_job.pay,
        world.keeper: world.bounty,
        world.stranger: slash + rest // 2,
        "treasury": rest - rest // 2,
        honest_job.operator(2): -slash,
    }
    assert receipt.event("PenaltyDivided") == {
        "computation": honest_job.id,
        "index": 2,
        "slashed": slash,
        "requester": world.requester,
        "restitution": honest_job.pay,
        "keeper": world.keeper,
        "bounty": world.bounty,
        "challenger": world.stranger,
        "reward": rest // 2,
    }
    assert honest_job.cases(2) == 0


def test_enforce_punishes_an_answer_that_stops_half_way(world, challenges, honest_job):
    challenge = honest_job.demand(0)
    challenges.answer(challenge, *honest_job.steps(0, size=64)[0], sender=world.keeper)
    overdue(world, honest_job, challenge)
    challenges.enforce(challenge, sender=world.keeper)
    assert honest_job.fates[0] is AssignmentStatus.Disproven


def test_enforce_reverts_in_time(world, challenges, honest_job):
    challenge = honest_job.demand(0)
    deadline = challenges.challengeOf(challenge)["deadlineAt"]
    world.chain.warp(deadline)
    with refused("DeadlineOpen", computation=honest_job.id, endsAt=deadline, timestamp=deadline):
        challenges.enforce(challenge, sender=world.keeper)


def test_enforce_reverts_once_ended(world, challenges, honest_job):
    challenge = honest_job.demand(0)
    honest_job.answer(challenge, 0)
    overdue(world, honest_job, challenge)
    with refused("UnexpectedChallengeStatus"):
        challenges.enforce(challenge, sender=world.keeper)


def test_second_disproof_overturns_and_returns_all_pay(world, challenges, honest_job):
    """Two of three must agree: the last one's pay is due from whoever makes the verdict fall."""
    first, second = honest_job.demand(0), honest_job.demand(1)
    overdue(world, honest_job, second)
    challenges.enforce(first, sender=world.keeper)
    purse = world.estate()
    challenges.enforce(second, sender=world.keeper)
    assert honest_job.status is ComputationStatus.Overturned
    assert purse.gains()[world.requester] == 2 * honest_job.pay


def test_disproof_after_the_fall_returns_nothing_twice(world, challenges, honest_job):
    demands = [honest_job.demand(index) for index in range(3)]
    overdue(world, honest_job, demands[2])
    for challenge in demands[:2]:
        challenges.enforce(challenge, sender=world.keeper)
    purse, slash = world.estate(), world.policy["slash"]
    challenges.enforce(demands[2], sender=world.keeper)
    gains = purse.gains()
    assert world.requester not in gains
    assert gains[world.stranger] == slash + (slash - world.bounty) // 2


def test_restitution_reaches_as_far_as_the_slash(world, challenges):
    policy = world.policy | {"slash": 1000}
    world.set_policy(policy)
    job = Accused.submit(world).settled()
    assert job.pay > 1000
    challenge = job.demand(0)
    overdue(world, job, challenge)
    purse = world.estate()
    challenges.enforce(challenge, sender=world.keeper)
    assert purse.gains() == {world.requester: 1000, world.stranger: 1000, job.operator(0): -1000}


def test_released_answers_can_be_enforced_too(world, challenges):
    """A verdict that pays flat answers must not pay made-up ones."""
    flat = {0: 4096 // 4, 1: 4096 // 4, 2: 4096 // 4, 3: 4096 // 4}
    job = Accused.submit(world, outcome_bits=2, qubits=2).settled(dict.fromkeys(range(3), flat))
    assert job.status is ComputationStatus.Inconclusive
    challenge = job.demand(0)
    overdue(world, job, challenge)
    purse = world.estate()
    challenges.enforce(challenge, sender=world.keeper)
    assert job.fates[0] is AssignmentStatus.Disproven
    assert job.status is ComputationStatus.Inconclusive
    assert purse.gains()[world.requester] == job.pay


def test_the_only_replica_s_answer_falls(world, challenges):
    job = Accused.submit(world, replicas=1, replica_cap=1).settled()
    assert job.status is ComputationStatus.Unverified
    challenge = job.demand(0)
    overdue(world, job, challenge)
    purse = world.estate()
    challenges.enforce(challenge, sender=world.keeper)
    assert job.status is ComputationStatus.Overturned
    assert purse.gains()[world.requester] == job.pay


def test_bond_cannot_leave_while_a_demand_is_open(world, challenges, honest_job):
    processor, operator = honest_job.node(0).id, honest_job.operator(0)
    challenge = honest_job.demand(0)
    world.bonds.beginUnbonding(processor, sender=operator)
    free_at, _ = world.bonds.unbondingOf(processor)
    honest_job.answer(challenge, 0, size=64)
    second = honest_job.demand(1)
    world.chain.warp(free_at + 1)
    world.bonds.unbond(processor, sender=operator)
    held = honest_job.node(1)
    with refused("BondNotFree"):
        world.bonds.unbond(held.id, sender=held.operator)
    challenges.enforce(second, sender=world.keeper)
    assert honest_job.fates[1] is AssignmentStatus.Disproven
