"""The suite's views and transactions, typed: one class a contract, names as in Solidity."""

from qcrs.chain.gateway import Gateway
from qcrs.model.records import (
    Assignment,
    Capability,
    Certification,
    CertificationTerms,
    Certifier,
    Computation,
    Organisation,
    Policy,
    Reservation,
    Standing,
    Terms,
)
from qcrs.rules.hash_keys import KeyWord


class Allocator:
    """Reads of ``ComputationAllocator``, and of its records through ``Records``."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def _call(self, function: str, *arguments):
        return await self._gateway.call("ComputationAllocator", function, *arguments)

    async def computation(self, computation: int) -> Computation:
        """Return the record of *computation*; its status is ``Unset`` when there is none."""
        return Computation.from_chain(await self._gateway.call("Records", "computationOf", computation))

    async def assignments(self, computation: int) -> list[Assignment]:
        """Return all assignments of *computation* by index."""
        return [Assignment.from_chain(a) for a in await self._gateway.call("Records", "assignmentsOf", computation)]

    async def seed(self, computation: int) -> bytes:
        """Return the sketch seed of the running or last round."""
        return await self._gateway.call("Records", "seedOf", computation)

    async def quote(self, price: int, qubits: int, shots: int, replicas: int, replica_cap: int) -> int:
        """Return the wei that a submission takes, at *price* wei a qubit-shot."""
        return await self._call("quote", price, qubits, shots, replicas, replica_cap)

    async def balance(self, holder: str) -> tuple[int, int]:
        """Return the available and the locked wei of *holder*."""
        return await self._call("balanceOf", holder)

    async def treasury(self) -> int:
        """Return the treasury in wei."""
        return await self._call("treasury")

    async def policy(self) -> Policy:
        """Return the rules in force."""
        return Policy.from_chain(await self._call("policy"))

    async def keeper_bounty(self) -> int:
        """Return the wei for allocating, enforcing a deadline or settling."""
        return await self._call("KEEPER_BOUNTY")

    async def count(self) -> int:
        """Return how many computations were ever submitted."""
        return await self._call("computationCount")

    async def queue(self, noise_class: int) -> tuple[int, int, int]:
        """Return the first bucket of a class's queue, how many wait, and since when nobody was served in turn."""
        return await self._call("queueOf", noise_class)

    async def beacon(self) -> bytes:
        """Return the entropy of the next draw."""
        return await self._call("beacon")


class ProcessorBonds:
    """Reads of ``Bonds``."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def amount(self, processor: int) -> int:
        """Return the wei behind *processor*."""
        return await self._gateway.call("Bonds", "bondOf", processor)

    async def unbonding(self, processor: int) -> tuple[int, int]:
        """Return when the bond becomes free, unix seconds (0: unbonding has not begun), and how many cases hold it."""
        return await self._gateway.call("Bonds", "unbondingOf", processor)


class HashKeys:
    """The contract of hash keys."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def word(self, account: str) -> KeyWord:
        """Return what the chain keeps of the key of *account*."""
        return KeyWord.of(await self._gateway.call("HashKeys", "wordOf", account))

    async def has_key(self, account: str) -> bool:
        """Return whether *account* acts through the door."""
        return not (await self.word(account)).is_empty


