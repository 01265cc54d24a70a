import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.challenge import Fault
from qcrs.rules import evidence
from qcrs.rules.audit_trail import NOWHERE
from tests.challenged import Accused, measured, precedence
from tests.evm import refused
from tests.job import honest


def accuse(world, job, index, other, other_index, proof=None):
    return world.challenges.proveReplay(
        job.id,
        index,
        job.revealed(index),
        other.id,
        other_index,
        other.revealed(other_index),
        proof or evidence.Precedence(),
        sender=world.stranger,
    )


def replayed(world, same, later=True):
    """Return a computation, another in which a processor gives an answer of the first, and both its indices.

    Args:
        same: Whether it gives its own. later: Whether it was drawn when the first was settled.
    """
    world.enrol_until(5 if same else 9)
    first, second = Accused.submit(world), Accused.submit(world)
    first.allocate()
    if not later:
        second.allocate()
    first.commit_all({index: measured(index) for index in range(3)}).disclose().reveal_all().settle()
    if later:
        second.allocate()
    processors = [[job.node(index).id for index in range(3)] for job in (first, second)]
    index = other_index = None
    for j, processor in enumerate(processors[1]):
        if (processor in processors[0]) == same:
            index = j
            other_index = processors[0].index(processor) if same else 0
    assert index is not None, "the draw gives no such pair: change the number of processors"
    answers = {j: measured(10 + j) for j in range(3)} | {index: first.counts[other_index]}
    second.commit_all(answers).disclose().reveal_all().settle()
    return first, other_index, second, index


def test_own_answer_given_again_is_proven(world, challenges):
    first, other_index, second, index = replayed(world, same=True)
    receipt = accuse(world, second, index, first, other_index)
    assert receipt.event("FaultProven")["fault"] == Fault.ReplayedAnswer
    assert receipt.event("AnswerRepeated") == {
        "computation": second.id,
        "index": index,
        "other": first.id,
        "otherIndex": other_index,
    }
    assert second.fates[index] is AssignmentStatus.Disproven
    assert first.fates == [AssignmentStatus.Accepted] * 3


def test_the_original_is_not_at_fault(world, challenges):
    first, other_index, second, index = replayed(world, same=True)
    expected = {"computation": first.id, "index": other_index, "other": second.id, "otherIndex": index}
    with refused("AnswerNotEarlier", **expected):
        accuse(world, first, other_index, second, index)


def test_another_s_settled_answer_is_proven_with_the_trail(world, challenges):
    first, other_index, second, index = replayed(world, same=False)
    with refused("AnswerNotEarlier"):
        accuse(world, second, index, first, other_index)
    accuse(world, second, index, first, other_index, precedence(world, first.id, second, index))
    assert second.fates[index] is AssignmentStatus.Disproven


def test_trail_must_show_the_order(world, challenges):
    """Both drawn before either was settled: nobody can tell who stole from whom."""
    first, other_index, second, index = replayed(world, same=False, later=False)
    shown = precedence(world, first.id, second, index)
    assert shown.settlement > shown.allocation
    with refused("AnswerNotEarlier"):
        accuse(world, second, index, first, other_index, shown)
    with refused("AnswerNotEarlier"):
        accuse(world, first, other_index, second, index, precedence(world, second.id, first, other_index))


@pytest.mark.parametrize(
    "false",
    [
        {"settlement": 0},
        {"settlement_digest": bytes(32)},
        {"settlement_proof": NOWHERE},
        {"allocation_proof": NOWHERE},
        {"seed": bytes(32)},
        {"first_index": 3},
        {"drawn": [1]},
        {"attempt": 2},
    ],
    ids=lambda change: next(iter(change)),
)
def test_reverts_for_a_false_trail(world, challenges, false):
    first, other_index, second, index = replayed(world, same=False)
    proof = precedence(world, first.id, second, index)._replace(**false)
    with refused("AnswerNotEarlier"):
        accuse(world, second, index, first, other_index, proof)


def test_answer_of_an_earlier_round_given_again_is_proven(world, challenges):
    world.enrol_until(6)
    job = Accused.submit(world).to_revealing({index: measured(index) for index in range(3)})
    job.reveal(0)
    earlier = job.revealed(0)
    job.end_phase()
    world.allocator.reallocate(job.id, sender=world.keeper)
    answers = {3: measured(3), 4: measured(0), 5: measured(5)}
    job.to_revealing(answers).reveal_all().settle()
    revealed = job.revealed(4)
    none = evidence.Precedence()
    challenges.proveReplay(job.id, 4, revealed, job.id, 0, earlier, none, sender=world.stranger)
    assert job.fates[4] is AssignmentStatus.Disproven
    assert job.fates[0] is AssignmentStatus.Released


def test_reverts_for_another_root(world, challenges):
    first, other_index, second, index = replayed(world, same=True)
    root, other = second.root(index), first.root((other_index + 1) % 3)
    with refused("RootsDiffer", countsRoot=root, other=other):
        accuse(world, second, index, first, (other_index + 1) % 3)


def test_reverts_for_what_can_come_about_twice(world, challenges):
    """A few peaks at equal counts are no wonder."""
    first = Accused.submit(world).settled({index: honest(index, 12) for index in range(3)})
    second = Accused.submit(world).settled({index: honest(index, 12) for index in range(3)})
    with refused("AnswerNotTelling") as refusal:
        accuse(world, second, 0, first, 0)
    assert refusal.arguments["bits"] < refusal.arguments["required"]
    assert not evidence.is_telling(second.sketch(0), 12)


def test_reverts_for_what_the_other_did_not_reveal(world, challenges):
    first, other_index, second, index = replayed(world, same=True)
    first.counts[other_index] = measured(99)
    with refused("RevealMismatch") as refusal:
        accuse(world, second, index, first, other_index)
    assert (refusal.arguments["computation"], refusal.arguments["index"]) == (first.id, other_index)
