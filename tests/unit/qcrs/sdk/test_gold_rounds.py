"""What a requester's client sends to close gold rounds, taken by the contract itself."""

from types import SimpleNamespace

import pytest

from qcrs.model.assignment import AssignmentStatus
from qcrs.rules.digest import keccak
from qcrs.rules.gold import RoundKind
from qcrs.sdk.gold import Document, Round, fidelity, opening_arguments, proof_arguments, scores
from qcrs.sdk.gold_rounds import calls, may_close, next_of
from tests.sweep import GOLD_TOLERANCE, ROUNDS, SHOTS, TRAP_TOLERANCE, WIDTH, Sweep, answer_of, honest, kind_of, lying

DIGEST = keccak(b"public document")


def document() -> Document:
    rounds = tuple(
        Round(RoundKind.Target, None, number)
        if kind_of(number) is RoundKind.Target
        else Round(kind_of(number), answer_of(number))
        for number in range(ROUNDS)
    )
    return Document(rounds, WIDTH, SHOTS, GOLD_TOLERANCE, TRAP_TOLERANCE, keccak(b"blind"))


def story_of(sweep: Sweep) -> SimpleNamespace:
    duties = [
        SimpleNamespace(counts_root=sweep.root(index), salt=sweep.salt(index), sketch=sweep.sketch(index), index=index)
        for index in range(3)
    ]
    return SimpleNamespace(computation=sweep.id, duties=duties)


def closed(world, answers) -> tuple[Sweep, list[str]]:
    """Let the client's transactions close a sweep in which replicas answered *answers*."""
    sweep = Sweep(world).to_revealed(answers)
    assert document().opening == sweep.opening
    replicas = {index: answers.get(index, honest(index)) for index in range(3)}
    sent = calls(document(), story_of(sweep), replicas, DIGEST, world.policy["slash"])
    for call in sent:
        function = getattr(world.gold_rounds, call.function)
        function(*call.arguments, sender=sweep.request_account, value=call.value)
    return sweep, [call.function for call in sent]


@pytest.mark.parametrize(
    ("answers", "sent", "finding"),
    [
        ({}, ["acquit"], (0, 0)),
        ({1: lying(1, 4)}, ["acquit"], (0, 0)),
        ({1: lying(1, 4, 6, 9)}, ["open", "score", "score", "close"], (0b010, 0)),
        ({0: lying(0, 7), 2: lying(2, 1, 12)}, ["open", "score", "score", "score", "close"], (0b100, 0b001)),
        ({index: lying(index, 1, 4) for index in range(3)}, ["open", *["score"] * 6, "close"], (0b111, 0)),
    ],
)
def test_the_contract_finds_what_the_client_proves(world, answers, sent, finding) -> None:
    sweep, functions = closed(world, answers)
    assert functions == sent
    assert sweep.finding == (True, *finding, 0)


def test_a_replica_without_histogram_is_not_accused(world) -> None:
    sweep = Sweep(world).to_revealed({1: lying(1, 4, 6)})
    sent = calls(document(), story_of(sweep), {0: honest(0), 2: honest(2)}, DIGEST, world.policy["slash"])
    assert [call.function for call in sent] == ["acquit"]


@pytest.mark.parametrize(
    ("changes", "now", "expected"),
    [
        ({}, 50, True),
        ({"revealed": 2}, 50, False),
        ({"revealed": 2}, 101, True),
        ({"revealed": 0}, 101, False),
        ({"withheld": True}, 50, False),
        ({"seed": None}, 50, False),
        ({"gold": False}, 50, False),
    ],
)
def test_a_gold_list_is_closed_when_all_have_revealed(changes, now, expected) -> None:
    fields = {"revealed": 3, "withheld": False, "seed": b"seed", "gold": True} | changes
    story = SimpleNamespace(
        request=SimpleNamespace(gold=fields["gold"]),
        withheld=fields["withheld"],
        seed=fields["seed"],
        phase_ends_at=100,
        on_duty=lambda: [None] * 3,
        with_status=lambda status: [None] * fields["revealed"] if status is AssignmentStatus.Revealed else [],
    )
    assert may_close(story, now) is expected


def test_what_was_half_done_goes_on_from_there(world) -> None:
    sweep = Sweep(world).to_revealed({1: lying(1, 4, 6, 9)})
    replicas = {0: honest(0), 1: lying(1, 4, 6, 9), 2: honest(2)}
    prepared = calls(document(), story_of(sweep), replicas, DIGEST, world.policy["slash"])
    told = SimpleNamespace(computation=sweep.id, gold_opened=False, gold_scored=set())
    sent = []
    while (call := next_of(prepared, told)) is not None and call.function != "close":
        sent.append(call)
        told.gold_opened = True
        if call.function == "score":
            told.gold_scored.add((call.arguments[1], call.arguments[4][0]))
    assert [*sent, call] == prepared


def test_a_list_opened_for_an_acquittal_is_only_closed(world) -> None:
    sweep = Sweep(world).to_revealed({})
    prepared = calls(document(), story_of(sweep), {0: honest(0)}, DIGEST, world.policy["slash"])
    told = SimpleNamespace(computation=sweep.id, gold_opened=True, gold_scored=set())
    assert (next_of(prepared, told).function, next_of(prepared, told).value) == ("close", 0)


def test_every_round_can_be_proven(world) -> None:
    """Not only the first failures: golds, traps and short targets, at both ends of the histogram and next to gaps."""
    lie = {x: n for x, n in lying(1, 1, 9, 15).items() if x >> WIDTH not in (0, 14)}
    sweep, found = Sweep(world).to_revealed({1: lie | {0: 512}}), document()
    world.gold_rounds.open(sweep.id, opening_arguments(found), DIGEST, sender=sweep.request_account)
    failed = [entry.round for entry in scores(found, lie | {0: 512}) if not entry.passed]
    assert failed == [0, 1, 9, 14, 15]
    for proof in proof_arguments(found, lie | {0: 512}, failed):
        receipt = world.gold_rounds.score(
            sweep.id, 1, opening_arguments(found), sweep.shown(1), proof, sender=sweep.request_account
        )
        assert not receipt.event("RoundScored")["passed"]
    tally = world.gold_rounds.tallyOf(sweep.id, 1)
    assert (tally["goldFailures"], tally["trapFailures"]) == (4, 1)


def test_a_passing_round_scores_the_fidelity_that_the_client_computes(world) -> None:
    sweep, found = Sweep(world).to_revealed(), document()
    world.gold_rounds.open(sweep.id, opening_arguments(found), DIGEST, sender=sweep.request_account)
    golds = [number for number, entry in enumerate(found.rounds) if entry.kind is RoundKind.Gold]
    for proof in proof_arguments(found, honest(1), golds):
        world.gold_rounds.score(
            sweep.id, 1, opening_arguments(found), sweep.shown(1), proof, sender=sweep.request_account
        )
    total, rounds = world.gold_rounds.fidelityOf(sweep.id, 1)
    assert rounds == len(golds)
    assert total == fidelity(found, honest(1))