class Registry:
    """Reads of ``ProcessorRegistry``."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def _call(self, function: str, *arguments):
        return await self._gateway.call("ProcessorRegistry", function, *arguments)

    async def standing(self, processor: int) -> Standing:
        """Return the hot record of *processor*; its status is ``Unset`` when there is none."""
        return Standing.from_chain(await self._call("standingOf", processor))

    async def operator(self, processor: int) -> str:
        """Return the account that owns *processor*."""
        return await self._call("operatorOf", processor)

    async def daemon(self, processor: int) -> str:
        """Return the account with which *processor* acts."""
        return await self._call("daemonOf", processor)

    async def processor_of(self, daemon: str) -> int:
        """Return the processor that *daemon* serves; 0 when none."""
        return await self._call("processorOf", daemon)

    async def capability(self, processor: int) -> Capability | None:
        """Return the approved capability of *processor*, if any."""
        version, _ = await self._call("versionsOf", processor)
        if version == 0:
            return None
        return Capability.from_chain(await self._call("capabilityOf", processor, version))

    async def terms(self, processor: int) -> Terms:
        """Return what *processor* is drawn by beside its noise class and qubits."""
        return Terms.from_chain(await self._call("termsOf", processor))

    async def count(self) -> int:
        """Return how many processors were ever registered."""
        return await self._call("processorCount")

    async def heartbeat_seconds(self) -> int:
        """Return the longest time between heartbeats."""
        return await self._call("HEARTBEAT_SECONDS")


class Members:
    """Reads of ``Consortium``."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def organisation_of(self, account: str) -> int:
        """Return the organisation for which *account* acts; 0 when none."""
        return await self._gateway.call("Consortium", "organisationOf", account)

    async def count(self) -> int:
        """Return how many organisations were ever admitted."""
        return await self._gateway.call("Consortium", "organisationCount")

    async def organisation(self, organisation: int) -> Organisation:
        """Return the record of *organisation*."""
        return Organisation.from_chain(await self._gateway.call("Consortium", "organisations", organisation))

    async def quota(self, organisation: int) -> tuple[int, int, int]:
        """Return the elevated and the critical cost units left to *organisation*, and when they renew, unix seconds."""
        return await self._gateway.call("Consortium", "quotaOf", organisation)

    async def is_shortest_first(self, organisation: int) -> bool:
        """Return whether *organisation* lets its shorter computations take the place of its longer ones."""
        return await self._gateway.call("Consortium", "isShortestFirst", organisation)

    async def is_screened(self, organisation: int, other: int) -> bool:
        """Return whether *organisation* does not let processors of *other* run its computations."""
        return await self._gateway.call("Consortium", "isScreened", organisation, other)


class Reserved:
    """Reads of ``Reservations``."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def _call(self, function: str, *arguments):
        return await self._gateway.call("Reservations", function, *arguments)

    async def reservation(self, reservation: int) -> tuple[Reservation, list[int]]:
        """Return the record of *reservation* and its processors; its status is ``Unset`` when there is none."""
        record, processors = await self._call("reservationOf", reservation)
        return Reservation.from_chain(record), processors

    async def calendar(self, processor: int) -> list[int]:
        """Return the reservations of *processor* that have not ended."""
        return await self._call("calendarOf", processor)

    async def count(self) -> int:
        """Return how many reservations were ever granted."""
        return await self._call("reservationCount")

    async def rate(self, processor: int) -> int:
        """Return what *processor* asks for a qubit-second, wei; 0 when it takes no reservations."""
        return await self._call("rateOf", processor)

    async def price(self, processors: list[int], qubits: int, duration: int) -> int:
        """Return the wei that a reservation takes."""
        return await self._call("priceOf", processors, qubits, duration)


class Benchmarks:
    """Reads of ``Certifications``."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def _call(self, function: str, *arguments):
        return await self._gateway.call("Certifications", function, *arguments)

    async def count(self) -> int:
        """Return how many certifications were ever requested."""
        return await self._call("certificationCount")

    async def certification(self, certification: int) -> tuple[Certification, list[int]]:
        """Return the record of *certification* and who sits; its status is ``Unset`` when there is none."""
        record, seats = await self._call("certificationOf", certification)
        return Certification.from_chain(record), seats

    async def certifier(self, processor: int) -> Certifier:
        """Return what the pool knows of *processor*; its place is 0 when it is not in it."""
        return Certifier.from_chain(await self._call("certifierOf", processor))

    async def terms(self) -> CertificationTerms:
        """Return the terms in force."""
        return CertificationTerms.from_chain(await self._call("terms"))

    async def price(self, processor: int) -> int:
        """Return the wei that a request takes."""
        return await self._call("requestPriceOf", processor)

    async def reserve(self, processor: int) -> int:
        """Return the wei kept for the next benchmark of *processor*."""
        return await self._call("reserveOf", processor)

    async def entropy(self, epoch: int) -> bytes | None:
        """Return what *epoch* draws by; None when it has not been opened."""
        entropy = await self._call("entropyOf", epoch)
        return entropy if any(entropy) else None

    async def claim(self, processor: int, version: int) -> Capability:
        """Return a capability version."""
        return Capability.from_chain(await self._gateway.call("ProcessorRegistry", "capabilityOf", processor, version))
