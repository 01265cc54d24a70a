"""A thief of keys, a relayer and a signer that should not exist."""

import pytest
from eth_hash.auto import keccak

from qcrs.model.assignment import AssignmentStatus
from qcrs.rules.hash_keys import Action, Call, Domain
from tests.doors import Holder, consent, key_node, keyed, open_door
from tests.evm import CHAIN_ID, refused
from tests.reports import reason_of
from tests.scenario import account, capability

DIGEST = keccak(b"identity")
DEVICE = keccak(b"device")


@pytest.fixture
def victims(world):
    """Operator and daemon of the first node, both keyed; the thief has their ECDSA keys."""
    return key_node(world, 1)


def test_stolen_ecdsa_key_of_an_operator_does_nothing(world, victims):
    operator, _ = victims
    processor, now = world.nodes[0].id, world.chain.now
    registration = world.sign_registration("thief's daemon", operator.account, DIGEST, DEVICE)
    acts = [
        ("register", account("thief's daemon"), DIGEST, DEVICE, registration),
        ("declareCapability", processor, capability(now + 86_400).to_chain(), ""),
        ("offer", processor, 1, 1, now + 86_400),
        ("withdrawOffer", processor),
        ("drain", processor, True),
        ("retire", processor),
    ]
    before = world.standing(processor)
    for function, *arguments in acts:
        with refused("HashSignatureRequired", account=operator.account, door=world.hash_keys.address):
            getattr(world.registry, function)(*arguments, sender=operator.account)
    assert world.standing(processor) == before


def test_stolen_ecdsa_key_of_an_operator_takes_nothing_away(world, victims):
    """Neither bond nor balance, nor the rate, nor the organisation; and it keeps no bond from leaving."""
    operator, _ = victims
    processor, later = world.nodes[0].id, world.nodes[0].organisation
    world.allocator.depositFor(operator.account, sender=world.stranger, value=100)
    acts = [
        (world.bonds, "beginUnbonding", processor),
        (world.bonds, "unbond", processor),
        (world.bonds, "unbondTo", processor, account("thief")),
        (world.allocator, "withdraw", 100),
        (world.contracts["Reservations"], "setRate", processor, 1),
        (world.contracts["Certifications"], "delist", processor),
        (world.contracts["Certifications"], "withdrawReserve", processor),
        (world.consortium, "invite", account("thief")),
        (world.consortium, "resign"),
        (world.consortium, "join", later),
    ]
    bond = world.bonds.bondOf(processor)
    for contract, function, *arguments in acts:
        with refused("HashSignatureRequired", account=operator.account, door=world.hash_keys.address):
            getattr(contract, function)(*arguments, sender=operator.account)
    assert world.bonds.bondOf(processor) == bond
    assert world.available(operator.account) == 100
    operator.perform(world.bonds, "beginUnbonding", processor)
    with refused("HashSignatureRequired", account=operator.account, door=world.hash_keys.address):
        world.bonds.bond(processor, sender=operator.account, value=1)


def test_stolen_ecdsa_key_of_a_daemon_does_not_report(world, office):
    job = world.submit().allocate()
    _, daemon = key_node(world, world.nodes.index(job.node(0)) + 1)
    with refused("HashSignatureRequired", account=daemon.account, door=world.hash_keys.address):
        job.commit(0)
    with refused("HashSignatureRequired", account=daemon.account, door=world.hash_keys.address):
        world.verifier.refuse(job.id, 0, 1, sender=daemon.account)
    receipt = office.post(office.signed(job, 0))
    assert reason_of(receipt.named("CommitSkipped")[0]).name == "HashSignatureRequired"
    assert job.fates[0] is AssignmentStatus.Assigned


def test_stolen_ecdsa_key_of_a_daemon_does_not_register_it_elsewhere(world):
    """The thief has an organisation and a hash key of its own, and the daemon's consent by ECDSA."""
    daemon, thief = keyed(world, "fresh daemon"), keyed(world, "requester")
    signature = world.sign_registration("fresh daemon", thief.account, DIGEST, DEVICE)
    own = thief.attest(world.registry.address, world.registration_digest(thief.account, daemon.account, DIGEST, DEVICE))
    for given in (signature, signature + own):
        receipt = thief.perform(world.registry, "register", daemon.account, DIGEST, DEVICE, given)
        assert receipt.named("ActionFailed")
    assert world.registry.processorOf(daemon.account) == 0


def test_stolen_ecdsa_key_does_not_rotate_install_or_recover(world, victims):
    operator, _ = victims
    thief = Holder(world.hash_keys, "thief")
    commitment = thief.commitment()
    possession = thief.hash_sign(
        lambda leaf: thief.domain.possession_digest(operator.account, commitment, leaf), leaf=0
    )
    with refused("KeyPresent"):
        world.hash_keys.install(commitment, possession, sender=operator.account)
    forged = thief.hash_sign(lambda leaf: thief.domain.rotation_digest(operator.account, commitment, leaf), leaf=1)
    with refused("HashSignatureInvalid", account=operator.account, leaf=1):
        world.hash_keys.rotate(operator.account, commitment, possession, b"", forged, sender=operator.account)
    with refused("AccessManagedUnauthorized"):
        world.hash_keys.proposeRecovery(operator.account, commitment, possession, sender=operator.account)
    assert operator.word.commitment == operator.commitment()


