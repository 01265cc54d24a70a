from dataclasses import replace

from qcrs.model.assignment import AssignmentStatus
from qcrs.model.computation import ComputationStatus
from qcrs.rules import commitment
from tests.evm import refused
from tests.job import MINIMUM_SHOTS
from tests.sweep import DOCUMENT, OUTCOME_BITS, ROUNDS, Sweep, lying


def test_open_shows_what_was_bound(world):
    sweep = Sweep(world).to_revealed()
    receipt = sweep.open()
    names = ("goldRoot", "rounds", "goldTolerance", "trapTolerance", "blind")
    assert receipt.event("GoldListOpened") == {
        "computation": sweep.id,
        "opening": dict(zip(names, sweep.words, strict=True)),
        "documentDigest": DOCUMENT,
    }
    assert receipt.names == ["GoldListOpened"]


def test_open_follows_the_chain_from_the_secret_of_every_round(world):
    """Of the three secrets the last is the opening's own: the third round has disclosed it."""
    sweep = Sweep(world)
    for _ in range(2):
        world.enrol_until(len(world.nodes) + 3)
        sweep.to_revealing().end_phase()
        world.allocator.reallocate(sweep.id, sender=world.keeper)
    world.enrol_until(len(world.nodes) + 3)
    sweep.to_revealed()
    assert sweep.record.attempt == 3
    assert sweep.record.secret == sweep.opening.last_secret
    sweep.open()


def test_open_follows_the_chain_from_the_second_secret(world):
    world.enrol_until(6)
    sweep = Sweep(world).to_revealing().end_phase()
    world.allocator.reallocate(sweep.id, sender=world.keeper)
    assert sweep.to_revealed().record.attempt == 2
    sweep.open()


def test_open_is_taken_when_a_quorum_has_revealed_and_the_time_is_up(world):
    sweep = Sweep(world).to_revealing().reveal_all(2).end_phase()
    sweep.open()


def test_open_reverts_while_reveals_are_due(world):
    sweep = Sweep(world).to_revealing().reveal_all(2)
    now = world.chain.now
    with refused("DeadlineOpen", computation=sweep.id, endsAt=sweep.record.phase_ends_at, timestamp=now):
        sweep.open()


def test_open_reverts_when_replicas_will_be_replaced(world):
    sweep = Sweep(world).to_revealing().reveal_all(1, 2).end_phase()
    with refused("TooFewRevealed", computation=sweep.id, revealed=1, required=2):
        sweep.open()


def test_open_reverts_after_its_time(world):
    sweep = Sweep(world).to_revealed()
    closes_at = sweep.record.phase_ends_at + world.policy["discloseSeconds"]
    world.chain.warp(closes_at + 1)
    with refused("DeadlinePassed", computation=sweep.id, deadlineAt=closes_at, timestamp=closes_at + 1):
        sweep.open()


def test_open_is_taken_at_the_last_moment(world):
    sweep = Sweep(world).to_revealed()
    world.chain.warp(sweep.record.phase_ends_at + world.policy["discloseSeconds"])
    sweep.open()


def test_open_reverts_with_another_list_than_was_bound(world):
    sweep = Sweep(world).to_revealed()
    for change in (
        {"gold_root": bytes(32)},
        {"gold_tolerance": 0},
        {"trap_tolerance": 9},
        {"rounds": 32},
        {"blind": bytes(32)},
    ):
        with refused("OpeningMismatch") as refusal:
            sweep.open(**change)
        assert refusal.arguments["disclosed"] == sweep.record.secret
        assert refusal.arguments["openingSecret"] != sweep.opening.last_secret


def test_open_reverts_when_a_longer_chain_would_lead_there(world):
    """Who could choose how far to hash could still not go further than there are rounds."""
    chain = commitment.secret_chain(Sweep(world).opening.last_secret, 4)
    sweep = Sweep(world, secret_commitment=commitment.of_secret(chain[0]))
    sweep.secrets = chain
    sweep.to_revealed()
    with refused("OpeningMismatch", computation=sweep.id, openingSecret=sweep.opening.last_secret, disclosed=chain[0]):
        sweep.open()


def test_open_reverts_the_second_time(world):
    sweep = Sweep(world).to_revealed()
    sweep.open()
    with refused("GoldListNotOpen", computation=sweep.id, opened=True, closed=False):
        sweep.open()
    sweep.close()
    with refused("GoldListNotOpen", computation=sweep.id, opened=True, closed=True):
        sweep.acquit()


def test_open_reverts_for_anyone_but_the_requester(world):
    sweep = Sweep(world).to_revealed()
    with refused("CallerNotRequester", computation=sweep.id, account=world.stranger, requester=world.requester):
        sweep.open(sender=world.stranger)


def test_open_reverts_without_gold(world):
    sweep = Sweep(world, gold=False).to_revealed()
    with refused("ComputationNotGold", computation=sweep.id):
        sweep.open()


def test_open_reverts_when_the_beacon_stands_in_for_the_secret(world):
    sweep = Sweep(world).allocate().commit_all().end_phase()
    world.verifier.substituteSecret(sweep.id, sender=world.keeper)
    sweep.reveal_all()
    with refused("GoldListUnbound", computation=sweep.id):
        sweep.open()


def test_open_reverts_outside_the_reveal(world):
    sweep = Sweep(world).allocate().commit_all()
    allowed = 1 << ComputationStatus.Revealing
    with refused("UnexpectedComputationStatus", id=sweep.id, actual=ComputationStatus.Committed, allowed=allowed):
        sweep.open()
    sweep.disclose().reveal_all()
    world.chain.warp(sweep.record.phase_ends_at + world.policy["discloseSeconds"] + 1)
    sweep.settle()
    with refused("UnexpectedComputationStatus", id=sweep.id, actual=ComputationStatus.Accepted, allowed=allowed):
        sweep.open()


def test_open_reverts_for_a_list_that_does_not_divide_the_sweep(world):
    template = Sweep(world, noise_class=2).opening
    for rounds, bits in ((1, OUTCOME_BITS), (15, OUTCOME_BITS), (ROUNDS, 4), (ROUNDS, 37), (0, OUTCOME_BITS)):
        opening = replace(template)
        object.__setattr__(opening, "rounds", rounds)  # no client would make one
        sweep = Sweep.bound_to(world, opening, outcome_bits=bits)
        answers = {i: {0: MINIMUM_SHOTS - i, 1: i} if i else {0: MINIMUM_SHOTS} for i in range(3)}
        sweep.to_revealed(answers)
        with refused("SweepInvalid", computation=sweep.id, rounds=rounds, shots=MINIMUM_SHOTS, outcomeBits=bits):
            sweep.open()


def test_acquit_opens_and_closes_in_one_step(world):
    sweep = Sweep(world).to_revealed()
    receipt = sweep.acquit()
    assert receipt.names == ["GoldListOpened", "GoldListClosed"]
    assert receipt.event("GoldListClosed") == {
        "computation": sweep.id,
        "goldFailed": 0,
        "trapFailed": 0,
        "stakeEach": 0,
    }
    assert sweep.finding == (True, 0, 0, 0)
    sweep.settle()
    assert sweep.status is ComputationStatus.Accepted
    assert sweep.fates == [AssignmentStatus.Accepted] * 3


def test_acquit_leaves_liars_to_the_comparison(world):
    sweep = Sweep(world).to_revealed({1: lying(1, 4, 6, 9)})
    sweep.acquit()
    sweep.settle()
    assert sweep.fates[1] is AssignmentStatus.Outlier
