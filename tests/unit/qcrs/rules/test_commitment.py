from itertools import pairwise

import pytest

from qcrs.rules import commitment
from qcrs.rules.digest import abi_digest, keccak

LAST = keccak(b"last")[:24]
RESULT = (1337, "0x" + "11" * 20, 1, 1, 1, bytes(32), bytes(32))
OTHER = (1, "0x" + "22" * 20, 2, 2, 2, b"\x01" * 32, b"\x01" * 32)


@pytest.mark.parametrize("length", [1, 2, 3, 10])
def test_secret_chain_commits_each_to_the_next(length):
    chain = commitment.secret_chain(LAST, length)
    assert (len(chain), chain[-1]) == (length, LAST)
    for secret, following in pairwise(chain):
        assert secret == commitment.of_secret(following)


@pytest.mark.parametrize("place", range(len(RESULT)))
def test_result_commitment_binds_every_part(place):
    changed = [*RESULT[:place], OTHER[place], *RESULT[place + 1 :]]
    assert commitment.of_result(*changed) != commitment.of_result(*RESULT)


def test_reveal_digest_binds_root_salt_and_every_word():
    digests = {
        commitment.of_reveal(root, salt, sketch)
        for root in (bytes(32), b"\x01" * 32)
        for salt in (bytes(32), b"\x01" * 32)
        for sketch in ([1, 2], [2, 1], [1], [1, 2, 0])
    }
    assert len(digests) == 16


def test_commits_digest_depends_on_the_order_and_the_index():
    a, b = b"\x01" * 24, b"\x02" * 24
    digests = {
        commitment.extend(commitment.extend(commitment.NO_COMMITS, i, x), j, y)
        for (i, x), (j, y) in [
            ((0, a), (1, b)),
            ((1, b), (0, a)),
            ((0, b), (1, a)),
            ((0, a), (2, b)),
        ]
    }
    assert len(digests) == 4


def test_domains_are_all_different():
    domains = [value for name, value in vars(commitment).items() if name.endswith("_DOMAIN")]
    assert len(set(domains)) == len(domains) == 6


@pytest.mark.parametrize(
    ("digest", "size"),
    [
        (commitment.of_result(*RESULT), 24),
        (commitment.of_reveal(bytes(32), bytes(32), [1]), 24),
        (commitment.of_secret(LAST), 24),
        (commitment.beacon_secret(bytes(24), 1), 24),
        (commitment.extend(commitment.NO_COMMITS, 0, LAST), 4),
        (commitment.seed_of(1, 1, LAST, commitment.NO_COMMITS), 32),
        (commitment.draw_seed_of(bytes(24), 1, 0), 32),
        (commitment.of_answer(1, 1, [bytes(32)]), 32),
        (commitment.entropy_of(LAST, [bytes(32)]), 32),
        (commitment.next_beacon(bytes(24), bytes(32)), 24),
    ],
)
def test_digests_have_the_sizes_that_the_chain_keeps(digest, size):
    assert len(digest) == size


def test_beacon_turns_with_the_secret_and_every_salt():
    salts = [b"\x01" * 32, b"\x02" * 32]
    entropies = {
        commitment.entropy_of(LAST, salts),
        commitment.entropy_of(bytes(24), salts),
        commitment.entropy_of(LAST, salts[::-1]),
        commitment.entropy_of(LAST, salts[:1]),
    }
    assert len({commitment.next_beacon(bytes(24), entropy) for entropy in entropies}) == 4


def test_known_secret_commitment():
    expected = abi_digest(["bytes32", "bytes24"], [keccak(b"QCRS requester secret"), bytes(24)])
    assert commitment.of_secret(bytes(24)) == expected[:24]