def test_authority_alone_does_not_take_a_key_whose_holder_is_awake(world, victims):
    operator, _ = victims
    thief = Holder(world.hash_keys, "thief")
    commitment = thief.commitment()
    possession = thief.hash_sign(
        lambda leaf: thief.domain.possession_digest(operator.account, commitment, leaf), leaf=0
    )
    world.hash_keys.proposeRecovery(operator.account, commitment, possession, sender=world.certifier)
    world.hash_keys.object(*operator.objection(commitment), sender=world.stranger)
    world.chain.advance(30 * 86_400)
    with refused("RecoveryMissing", account=operator.account):
        world.hash_keys.recover(operator.account, sender=world.certifier)


def test_restored_signer_is_refused_by_the_chain(world, victims):
    """An old copy of the signer signs something else by a leaf that has been posted."""
    operator, _ = victims
    processor = world.nodes[0].id
    operator.perform(world.registry, "drain", processor, True)
    operator.next_leaf = 1
    with refused("LeafBurnt", account=operator.account, leaf=1, next=2):
        operator.perform(world.registry, "retire", processor)


def messages(holder, domain):
    """Return the digest of every kind of message, for leaf 1, under *domain*."""
    who, commitment, target = holder.account, holder.commitment(), holder.door.address
    return {
        "action": domain.action_digest(Action(who, target, b"data"), 1),
        "batch": domain.batch_digest(who, [Call(target, b"data")], 100_000, 1),
        "attestation": domain.attestation_digest(who, target, DIGEST, 1),
        "possession": domain.possession_digest(who, commitment, 1),
        "rotation": domain.rotation_digest(who, commitment, 1),
        "objection": domain.objection_digest(who, commitment, 1),
    }


def test_no_message_stands_for_another(world):
    holder = Holder(world.hash_keys, "operator 1")
    domains = [
        Domain(CHAIN_ID, world.hash_keys.address),
        Domain(CHAIN_ID + 1, world.hash_keys.address),
        Domain(CHAIN_ID, world.registry.address),
    ]
    digests = [digest for domain in domains for digest in messages(holder, domain).values()]
    assert len(set(digests)) == len(digests) == 18


class Abroad(Holder):
    """A holder who has signed for another chain, or for another door."""

    def __init__(self, door, name, domain):
        super().__init__(door, name)
        self.domain = domain


@pytest.mark.parametrize("elsewhere", ["chain", "contract"])
@pytest.mark.parametrize("kind", ["action", "batch", "attestation", "possession", "rotation", "objection"])
def test_message_signed_for_elsewhere_is_refused(world, victims, kind, elsewhere):
    operator, _ = victims
    door, here = world.hash_keys, operator.account
    if elsewhere == "chain":
        domain = Domain(CHAIN_ID + 1, door.address)
    else:
        domain = Domain(CHAIN_ID, open_door(world.chain, world.certifier).address)
    abroad = Abroad(door, "operator 1", domain)
    abroad.next_leaf = 1
    action = abroad.action(world.registry, "drain", world.nodes[0].id, True)
    if kind == "objection":
        door.proposeRecovery(here, operator.commitment(1), operator.possession(1), sender=world.certifier)
    sending = {
        "action": lambda: door.perform(*abroad.signed(action), sender=here),
        "batch": lambda: door.performMany(*abroad.batch([Call(action.target, action.data)]), sender=here),
        "attestation": lambda: door.attest(here, DIGEST, abroad.attest(world.stranger, DIGEST), sender=world.stranger),
        "possession": lambda: door.rotate(*_with_possession_of(abroad, operator), sender=here),
        "rotation": lambda: door.rotate(*_with_possession_of(operator, abroad), sender=here),
        "objection": lambda: door.object(*abroad.objection(operator.commitment(1)), sender=here),
    }
    with refused("HashSignatureInvalid"):
        sending[kind]()


def _with_possession_of(possessor, rotator):
    """Return a rotation whose two signatures are for different places."""
    account_, commitment, _, ecdsa, signature = rotator.rotation(1)
    return account_, commitment, possessor.possession(1), ecdsa, signature


def test_registration_consent_for_another_registry_is_refused(world):
    daemon = keyed(world, "fresh daemon")
    digest = world.registration_digest(world.requester, daemon.account, DIGEST, DEVICE)
    good = consent(world, daemon, world.requester, DIGEST, DEVICE)
    wrong = daemon.ecdsa(digest) + daemon.attest(world.relay.address, digest, leaf=5)
    with refused("HashSignatureInvalid", account=daemon.account, leaf=5):
        world.registry.register(daemon.account, DIGEST, DEVICE, wrong, sender=world.requester)
    world.registry.register(daemon.account, DIGEST, DEVICE, good, sender=world.requester)
