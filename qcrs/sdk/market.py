"""Who could run a circuit, and at which price: the registry and the offers as a requester sees them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from qcrs.chain.contracts import Allocator, Members, Registry
from qcrs.chain.gateway import Gateway
from qcrs.model.processor import ProcessorStatus
from qcrs.model.records import Standing, Terms
from qcrs.sdk.terms import FLAT_PROFILE, NoCapacity

MISSED_BEATS = 2  # as in contracts/ProcessorRegistry.sol


@dataclass(frozen=True)
class Need:
    """What a computation asks of each of its processors, but for the price."""

    qubits: int
    shots: int
    profile: int = FLAT_PROFILE
    quantum_volume_log2: int = 0
    two_qubit_error_ppm: int = 0


@dataclass(frozen=True)
class Candidate:
    """A processor.

    Attributes:
        screened: Whether the requester's organisation does not let it run its computations.
    """

    processor: int
    standing: Standing
    terms: Terms
    screened: bool = False

    @property
    def free(self) -> int:
        """Qubits that nobody has and nobody is promised."""
        return max(0, self.standing.qubits - self.standing.leased_qubits - self.standing.held_qubits)


@dataclass(frozen=True)
class Rise:
    """What a higher price adds: *processors* more, of *organisations* more."""

    price: int
    processors: int
    organisations: int


@dataclass(frozen=True)
class Market:
    """All processors, as of a moment.

    Attributes:
        organisation: The requester's; 0 without one. price: Wei a qubit-shot of those without an offer, by the policy.
        bounty: A keeper's, wei. now: The chain's clock, unix seconds. heartbeat_seconds: Longest between heartbeats.
    """

    organisation: int
    candidates: Sequence[Candidate]
    price: int
    bounty: int
    now: float
    heartbeat_seconds: int

    def willing(self, need: Need, price: int, noise_class: int | None = None) -> list[Candidate]:
        """Return those that may be drawn for *need* at *price* once they have room, of one class or of all."""
        return [candidate for candidate, ask in self._fitting(need, noise_class) if ask <= price]

    def ready(self, candidates: Sequence[Candidate], qubits: int) -> list[Candidate]:
        """Return those of *candidates* that are there and have *qubits* free."""
        since = self.now - MISSED_BEATS * self.heartbeat_seconds
        return [c for c in candidates if c.standing.last_beat_at >= since and c.free >= qubits]

    def rises(self, need: Need, price: int, noise_class: int, most: int = 3) -> list[Rise]:
        """Return what the next prices above *price* would add, cheapest first, at most *most* of them."""
        have = {candidate.standing.organisation for candidate in self.willing(need, price, noise_class)}
        dearer = [(ask, candidate) for candidate, ask in self._fitting(need, noise_class) if ask > price]
        rises = []
        for ask in sorted({ask for ask, _ in dearer})[:most]:
            added = [candidate for other, candidate in dearer if other <= ask]
            rises.append(Rise(ask, len(added), len({c.standing.organisation for c in added} - have)))
        return rises

    def best_class(self, need: Need, price: int, replicas: int) -> int:
        """Return the noise class with most organisations whose processors fit.

        Raises:
            NoCapacity: None has enough for *replicas*; says what would help.
        """
        counts = self._organisations(self.willing(need, price))
        best = max(counts, key=lambda key: counts[key], default=0)
        have = counts.get(best, 0)
        if have >= replicas:
            return best
        anyhow = self._organisations([candidate for candidate, _ in self._fitting(need)])
        dearer = {noise_class: count for noise_class, count in anyhow.items() if count >= replicas}
        hints = [f"the largest has {max((c.standing.qubits for c in self._usable()), default=0)} qubits"]
        if dearer:
            cheapest = min(self._price_of(need, noise_class, replicas) for noise_class in dearer)
            hints.append(f"at a price of {cheapest} wei a qubit-shot there would be enough")
        if any(c.screened for c in self.candidates):
            hints.append("your organisation screens some out")
        raise NoCapacity(
            f"{replicas} independent processors with {need.qubits} qubits are wanted, {have} of one noise class fit at "
            f"{price} wei a qubit-shot; {'; '.join(hints)}. Try fewer replicas or requirements, or see "
            "'qcrs processor list'"
        )

    def _price_of(self, need: Need, noise_class: int, replicas: int) -> int:
        """Return the least price at which *replicas* organisations of a class fit; there are as many."""
        least: dict[int, int] = {}
        for candidate, ask in self._fitting(need, noise_class):
            owner = candidate.standing.organisation
            least[owner] = min(ask, least.get(owner, ask))
        return sorted(least.values())[replicas - 1]

    def _organisations(self, candidates: Sequence[Candidate]) -> dict[int, int]:
        """Return how many organisations *candidates* are of, by noise class."""
        owners: dict[int, set[int]] = {}
        for candidate in candidates:
            owners.setdefault(candidate.standing.noise_class, set()).add(candidate.standing.organisation)
        return {noise_class: len(of) for noise_class, of in owners.items()}

    def _fitting(self, need: Need, noise_class: int | None = None) -> list[tuple[Candidate, int]]:
        """Return who fits at any price, and the least price of each: as ``Draw._isWanted`` has it."""
        fitting = []
        for candidate in self._usable():
            standing, terms = candidate.standing, candidate.terms
            suits = (
                noise_class in (None, standing.noise_class)
                and standing.qubits >= need.qubits
                and (need.profile <= FLAT_PROFILE or terms.profile >= need.profile)
                and terms.quantum_volume_log2 >= need.quantum_volume_log2
                and (not need.two_qubit_error_ppm or terms.two_qubit_error_ppm <= need.two_qubit_error_ppm)
            )
            if not suits or (standing.offered and terms.offer_expires_at <= self.now):
                continue
            least = -(-terms.minimum // (need.qubits * need.shots))
            fitting.append((candidate, max(terms.price, least) if standing.offered else self.price))
        return fitting

    def _usable(self) -> list[Candidate]:
        return [
            c
            for c in self.candidates
            if c.standing.status is ProcessorStatus.Certified
            and c.standing.bonded
            and not c.standing.draining
            and c.standing.expires_at > self.now
            and c.standing.organisation != self.organisation
            and not c.screened
        ]


async def read_market(gateway: Gateway, account: str | None) -> Market:
    """Return the market as *account* sees it."""
    registry, members, allocator = Registry(gateway), Members(gateway), Allocator(gateway)
    organisation = 0 if account is None else await members.organisation_of(account)
    count = await registry.count()
    policy, bounty, interval, *rest = await asyncio.gather(
        allocator.policy(),
        allocator.keeper_bounty(),
        registry.heartbeat_seconds(),
        *(registry.standing(number) for number in range(1, count + 1)),
        *(registry.terms(number) for number in range(1, count + 1)),
    )
    standings, terms = rest[:count], rest[count:]
    owners = sorted({standing.organisation for standing in standings} - {0, organisation})
    screened = await asyncio.gather(*(members.is_screened(organisation, owner) for owner in owners))
    out = {owner for owner, is_out in zip(owners, screened, strict=True) if is_out}
    candidates = [
        Candidate(number, standing, term, standing.organisation in out)
        for number, (standing, term) in enumerate(zip(standings, terms, strict=True), 1)
    ]
    return Market(organisation, candidates, policy.price_per_qubit_shot, bounty, gateway.now, interval)
