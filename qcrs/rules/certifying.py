"""Seeds, salts and draws of certifications: twin of ``contracts/Certifications.sol`` and its ``Certifiers.sol``."""

from collections.abc import Callable, Sequence

from faster_eth_abi import encode

from qcrs.model.records import Measured
from qcrs.rules.digest import keccak
from qcrs.rules.measurement import PPM, SEATS
from qcrs.rules.processor_index import FULL_WEIGHT

SCORE_DOMAIN = keccak(b"QCRS certification scores")
SEED_DOMAIN = keccak(b"QCRS certification seed")
SILENT = b"benchmark not answered".ljust(32, b"\0")
UNFIT = b"benchmark failed".ljust(32, b"\0")
EVERYBODY = (1 << SEATS) - 1
MAX_ROUNDS = 3
MAX_DRAWS = 64
MAX_STEPS = 128
CHAIN_LENGTH = 1_024
MEASURED_TYPE = "(uint16,uint8,uint8,uint32,uint32,uint32,uint64,uint64,uint32,uint64,uint64,uint32)"


def tip_of(salt: bytes) -> bytes:
    """Return what a certifier is bound by to reveal *salt* next."""
    return keccak(salt)


def chain_of(root: bytes, length: int = CHAIN_LENGTH) -> list[bytes]:
    """Return a chain of salts from its secret *root* on: each is the salt that the next one binds.

    The last is the tip to enlist with; salts are revealed from the end.
    """
    chain = [root]
    for _ in range(length):
        chain.append(tip_of(chain[-1]))
    return chain


def next_salt(root: bytes, tip: bytes, length: int = CHAIN_LENGTH) -> bytes | None:
    """Return the salt behind *tip* in the chain of *root*; None when it is not one of its tips."""
    chain = chain_of(root, length)
    return chain[chain.index(tip) - 1] if tip in chain[1:] else None


def entropy_of(beacon: bytes, folded: bytes) -> bytes:
    """Return what is drawn from: the beacon, and what certifications have added to it."""
    return keccak(encode(["bytes24", "bytes32"], [beacon, folded]))


def draw_seed(entropy: bytes, certification: int, round_: int) -> bytes:
    """Return the seed by which the certifiers of a round are drawn."""
    return keccak(encode(["bytes32", "uint64", "uint8"], [entropy, certification, round_]))


def folded_with(seed: bytes, seat: int, salt: bytes) -> bytes:
    """Return *seed* with the salt of one more seat, in whatever order they come."""
    mixed = keccak(encode(["uint256", "bytes32"], [seat, salt]))
    return bytes(a ^ b for a, b in zip(seed, mixed, strict=True))


def challenge_seed(
    chain_id: int, contract: str, certification: int, round_: int, processor: int, mixed: bytes
) -> bytes:
    """Return the seed of the circuits, from the draw's seed *mixed* with all salts."""
    types = ["bytes32", "uint256", "address", "uint64", "uint8", "uint32", "bytes32"]
    return keccak(encode(types, [SEED_DOMAIN, chain_id, contract, certification, round_, processor, mixed]))


def folded_by(folded: bytes, seed: bytes) -> bytes:
    """Return what certifications have added to the beacon once *seed* is known."""
    return keccak(folded + seed)


def commitment_of(
    chain_id: int, contract: str, certification: int, round_: int, certifier: int,
    measured: Measured, report: bytes, salt: bytes,
) -> bytes:  # fmt: skip
    """Return what a certifier commits to before it reveals scores."""
    types = ["bytes32", "uint256", "address", "uint64", "uint8", "uint32", MEASURED_TYPE, "bytes32", "bytes32"]
    values = (SCORE_DOMAIN, chain_id, contract, certification, round_, certifier, measured.to_chain(), report, salt)
    return keccak(encode(types, values))


def evidence_of(seed: bytes, answer: bytes, reports: Sequence[bytes], median: Measured) -> bytes:
    """Return the digest of what a measurement rests on."""
    types = ["bytes32", "bytes32", f"bytes32[{SEATS}]", MEASURED_TYPE]
    return keccak(encode(types, [seed, answer, list(reports), median.to_chain()]))


def is_surprised(entropy: bytes, processor: int, surprise_ppm: int) -> bool:
    """Return whether the epoch with *entropy* draws *processor*."""
    draw = int.from_bytes(keccak(encode(["bytes32", "uint32"], [entropy, processor])), "big")
    return draw % PPM < surprise_ppm


def drawn_certifiers(
    seed: bytes, pool: Sequence[int], organisation: int, look: Callable[[int], tuple[int, int] | None]
) -> list[int]:
    """Return the certifiers that *seed* draws from *pool*; fewer than ``SEATS`` when there are not enough.

    Args:
        organisation: Of the processor to be scored.
        look: Tells a candidate's organisation and weight, or None when it is busy, suspended or retired.
    """
    drawn: list[int] = []
    engaged = {organisation}
    size, number = len(pool), 0
    for draw in range(MAX_DRAWS + min(MAX_STEPS, size)):
        if not size or len(drawn) == SEATS:
            break
        random = draw < MAX_DRAWS
        if random:
            number = int.from_bytes(keccak(encode(["bytes32", "uint256"], [seed, draw])), "big")
        candidate = pool[number % size if random else (number % size + draw) % size]
        facts = look(candidate)
        if facts is None or candidate in drawn or facts[0] in engaged:
            continue
        if facts[1] > ((number >> 128) % FULL_WEIGHT if random else 0):
            engaged.add(facts[0])
            drawn.append(candidate)
    return drawn
