import pytest

from qcrs.model.computation import ENDED, ComputationStatus
from qcrs.model.delivery import DeliveryStatus
from qcrs.rules import commitment
from qcrs.sdk import delivery
from tests.deliveries import CALLBACK_GAS, Conduct, disprove, dispute, story_of
from tests.evm import refused
from tests.job import noise, rogue
from tests.situations import SITUATIONS, drive


def told(consumer):
    """Return what the consumer was last told of a result."""
    return consumer.status(), consumer.answerDigest(), consumer.accepted()


def test_deliver_tells_the_verified_answer(world, desk):
    job = world.submit()
    desk.subscribe(job)
    settled = job.to_settled().event("ComputationSettled")
    receipt = desk.deliver(job)
    assert receipt.result is True
    assert told(desk.consumer) == (ComputationStatus.Accepted, settled["answerDigest"], 0b111)
    assert receipt.event("ResultDelivered") == {
        "computation": job.id,
        "consumer": desk.consumer.address,
        "status": ComputationStatus.Accepted,
        "answerDigest": settled["answerDigest"],
        "accepted": 0b111,
    }
    assert desk.result_status(job) is DeliveryStatus.Delivered


def test_deliver_leaves_out_who_did_not_agree(world, desk):
    job = world.submit(replicas=5)
    desk.subscribe(job)
    job.to_settled({2: rogue(2)})
    desk.deliver(job)
    roots = [job.root(index) for index in (0, 1, 3, 4)]
    assert told(desk.consumer) == (
        ComputationStatus.Accepted,
        commitment.of_answer(job.id, 0b11011, roots),
        0b11011,
    )


def test_deliver_leaves_out_who_left_earlier(world, desk):
    job = world.submit().allocate()
    desk.subscribe(job)
    job.refuse(1)
    job.allocate().commit_all().disclose().reveal_all().settle()
    desk.deliver(job)
    roots = [job.root(index) for index in (0, 2, 3)]
    assert told(desk.consumer)[1:] == (commitment.of_answer(job.id, 0b1101, roots), 0b1101)


@pytest.mark.parametrize("situation", [name for name in SITUATIONS if name != "Unset"])
def test_deliver_tells_every_end_and_nothing_before_it(world, desk, situation):
    job = drive(world, situation, overdue=False)
    desk.subscribe(job)
    status = job.status
    if status not in ENDED:
        with refused(
            "UnexpectedComputationStatus", id=job.id, actual=status, allowed=sum(1 << ended for ended in ENDED)
        ):
            desk.deliver(job)
        assert desk.result_status(job) is DeliveryStatus.Pending
        return
    desk.deliver(job)
    answered = status in delivery.ANSWERED
    assert desk.consumer.status() == status
    assert (desk.consumer.answerDigest() != bytes(32)) is answered
    assert (desk.consumer.accepted() != 0) is answered


def test_deliver_reverts_without_a_subscription(world, desk):
    job = world.submit()
    job.to_settled()
    allowed = (1 << DeliveryStatus.Pending) + (1 << DeliveryStatus.Failed)
    with refused("UnexpectedDeliveryStatus", id=job.id, actual=DeliveryStatus.Unset, allowed=allowed):
        desk.deliver(job)


def test_deliver_reverts_the_second_time(world, desk):
    job = world.submit()
    desk.subscribe(job)
    job.to_settled()
    desk.deliver(job)
    with refused("UnexpectedDeliveryStatus"):
        desk.deliver(job)
    assert desk.consumer.calls() == 1


def test_deliver_tells_what_one_replica_alone_answered(world, desk):
    job = world.submit(replicas=1)
    desk.subscribe(job)
    job.to_settled()
    desk.deliver(job)
    assert told(desk.consumer) == (
        ComputationStatus.Unverified,
        commitment.of_answer(job.id, 0b1, [job.root(0)]),
        0b1,
    )


def test_deliver_leaves_out_who_was_disproven(world, desk):
    job = world.submit(replicas=3)
    desk.subscribe(job)
    job.to_settled()
    disprove(job, 1)
    desk.deliver(job)
    roots = [job.root(0), job.root(2)]
    assert told(desk.consumer) == (
        ComputationStatus.Accepted,
        commitment.of_answer(job.id, 0b101, roots),
        0b101,
    )


def test_deliver_tells_that_an_answer_was_overturned(world, desk):
    job = world.submit(replicas=3)
    desk.subscribe(job, wait=True)
    job.to_settled()
    for index in (1, 2):
        disprove(job, index)
    assert job.status is ComputationStatus.Overturned
    desk.deliver(job)  # at once: it cannot be challenged any more
    assert told(desk.consumer) == (ComputationStatus.Overturned, bytes(32), 0)


# --- challenges ---


def test_deliver_waits_for_challenges_if_the_subscriber_does(world, desk):
    job = world.submit()
    desk.subscribe(job, wait=True)
    job.to_settled()
    ends_at = job.record.phase_ends_at
    world.chain.warp(max(ends_at, world.chain.now))
    with refused("ChallengesOpen", computation=job.id, endsAt=ends_at, timestamp=world.chain.now):
        desk.deliver(job)
    world.chain.warp(ends_at + 1)
    desk.deliver(job)
    assert desk.consumer.calls() == 1


