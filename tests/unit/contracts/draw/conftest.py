"""Draws from a field that a test fills as it likes, and what they come to be by another's reckoning."""

from dataclasses import dataclass, field

import pytest
from eth_hash.auto import keccak

from qcrs.model.processor import ProcessorStatus
from tests.evm import Chain, Contract
from tests.scenario import NOBODY, account

NOISE_CLASS = 1
DRAWS = 64
STEPS = 128
SHOTS = 4096
QUBIT_PRICE = 10**10
OWN = 99_999  # the organisation that asks


def asked(qubits=1, flags=0, profile=1, volume=0, error=0, organisation=OWN, noise_class=NOISE_CLASS):
    """Return the first word of a record."""
    return (
        noise_class << 24
        | qubits << 32
        | profile << 48
        | volume << 56
        | error << 64
        | SHOTS << 80
        | flags << 120
        | organisation << 128
    )


@dataclass
class Field:
    """The harness, and the standings put into it."""

    chain: Chain
    contract: Contract
    standings: dict[int, dict] = field(default_factory=dict)

    def put(self, processor, terms=None, **changes):
        """Index *processor*, able to work unless *changes* say otherwise, each of an organisation of its own."""
        standing = {
            "status": ProcessorStatus.Certified,
            "noiseClass": NOISE_CLASS,
            "qubits": 1,
            "leasedQubits": 0,
            "heldQubits": 0,
            "entry": 0,
            "bonded": True,
            "draining": False,
            "offered": False,
            "organisation": processor,
            "lastBeatAt": self.chain.now,
            "expiresAt": 2**32 - 1,
            "accepted": 0,
            "outliers": 0,
            "silent": 0,
            "refused": 0,
            "failed": 0,
        } | changes
        given = {
            "quantumVolumeLog2": 5,
            "profile": 1,
            "twoQubitErrorPpm": 9_000,
            "price": 0,
            "minimum": 0,
            "offerExpiresAt": 0,
        } | (terms or {})
        arguments = (processor, tuple(standing.values()), tuple(given.values()))
        self.chain.send(self.contract, "put", *arguments, sender=account("deployer"))
        self.standings[processor] = standing

    def draw(self, seed, count=1, word=None, tried=(), on_duty=(), most=0, least=0, pay=None, since=0, by=NOBODY):
        """Draw; what it changes stays."""
        word = asked() if word is None else word
        pay = QUBIT_PRICE * (word >> 32 & 0xFF) * SHOTS if pay is None else pay
        wish = (word, count, most, least, pay, since, by)
        arguments = (seed, wish, list(tried), list(on_duty))
        return self.chain.send(self.contract, "draw", *arguments, sender=account("deployer")).result

    def peek(self, seed, *arguments, **options):
        """Draw, and undo it."""
        with self.chain.undone():
            return self.draw(seed, *arguments, **options)

    def listed(self, level):
        """Return the list of *level*, in order."""
        places = range(self.contract.lengthOf(NOISE_CLASS, level))
        return [self.contract.processorAt(NOISE_CLASS, level, place) for place in places]

    def require_exact(self):
        """Check that each entry points to its own place, and each place to an entry."""
        for level in range(8):
            for place, processor in enumerate(self.listed(level)):
                assert self.standing(processor)["entry"] == level + 1 << 20 | place
        listed = {processor for level in range(8) for processor in self.listed(level)}
        assert listed == {p for p in self.standings if self.standing(p)["entry"]}

    def standing(self, processor):
        return self.contract.standingOf(processor)


def candidates(seed, lists):
    """Yield each candidate over *lists*, put end to end, and the chance that its weight must exceed."""
    size, word = len(lists), 0
    for draw in range(DRAWS):
        word = int.from_bytes(keccak(seed + draw.to_bytes(32, "big")), "big")
        yield lists[word % size], (word >> 128) % 100
    for i in range(min(STEPS, size)):
        yield lists[(word + i) % size], 0


def seeds(count, name="draw"):
    """Return *count* fixed seeds."""
    return [keccak(f"{name} {number}".encode()) for number in range(count)]


@pytest.fixture(scope="module")
def _built_field():
    chain = Chain()
    return Field(chain, chain.deploy("DrawHarness", sender=account("deployer")))


@pytest.fixture
def field_(_built_field):
    """An empty field; afterwards its index must be exact, and all is undone."""
    _built_field.standings.clear()
    with _built_field.chain.undone():
        yield _built_field
        _built_field.require_exact()
