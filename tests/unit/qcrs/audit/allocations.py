"""Stories of queues, draws, offers and reservations, for the history that audits examine."""

from qcrs.chain.deployment import ETHER, GWEI
from qcrs.model.organisation import Priority, Screen
from tests.job import Job
from tests.scenario import World, account, capability, round_seconds

NOBODYS_CLASS = 7  # noise class of which there are no processors
RATE = 5 * GWEI  # wei a qubit-second


def backfilled(world: World) -> None:
    """Three processors are busy; whoever passes the one ahead leaves them alone, for it may need them."""
    busy = world.submit(qubits=4).allocate()
    ahead = world.submit(qubits=15)
    behind = world.submit()
    world.beat()
    world.allocator.backfill(behind.id, [ahead.id], sender=world.keeper)
    busy.commit_all().disclose().reveal_all().settle()
    ahead.to_settled()
    behind.commit_all().disclose().reveal_all().settle()


def deferred(world: World) -> None:
    """Nobody can run it, so that it is sent behind another one, which is withdrawn."""
    world.consortium.setWeight(world.node(1).organisation, 4, sender=world.committee)
    stuck = world.submit(noise_class=NOBODYS_CLASS)
    behind = world.submit(noise_class=NOBODYS_CLASS, requester=world.node(1).operator, qubits=20)
    world.submit(noise_class=NOBODYS_CLASS, requester=world.node(1).operator)
    world.chain.advance(round_seconds(world) + 1)
    world.allocator.defer(stuck.id, sender=world.keeper)
    world.allocator.cancel(behind.id, sender=world.node(1).operator)


def exchanged(world: World) -> None:
    world.consortium.chooseOrder(True, sender=world.requester)
    longer = world.submit(noise_class=NOBODYS_CLASS, qubits=20)
    shorter = world.submit(noise_class=NOBODYS_CLASS)
    world.allocator.exchange(shorter.id, longer.id, sender=world.stranger)
    world.allocator.cancel(longer.id, sender=world.requester)


def prior(world: World) -> None:
    """An elevated and a critical one, out of a quota that they use up, and of the next day's."""
    cost = 2 * 4096 * 3
    world.consortium.grantQuota(world.requesters, cost, cost, sender=world.committee)
    for priority in (Priority.Elevated, Priority.Critical):
        world.submit(priority=priority).to_settled()
    world.chain.advance(86_400)
    world.submit(priority=Priority.Elevated).to_settled()


def cheap(world: World) -> None:
    """Three ask half of the policy's price, and a fourth a third of it, but for larger computations."""
    price = world.policy["pricePerQubitShot"]
    ends_at = world.chain.now + 10**6
    for id_ in (1, 2, 3):
        world.registry.offer(id_, price // 2, 0, ends_at, sender=world.node(id_).operator)
    world.registry.offer(4, price // 3, ETHER, ends_at, sender=world.node(4).operator)
    world.submit(price=price // 2).to_settled()
    for id_ in (1, 2, 4):
        world.registry.withdrawOffer(id_, sender=world.node(id_).operator)


def choosy(world: World) -> None:
    """Three of six organisations are let in, of which one drains; a fourth has the better device that is asked for."""
    world.certify(3, quantum_volume_log2=9, two_qubit_error_ppm=100)
    world.consortium.chooseScreen(Screen.Only, sender=world.requester)
    friends = [world.node(id_).organisation for id_ in (1, 3, 4, 8)]
    world.consortium.list(friends, True, sender=world.requester)
    world.registry.drain(8, True, sender=world.node(8).daemon)
    world.submit().to_settled()
    world.submit(replicas=1, quantum_volume_log2=8, two_qubit_error_ppm=500).to_settled()
    world.registry.drain(8, False, sender=world.node(8).operator)
    world.consortium.list(friends[:1], False, sender=world.requester)
    world.consortium.chooseScreen(Screen.Except, sender=world.requester)
    world.submit(replicas=6).to_settled()  # by all but the other three
    world.consortium.chooseScreen(Screen.Everyone, sender=world.requester)


def batched(world: World) -> None:
    """Two at once, from what is sent with them and what was there before."""
    requests = [world.request(), world.request(qubits=3)]
    fee = sum(map(world.quote, requests))
    world.allocator.depositFor(world.requester, sender=world.stranger, value=fee // 2)
    chained = [request.to_chain() for request in requests]
    first = world.allocator.submitMany(chained, sender=world.requester, value=fee - fee // 2).result
    for offset, request in enumerate(requests):
        Job(world, first + offset, request).to_settled()


def absent(world: World) -> None:
    """Four are heard of and four are not, nor is one whose certificate ends; then they come back one by one."""
    operator = world.node(9).operator
    briefly = capability(world.chain.now + 100).to_chain()
    version = world.registry.declareCapability(9, briefly, "", sender=operator).result
    world.registry.certify(9, version, sender=world.certifier)
    world.chain.advance(200)
    job = world.submit()
    world.beat(*world.nodes[:4])
    world.allocator.allocate(job.id, sender=world.keeper)
    for _ in range(3):
        world.beat(*world.nodes[::-1])
    job.commit_all().disclose().reveal_all().settle()
    world.submit().to_settled()
    world.certify(9)


def reserved(world: World) -> None:
    """One is used to its end, one ended early, one withdrawn, one left, and one kept ready in vain."""
    book, round_ = world.reservations, round_seconds(world)
    for id_ in (7, 8):
        if not world.registry.isAvailable(id_):
            world.bond(id_)  # an earlier story has cost it its bond
        book.setRate(id_, RATE, sender=world.node(id_).operator)
    used, early, withdrawn, left, kept = (
        _reserve(world, [7, 8], 5, world.chain.now + start, 100) for start in (600, 1_200, 1_800, 2_400, 3_000)
    )
    book.cancel(withdrawn, sender=world.requester)
    for id_ in (used, early, left, kept):
        starts_at = book.reservationOf(id_)[0]["startsAt"]
        if id_ != left:
            world.chain.warp(starts_at - round_)
            world.beat()
            book.prepare(id_, sender=world.stranger)
        if id_ in (left, kept):
            world.chain.warp(starts_at + round_)
            book.lapse(id_, sender=world.keeper)
            continue
        world.chain.warp(starts_at)
        book.begin(id_, sender=world.keeper)
        world.beat()
        if id_ == used:
            world.submit(qubits=16).to_settled()  # the two that are reserved have less
            world.chain.warp(starts_at + 100)
        book.finish(id_, sender=world.keeper if id_ == used else world.requester)


def _reserve(world: World, processors: list[int], qubits: int, starts_at: int, duration: int) -> int:
    price = world.reservations.priceOf(processors, qubits, duration)
    window = (starts_at, starts_at + duration)
    world.beat()
    return world.reservations.reserve(processors, qubits, *window, RATE, sender=world.requester, value=price).result


def lasting(world: World) -> None:
    """What stays until the end, where the contracts are asked for it."""
    operator = account("operator 2")
    world.consortium.chooseScreen(Screen.Except, sender=operator)
    world.consortium.list([world.requesters], True, sender=operator)
    world.reservations.setRate(7, 2 * RATE, sender=world.node(7).operator)
    world.registry.offer(3, 1, 0, world.chain.now + 10**7, sender=world.node(3).operator)
    _reserve(world, [8], 1, world.chain.now + 50_000, 10)
