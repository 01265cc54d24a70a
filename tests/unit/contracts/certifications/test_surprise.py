"""Benchmarks that nobody asked for: by the draw of an epoch, or because gold rounds went badly."""

import pytest

from qcrs.model.certification import CertificationCause, CertificationStatus
from qcrs.model.processor import ProcessorStatus
from qcrs.rules import certifying
from qcrs.rules.drift import GoldMemory
from qcrs.rules.measurement import NOTHING
from tests.certified import DAY, Trials
from tests.doors import keyed
from tests.evm import refused
from tests.sweep import GOLD, Sweep, lying

EVERYBODY = 1_000_000


@pytest.fixture
def strict(trials):
    """Every epoch draws everybody."""
    terms = tuple((trials.terms | {"surprisePpm": EVERYBODY}).values())
    trials.contract.setTerms(terms, sender=trials.world.certifier)
    return trials


def price(trials: Trials) -> int:
    return 3 * trials.terms["fee"] + 5 * trials.world.bounty


def opened(trials: Trials) -> int:
    """Open the next epoch, and return it."""
    chain, cadence = trials.world.chain, trials.terms["cadenceSeconds"]
    chain.warp((chain.now // cadence + 1) * cadence)
    receipt = trials.contract.openEpoch(sender=trials.world.keeper)
    return receipt.event("EpochOpened")["epoch"]


def test_an_epoch_is_opened_once_with_the_entropy_of_its_beginning(trials):
    epoch = opened(trials)
    entropy = certifying.entropy_of(trials.world.allocator.beacon(), bytes(32))
    assert trials.contract.entropyOf(epoch) == entropy
    with refused("EpochKnown", epoch=epoch, entropy=entropy):
        trials.contract.openEpoch(sender=trials.world.stranger)


def test_surprise_takes_whom_the_epoch_draws(trials):
    terms = tuple((trials.terms | {"surprisePpm": 400_000}).values())
    trials.contract.setTerms(terms, sender=trials.world.certifier)
    epoch = opened(trials)
    entropy = trials.contract.entropyOf(epoch)
    drawn = {node.id for node in trials.world.nodes if certifying.is_surprised(entropy, node.id, 400_000)}
    taken = set()
    for node in trials.world.nodes:
        if node.id in drawn:
            trials.surprise(node, value=price(trials))
            taken.add(node.id)
        else:
            with refused("NotDrawn", processor=node.id, epoch=epoch, entropy=entropy):
                trials.surprise(node, value=price(trials))
    assert taken == drawn
    assert 0 < len(drawn) < len(trials.world.nodes)  # this epoch of this chain: both kinds are there


def test_surprise_needs_an_opened_epoch(strict):
    epoch = strict.world.chain.now // DAY
    with refused("NotDrawn", processor=1, epoch=epoch, entropy=bytes(32)):
        strict.surprise(strict.world.nodes[0], value=price(strict))


def test_surprise_is_paid_out_of_the_reserve_and_pays_a_bounty(strict):
    world = strict.world
    node, version = strict.applicant()
    strict.request(node, version).finish()
    opened(strict)
    purse = world.purse(world.keeper, node.operator)
    trial = strict.surprise(node)
    assert purse.gain(world.keeper) == world.bounty
    assert strict.contract.reserveOf(node.id) == 0
    record = trial.record
    assert (record.cause, record.version) == (CertificationCause.Surprise, 2)
    trial.finish()
    assert trial.status is CertificationStatus.Certified
    assert world.registry.versionsOf(node.id) == (3, 3)
    assert purse.gain(node.operator) == 0
    assert strict.contract.reserveOf(node.id) == 3 * world.bounty  # what was not needed stays for the next one


def test_surprise_takes_what_the_reserve_lacks_from_who_calls(strict):
    opened(strict)
    with refused("CertificationPriceMismatch", required=price(strict), sent=0):
        strict.surprise(strict.world.nodes[0])


def test_failing_a_surprise_suspends(strict):
    world, node = strict.world, strict.world.nodes[0]
    opened(strict)
    receipt = strict.surprise(node, value=price(strict)).finish
    strict.enlist(world.enrol())
    ended = receipt(NOTHING, NOTHING, NOTHING)
    assert ended.event("ProcessorSuspended") == {"processor": node.id, "reason": certifying.UNFIT}
    assert world.status(node.id) is ProcessorStatus.Suspended


def test_not_answering_a_surprise_suspends(strict):
    world, node = strict.world, strict.world.nodes[0]
    opened(strict)
    trial = strict.surprise(node, value=price(strict))
    trial.challenge().wait()
    receipt = trial.enforce()
    assert receipt.event("ProcessorSuspended") == {"processor": node.id, "reason": certifying.SILENT}
    assert world.status(node.id) is ProcessorStatus.Suspended


def test_who_was_suspended_meanwhile_is_not_suspended_again(strict):
    world, node = strict.world, strict.world.nodes[0]
    opened(strict)
    trial = strict.surprise(node, value=price(strict))
    trial.challenge().wait()
    world.registry.suspend(node.id, bytes(32), sender=world.security)
    trial.enforce()
    assert trial.status is CertificationStatus.Failed


def test_a_processor_is_surprised_once_an_epoch(strict):
    world, node = strict.world, strict.world.nodes[0]
    epoch = opened(strict)
    trial = strict.surprise(node, value=price(strict))
    trial.finish()
    with refused("NotDrawn", processor=node.id, epoch=epoch, entropy=strict.contract.entropyOf(epoch)):
        strict.surprise(node, value=price(strict))
    opened(strict)
    assert strict.surprise(node, value=price(strict) - strict.contract.reserveOf(node.id)).id == 2
    assert world.status(node.id) is ProcessorStatus.Certified


def test_surprise_is_for_the_certified(strict):
    node, _ = strict.applicant()
    opened(strict)
    with refused("NotCertifiable", processor=node.id, version=0, status=ProcessorStatus.Applied, bonded=False):
        strict.surprise(node, value=price(strict))


def test_reserve_is_the_operator_s_when_it_has_retired(trials):
    node, version = trials.applicant()
    trials.request(node, version).finish()
    with refused("NotCertifiable"):
        trials.contract.withdrawReserve(node.id, sender=node.operator)
    trials.world.registry.retire(node.id, sender=node.operator)
    with refused("CallerNotCertificationOperator"):
        trials.contract.withdrawReserve(node.id, sender=trials.world.keeper)
    purse, reserve = trials.world.purse(node.operator), trials.contract.reserveOf(node.id)
    receipt = trials.contract.withdrawReserve(node.id, sender=node.operator)
    assert receipt.event("ReserveWithdrawn") == {"processor": node.id, "amount": reserve}
    assert purse.gain(node.operator) == reserve == price(trials)


# --- drift ---


def gone_badly(world, count):
    """Return settled sweeps in which the same processor failed gold rounds, and its id."""
    sweeps = []
    for _ in range(count):
        sweep = Sweep(world).to_revealed({0: lying(0, *GOLD)})
        sweep.open()
        for round_ in GOLD:
            sweep.score(0, round_)
        sweeps.append(sweep)
        world.beat()
    return sweeps


def seat_of(sweep, processor):
    return next(i for i, a in enumerate(sweep.assignments) if a.processor == processor)


@pytest.fixture
def three(world):
    """Five processors, of which only those of three organisations take work, so that each sweep has the same ones."""
    for node in world.nodes[3:]:
        world.registry.drain(node.id, True, sender=node.operator)
    return world


def shown(world, sweeps, processor):
    return [s.id for s in sweeps], [seat_of(s, processor) for s in sweeps]


def test_recheck_takes_gold_rounds_that_went_badly(trials, three):
    world = three
    sweeps = gone_badly(world, 6)
    by_processor = {}
    for sweep in sweeps:
        by_processor.setdefault(sweep.assignments[0].processor, []).append(sweep)
    processor, bad = max(by_processor.items(), key=lambda pair: len(pair[1]))
    assert len(bad) >= 2  # ten rounds
    computations, indices = [s.id for s in bad], [0] * len(bad)
    receipt = trials.contract.recheck(processor, computations, indices, sender=world.keeper, value=price(trials))
    record, _ = trials.contract.certificationOf(receipt.result)
    assert (record["cause"], record["processor"]) == (CertificationCause.Drift, processor)


def test_recheck_reverts_for_too_few_rounds_and_for_good_ones(trials, three):
    world = three
    (sweep,) = gone_badly(world, 1)
    processor = sweep.assignments[0].processor
    with refused("DriftNotShown") as refusal:
        trials.contract.recheck(processor, [sweep.id], [0], sender=world.keeper, value=price(trials))
    assert refusal.arguments["rounds"] == len(GOLD)
    good = sweep.assignments[1].processor
    for round_ in GOLD:
        sweep.score(1, round_)
    with refused("DriftNotShown") as refusal:
        trials.contract.recheck(good, [sweep.id], [1], sender=world.keeper, value=price(trials))
    assert refusal.arguments["fidelityPpm"] > trials.terms["driftPpm"]


def test_recheck_reverts_for_the_work_of_others_or_of_before(trials, three):
    world = three
    sweeps = gone_badly(world, 2)
    computations = [s.id for s in sweeps]
    processor = sweeps[0].assignments[0].processor
    others = [seat_of(s, processor) ^ 1 for s in sweeps]
    with refused("NotOfThisCertificate", processor=processor, id=computations[0], index=others[0]):
        trials.contract.recheck(processor, computations, others, sender=world.keeper)
    twice = [computations[0]] * 2
    seats = [seat_of(sweeps[0], processor)] * 2
    with refused("NotOfThisCertificate", processor=processor, id=computations[0], index=seats[0]):
        trials.contract.recheck(processor, twice, seats, sender=world.keeper)
    with refused("EvidenceMismatch", computations=2, indices=1, limit=16):
        trials.contract.recheck(processor, computations, others[:1], sender=world.keeper)
    node = world.node(processor)
    trials.request(node, trials.claim(node, expires_at=world.chain.now + 900 * DAY))
    with refused("NotOfThisCertificate"):
        trials.contract.recheck(processor, computations, [seat_of(s, processor) for s in sweeps], sender=world.keeper)


def test_what_events_tell_of_gold_rounds_is_what_recheck_takes(trials, three):
    """The keeper's memory, filled from the log alone, and the contract that adds up its own records."""
    world = three
    first = world.nodes[0].id
    world.bond(first)  # what golds cost it leaves enough
    for _ in range(2):
        sweep = Sweep(world).allocate()
        seat = seat_of(sweep, first)
        sweep.commit_all({seat: lying(seat, *GOLD)}).disclose().reveal_all()
        sweep.open()
        for round_ in GOLD:
            sweep.score(seat, round_)
        sweep.close(sweep.stake_on(1))
        sweep.settle()
        world.beat()
    memory = GoldMemory()
    for event in world.chain.log:
        memory.learn(event.name, event.arguments)
    found = memory.shown(first, trials.terms["driftPpm"])
    assert found.rounds == 2 * len(GOLD)
    known = [world.gold_rounds.fidelityOf(*seat) for seat in zip(found.computations, found.indices, strict=True)]
    assert sum(rounds for _, rounds in known) == found.rounds
    assert int(sum(fidelity * rounds for fidelity, rounds in known) * 100 / found.rounds) == found.fidelity_ppm
    told = (first, found.computations, found.indices)
    receipt = trials.contract.recheck(*told, sender=world.keeper, value=price(trials))
    record, _ = trials.contract.certificationOf(receipt.result)
    assert (record["cause"], record["processor"]) == (CertificationCause.Drift, first)
    memory.learn("CertificationRequested", receipt.event("CertificationRequested"))
    assert memory.shown(first, trials.terms["driftPpm"]) is None


def test_reserve_of_a_keyed_operator_leaves_through_the_door(trials):
    world, (node, version) = trials.world, trials.applicant()
    trials.request(node, version).finish()
    world.registry.retire(node.id, sender=node.operator)
    operator = keyed(world, "applicant")
    with refused("HashSignatureRequired", account=operator.account, door=world.hash_keys.address):
        trials.contract.withdrawReserve(node.id, sender=node.operator)
    purse, reserve = world.purse(node.operator), trials.contract.reserveOf(node.id)
    assert operator.perform(trials.contract, "withdrawReserve", node.id).result[0]
    assert purse.gain(node.operator) == reserve > 0
