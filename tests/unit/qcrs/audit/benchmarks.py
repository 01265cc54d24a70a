"""The part of the history that is about benchmarks, and about conduct that follows whoever registers again."""

from qcrs.model.records import Capability
from qcrs.rules.measurement import NOTHING
from tests.certified import DAY, GOOD, Trial, Trials
from tests.scenario import World, account, hardware_of

LIAR = GOOD.model_copy(update={"two_qubit_error_ppm": 1_000})


def benchmarks(world: World) -> None:
    """Every way in which a certification goes and ends."""
    trials = Trials(world)
    pool = [world.enrol() for _ in range(8)]
    trials.enlist(*pool)
    trials.contract.delist(pool[0].id, sender=pool[0].operator)
    first, version = trials.applicant("first applicant")
    trial = trials.request(first, version)
    _spoiled(trial, LIAR)
    trial.convene()
    trial.reveal_salt(1)
    trial.wait().enforce()
    trial.finish()
    _surprised(trials, first)
    _denied(trials)
    _left(trials, first)
    world.beat()


def _spoiled(trial: Trial, lie) -> None:
    """Let one of three lie in a round, so that it is repeated."""
    scores = (GOOD, lie, GOOD)
    trial.to_scoring(*scores)
    for seat, measured in enumerate(scores):
        trial.reveal(seat, measured)


def _surprised(trials: Trials, node) -> None:
    world = trials.world
    terms = trials.terms | {"surprisePpm": 1_000_000}
    trials.contract.setTerms(tuple(terms.values()), sender=world.certifier)
    world.chain.warp((world.chain.now // DAY + 1) * DAY)
    trials.contract.openEpoch(sender=world.keeper)
    trials.surprise(node).finish()
    world.chain.warp((world.chain.now // DAY + 1) * DAY)
    trials.contract.openEpoch(sender=world.stranger)
    price = 3 * terms["fee"] + 5 * world.bounty
    trials.surprise(node, value=price - trials.contract.reserveOf(node.id)).finish(NOTHING, NOTHING, NOTHING)


def _denied(trials: Trials) -> None:
    """One is silent, one gets no certifiers, one is found wanting."""
    world = trials.world
    second, version = trials.applicant("second applicant")
    trials.request(second, version).challenge().wait().enforce()
    trial = trials.request(second, version)
    world.chain.warp(trial.record.deadline_at + trials.terms["windowSeconds"] + 1)
    trial.enforce()
    trials.request(second, version).finish(*(GOOD.model_copy(update={"noise_class": 3}),) * 3)


def _left(trials: Trials, first) -> None:
    """Conduct that suspends, a device that comes back, an organisation's other one, and a claim of less."""
    world = trials.world
    faulty = world.enrol()
    for number in range(2):
        world.registry.drain(faulty.id, bool(number), sender=faulty.operator)
    present = Capability.from_chain(world.registry.capabilityOf(faulty.id, 1))
    worse = present.model_copy(update={"qubits": 19})
    world.registry.declareCapability(faulty.id, worse.to_chain(), "", sender=faulty.operator)
    world.registry.retire(faulty.id, sender=faulty.operator)
    name = f"daemon {len(world.nodes)}"
    again = world.register(faulty.operator, f"{name} again", hardware_of(name))
    assert world.registry.operatorOf(again) == faulty.operator
    world.registry.retire(first.id, sender=account("first applicant"))
    trials.contract.withdrawReserve(first.id, sender=first.operator)
