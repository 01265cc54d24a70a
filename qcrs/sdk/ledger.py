"""The escrow's books, read back: who holds what, and whether it adds up."""

from dataclasses import dataclass

from qcrs.chain.gateway import Gateway


@dataclass(frozen=True)
class Books:
    """Every balance in wei.

    Attributes:
        accounts: Available and locked by holder. held: What the contract's address really has.
        queued: Bounties set aside for whoever allocates the computations in the queues.
    """

    accounts: dict[str, tuple[int, int]]
    treasury: int
    held: int
    queued: int = 0

    @property
    def balanced(self) -> bool:
        """Whether available, locked, treasury and bounties in the queues add up to what is held."""
        return sum(a + locked for a, locked in self.accounts.values()) + self.treasury + self.queued == self.held


async def read_ledger(gateway: Gateway) -> Books:
    """Return the books at the latest block, over every account that an event ever named."""
    block = await gateway.block_number()  # one moment for all: money moves between accounts while we read
    holders: dict[str, None] = {}
    classes: set[int] = set()
    for event in await gateway.logs(gateway.network.deployed_at, block):
        if event.name == "ComputationSubmitted":
            classes.add(event["request"]["noiseClass"])
        for name in ("holder", "requester", "operator", "source", "keeper"):
            if name in event.arguments:
                holders.setdefault(event[name])
        for payee in event.arguments.get("payees", ()):
            holders.setdefault(payee)

    async def view(function: str, *arguments):
        return await gateway.call("ComputationAllocator", function, *arguments, block=block)

    accounts = {holder: await view("balanceOf", holder) for holder in holders if int(holder, 16)}
    held = await gateway.balance(gateway.addresses["ComputationAllocator"], block)
    waiting = [(await view("queueOf", noise_class))[1] for noise_class in sorted(classes)]
    queued = sum(waiting) * await view("KEEPER_BOUNTY")
    return Books({h: b for h, b in accounts.items() if any(b)}, await view("treasury"), held, queued)
