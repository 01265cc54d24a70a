"""Digests by which parties bind themselves: twin of ``contracts/libraries/Commitment.sol``."""

from collections.abc import Sequence

from qcrs.rules.digest import abi_digest, keccak

RESULT_DOMAIN = keccak(b"QCRS result commitment")
REVEAL_DOMAIN = keccak(b"QCRS revealed answer")
SECRET_DOMAIN = keccak(b"QCRS requester secret")
SEED_DOMAIN = keccak(b"QCRS sketch seed")
DRAW_DOMAIN = keccak(b"QCRS sortition seed")
ANSWER_DOMAIN = keccak(b"QCRS verified result")

SECRET_BYTES = 24
BEACON_BYTES = 24
COMMITS_DIGEST_BYTES = 4
NO_COMMITS = bytes(COMMITS_DIGEST_BYTES)
NO_COMMITMENT = bytes(24)


def of_result(
    chain_id: int,
    verifier: str,
    computation: int,
    attempt: int,
    processor: int,
    counts_root: bytes,
    salt: bytes,
) -> bytes:
    """Return the 24 bytes to which a processor commits before anyone knows how answers are compared."""
    return abi_digest(
        ["bytes32", "uint256", "address", "uint64", "uint256", "uint32", "bytes32", "bytes32"],
        [RESULT_DOMAIN, chain_id, verifier, computation, attempt, processor, counts_root, salt],
    )[:24]


def of_reveal(counts_root: bytes, salt: bytes, sketch: Sequence[int]) -> bytes:
    """Return the 24 bytes that the chain keeps of a reveal until settlement."""
    return abi_digest(
        ["bytes32", "bytes32", "bytes32", "bytes32"],
        [REVEAL_DOMAIN, counts_root, salt, sketch_digest(sketch)],
    )[:24]


def sketch_digest(sketch: Sequence[int]) -> bytes:
    """Return the digest of a sketch's words, by which a contract is shown what was revealed."""
    return keccak(b"".join(word.to_bytes(32, "big") for word in sketch))


def of_secret(secret: bytes) -> bytes:
    """Return the 24-byte commitment to a requester's 24-byte secret."""
    return abi_digest(["bytes32", "bytes24"], [SECRET_DOMAIN, secret])[:SECRET_BYTES]


def secret_chain(last: bytes, length: int) -> list[bytes]:
    """Return *length* secrets in order of disclosure, each the commitment to the next; the last is *last*.

    The commitment to submit is ``of_secret(chain[0])``.
    """
    chain = [last]
    while len(chain) < length:
        chain.append(of_secret(chain[-1]))
    return chain[::-1]


def extend(commits_digest: bytes, index: int, commitment: bytes) -> bytes:
    """Return the running digest of a round's commits after one more."""
    return abi_digest(["bytes4", "uint256", "bytes24"], [commits_digest, index, commitment])[:COMMITS_DIGEST_BYTES]


def seed_of(computation: int, attempt: int, secret: bytes, commits_digest: bytes) -> bytes:
    """Return the 32-byte seed of a round's count sketches."""
    return abi_digest(
        ["bytes32", "uint64", "uint256", "bytes24", "bytes4"],
        [SEED_DOMAIN, computation, attempt, secret, commits_digest],
    )


def draw_seed_of(beacon: bytes, computation: int, tried: int) -> bytes:
    """Return the 32-byte seed of a draw."""
    return abi_digest(["bytes32", "bytes24", "uint64", "uint256"], [DRAW_DOMAIN, beacon, computation, tried])


def of_answer(computation: int, accepted: int, counts_roots: Sequence[bytes]) -> bytes:
    """Return the digest of a verified result: the accepted replicas' roots in assignment order."""
    return abi_digest(
        ["bytes32", "uint64", "uint256", "bytes32[]"],
        [ANSWER_DOMAIN, computation, accepted, list(counts_roots)],
    )


def entropy_of(secret: bytes, salts: Sequence[bytes]) -> bytes:
    """Return what a settlement contributes to the beacon."""
    return abi_digest(["bytes24", "bytes32[]"], [secret, list(salts)])


def next_beacon(beacon: bytes, entropy: bytes) -> bytes:
    """Return the beacon after a settlement: 24 bytes."""
    return abi_digest(["bytes24", "bytes32"], [beacon, entropy])[:BEACON_BYTES]


def beacon_secret(beacon: bytes, computation: int) -> bytes:
    """Return what stands in for a secret that its requester withholds."""
    return abi_digest(["bytes24", "uint64"], [beacon, computation])[:SECRET_BYTES]
