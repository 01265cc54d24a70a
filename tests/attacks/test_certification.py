"""What dishonest processors and certifiers try, and what it gets them."""

import pytest

from qcrs.model.certification import CertificationStatus
from qcrs.model.processor import ProcessorStatus
from qcrs.rules import certifying
from qcrs.rules.digest import keccak
from qcrs.rules.measurement import NOTHING
from tests.certified import CHAIN, GOOD, Trials
from tests.evm import refused

S = CertificationStatus


@pytest.fixture
def trials(world):
    trials = Trials(world)
    trials.enlist(*world.nodes)
    yield trials
    trials.require_balanced()


@pytest.fixture
def trial(trials):
    return trials.request(*trials.applicant())


def flattered(by_ppm):
    """Return scores in which every gate is better than it is by *by_ppm*."""
    return GOOD.model_copy(update={"two_qubit_error_ppm": GOOD.two_qubit_error_ppm * (10**6 - by_ppm) // 10**6})


def test_a_claim_far_above_the_device_is_not_certified(trials):
    """127 qubits and a quantum volume of 2^9, by a small and noisy device: what was not answered counts as nothing."""
    node, version = trials.applicant(qubits=127, quantum_volume_log2=9)
    trial = trials.request(node, version)
    small = GOOD.model_copy(update={"qubits": 0, "quantum_volume_log2": 0, "noise_class": 4, "heavy_outputs": 21_000})
    trial.finish(small, small, small)
    assert trial.status is S.Failed
    assert trials.world.status(node.id) is ProcessorStatus.Applied


def test_counts_of_another_processor_or_of_before_are_answers_to_another_seed(trials):
    """Processor, certification and round are in the seed, so nobody else's circuits are these."""
    first = trials.request(*trials.applicant("first")).challenge()
    seeds = [first.record.seed]
    first.finish()
    second = trials.request(*trials.applicant("second")).challenge()
    seeds.append(second.record.seed)
    liar = GOOD.model_copy(update={"t1_nanoseconds": 1})
    second.to_scoring(GOOD, GOOD, liar)
    for seat, scores in enumerate((GOOD, GOOD, liar)):
        second.reveal(seat, scores)
    second.challenge()
    seeds.append(second.record.seed)
    assert len(set(seeds)) == 3
    # What certifiers make of such counts: nothing that was asked was answered.
    second.finish(NOTHING, NOTHING, NOTHING)
    assert second.status is S.Failed


def test_one_of_three_who_lies_within_the_tolerance_does_not_move_the_median(trials, trial):
    trial.finish(GOOD, flattered(15_000), GOOD)
    assert trial.status is S.Certified
    capability = trials.world.registry.capabilityOf(trial.node.id, 2)
    assert capability["twoQubitErrorPpm"] == GOOD.two_qubit_error_ppm


def test_one_of_three_who_lies_beyond_it_pays_and_is_replaced(trials, trial):
    trial.to_scoring(GOOD, flattered(500_000), GOOD)
    liar = trial.seats[1]
    for seat, scores in enumerate((GOOD, flattered(500_000), GOOD)):
        trial.reveal(seat, scores)
    assert trial.status is S.Requested
    assert liar.id not in trials.contract.certifiers()
    trial.finish()
    assert liar.id not in [seat.id for seat in trial.seats]
    assert trials.world.registry.capabilityOf(trial.node.id, 2)["twoQubitErrorPpm"] == GOOD.two_qubit_error_ppm


def test_two_of_three_win(trials, trial):
    """The limit of a median of three. Two who lie together move it as far as the tolerance lets the third stand beside
    them; beyond that it is the honest one who pays, and they are drawn again."""
    near = flattered(15_000)
    trial.finish(near, near, GOOD)
    assert trial.status is S.Certified
    assert trials.world.registry.capabilityOf(trial.node.id, 2)["twoQubitErrorPpm"] == near.two_qubit_error_ppm

    far = flattered(500_000)
    other = trials.request(*trials.applicant("another"))
    other.to_scoring(far, far, GOOD)
    honest = other.seats[2]
    for seat, scores in enumerate((far, far, GOOD)):
        other.reveal(seat, scores)
    assert honest.id not in trials.contract.certifiers()


def test_a_silent_certifier_pays_and_holds_nothing_up_for_good(trials, trial):
    trial.convene()
    silent = trial.seats[0]
    trial.reveal_salt(1)
    trial.reveal_salt(2)
    trial.wait().enforce()
    assert silent.id not in trials.contract.certifiers()
    trial.finish()
    assert trial.status is S.Certified


def test_a_certifier_cannot_copy_what_another_has_committed_to(trials, trial):
    """The seat's certifier is in the commitment, so a copied one opens to nothing its copier can show."""
    trial.challenge().answer()
    trial.commit(0)
    copied = trial.commitment(0, GOOD)
    trial.contract.commitScores(trial.id, 1, copied, sender=trial.seats[1].daemon)
    trial.commit(2)
    trial.reveal(0)
    with refused("ScoresMismatch", certification=trial.id, seat=1, commitment=copied):
        trial.reveal(1, salt=keccak(b"salt 0"))  # the copied seat's own salt, now public
    trial.reveal(2)
    copier = trial.seats[1]
    trial.wait().enforce()
    assert copier.id not in trials.contract.certifiers()


def test_scores_cannot_be_changed_once_others_are_public(trials, trial):
    trial.to_scoring()
    trial.reveal(0)
    with refused("ScoresMismatch"):
        trial.reveal(1, flattered(1_000))


def test_the_processor_has_no_part_in_its_seed(trials, trial):
    """It cannot grind: of the seed's parts it chooses when to ask, and then salts are bound that nobody has seen."""
    trial.convene()
    bound = [trial.certifier(seat).tip for seat in range(3)]
    assert bound == [certifying.chain_of(trials.roots[seat.id], CHAIN)[-1] for seat in trial.seats]
    with refused("CallerNotCertificationDaemon"):
        trial.contract.revealSalt(trial.id, 0, trial.salt(0), sender=trial.node.daemon)
    with refused("CertificationOpen"):
        trials.request(trial.node, trial.record.version)


def test_the_last_to_reveal_cannot_choose_the_seed(trials, trial):
    """It may only withhold, which costs its stake, and then every part is drawn anew: the other salts too."""
    trial.convene()
    before = [trial.salt(seat) for seat in range(3)]
    with refused("SaltMismatch"):
        trial.reveal_salt(2, keccak(b"a better one"))
    trial.reveal_salt(0)
    trial.reveal_salt(1)
    foreseen = trial.record.seed
    last = trial.seats[2]
    trial.wait().enforce()
    assert last.id not in trials.contract.certifiers()
    trial.convene()
    after = [trial.salt(seat) for seat in range(3)]
    assert set(before).isdisjoint(after)
    assert trial.record.seed != foreseen


def test_the_order_of_reveals_does_not_matter(trials, trial):
    trial.convene()
    with trials.world.chain.undone():
        for seat in (0, 1, 2):
            trial.reveal_salt(seat)
        seed = trial.record.seed
    for seat in (2, 1, 0):
        trial.reveal_salt(seat)
    assert trial.record.seed == seed


def test_a_processor_s_own_organisation_never_scores_it(trials):
    """Even when most of the pool is its own."""
    world = trials.world
    node, version = trials.applicant()
    own = [world.enrol(node.organisation) for _ in range(4)]
    trials.enlist(*own)
    trial = trials.request(node, version)
    for _ in range(3):
        trial.convene()
        assert {seat.organisation for seat in trial.seats}.isdisjoint({node.organisation})
        if trial.record.round < 3:
            trial.reveal_salt(0)
            trial.reveal_salt(1)
            trial.wait().enforce()
            trials.enlist(world.enrol())


def test_a_suspended_processor_does_not_come_back_under_another_name(trials):
    """The whole way: suspended by rule, retired, registered anew by another operator with another device."""
    world = trials.world
    node = world.nodes[0]
    world.registry.suspend(node.id, bytes(32), sender=world.security)
    with refused("HardwareTaken"):
        world.register(node.operator, "renamed daemon", _hardware(world, node))


def _hardware(world, node):
    from tests.scenario import hardware_of

    return hardware_of(f"daemon {world.nodes.index(node) + 1}")