def test_deliver_waits_for_open_cases_if_the_subscriber_does(world, desk):
    job = world.submit()
    desk.subscribe(job, wait=True)
    job.to_settled()
    opened = dispute(job, 1)
    world.chain.warp(job.record.phase_ends_at + 1)
    with refused("CasesOpen", computation=job.id, index=1, cases=1):
        desk.deliver(job)
    world.disputes.rule(opened, False, bytes(32), sender=world.council)
    desk.deliver(job)
    assert desk.consumer.accepted() == 0b111


def test_deliver_does_not_wait_for_cases_unless_asked_to(world, desk):
    job = world.submit()
    desk.subscribe(job)
    job.to_settled()
    dispute(job, 1)
    desk.deliver(job)
    assert desk.consumer.accepted() == 0b111


def test_deliver_does_not_wait_where_nothing_can_be_challenged(world, desk):
    job = world.submit()
    desk.subscribe(job, wait=True)
    job.allocate()
    for index in (0, 1):
        job.refuse(index)
    assert job.record.phase_ends_at > world.chain.now
    desk.deliver(job)
    assert desk.consumer.status() == ComputationStatus.Failed


# --- proofs ---


@pytest.mark.parametrize("part", range(3))
@pytest.mark.parametrize("index", range(3))
def test_deliver_reverts_when_a_reveal_is_forged(world, desk, part, index):
    job = world.submit()
    desk.subscribe(job)
    job.to_settled()
    _, reveals = delivery.result_arguments(story_of(job))
    forged = list(reveals[index])
    forged[part] = bytes(32)
    reveals[index] = tuple(forged)
    with refused("RevealNotOfAssignment") as refusal:
        desk.contract.deliver(job.id, reveals, sender=world.stranger)
    assert refusal.arguments["index"] == index
    assert refusal.arguments["expected"] == job.assignments[index].digest


def test_deliver_reverts_when_the_order_is_changed(world, desk):
    job = world.submit()
    desk.subscribe(job)
    job.to_settled()
    _, reveals = delivery.result_arguments(story_of(job))
    with refused("RevealNotOfAssignment"):
        desk.contract.deliver(job.id, reveals[::-1], sender=world.stranger)


@pytest.mark.parametrize("count", [0, 1, 2, 4])
def test_deliver_reverts_when_reveals_are_missing_or_too_many(world, desk, count):
    job = world.submit()
    desk.subscribe(job)
    job.to_settled()
    _, reveals = delivery.result_arguments(story_of(job))
    with refused("RevealCountMismatch", computation=job.id, expected=3, actual=count):
        desk.contract.deliver(job.id, (reveals * 2)[:count], sender=world.stranger)


@pytest.mark.parametrize("answers", [{0: rogue(0), 1: rogue(1)}, {index: noise(index) for index in range(3)}])
def test_deliver_has_no_answer_without_acceptance(world, desk, answers):
    job = world.submit()
    desk.subscribe(job)
    job.to_settled(answers)
    reveals = [delivery.reveal_of(duty) for duty in story_of(job).duties]
    with refused("RevealCountMismatch", computation=job.id, expected=0, actual=3):
        desk.contract.deliver(job.id, reveals, sender=world.stranger)
    desk.deliver(job)
    assert told(desk.consumer)[1:] == (bytes(32), 0)


# --- consumers that fail ---


def test_deliver_records_a_failure_and_tries_again(world, desk):
    job = world.submit()
    desk.subscribe(job)
    job.to_settled()
    desk.behave(Conduct.Revert)
    for _ in range(2):
        receipt = desk.deliver(job)
        assert receipt.result is False
        assert receipt.event("ResultDeliveryFailed") == {
            "computation": job.id,
            "consumer": desk.consumer.address,
        }
        assert desk.result_status(job) is DeliveryStatus.Failed
    desk.behave(Conduct.Take)
    assert desk.deliver(job).result is True
    assert desk.result_status(job) is DeliveryStatus.Delivered
    assert desk.consumer.calls() == 1


def test_deliver_reverts_when_the_caller_brings_too_little_gas(world, desk):
    job = world.submit()
    desk.subscribe(job)
    job.to_settled()
    with refused("CallbackGasTooLow") as refusal:
        desk.deliver(job, gas=CALLBACK_GAS)
    assert refusal.arguments["computation"] == job.id
    assert refusal.arguments["available"] < CALLBACK_GAS < refusal.arguments["required"]
    assert desk.result_status(job) is DeliveryStatus.Pending


def test_deliver_sends_no_coin(world, desk):
    job = world.submit()
    desk.subscribe(job)
    job.to_settled()
    desk.deliver(job)
    assert world.chain.balance(desk.consumer.address) == 0
    assert world.chain.balance(desk.contract.address) == 0
