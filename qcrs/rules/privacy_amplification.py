"""How long a key may be, and how it is hashed out of bits that an eavesdropper may know something about.

Length, for n bits of one basis and k tested pairs of the other, of which at most a share Q was found wrong:

    l = floor( n (1 - h(Q + mu)) - leak - log2(2 / (s^2 c)) ),   mu^2 = (n + k) / (n k) (k + 1) / k ln(2 / s)

Tomamichel, Lim, Gisin and Renner, "Tight finite-key analysis for quantum cryptography", Nature Communications 3, 634
(2012), with q = 1 since both ends measure Z or X: the key is s-secret, and c-correct by a verification hash of
log2(1 / c) bits. As in the theorem Q is the rate that was agreed to be tolerable *before* anything was measured, never
the one that was seen.

Three things beyond it. leak varies with what reconciliation took; the union over all its lengths costs 2 log2(MAX_BITS)
bits more. Only the leader's parities are counted: what the follower asks for depends on these and on where the two
strings differ, and that pattern may be public without changing h, since it commutes with the errors of the other basis
(Tupkary and Luetkenhaus, arXiv:2307.00576). And seeds are as long as their matrices: nothing is expanded from less.

Both ends must come to the same length, and libraries of mathematics differ in last digits. Decimal's ln and sqrt are
rounded correctly by definition, so with a fixed context every machine has the same fifty digits.
"""

from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal

MAX_BITS = 1 << 17  # of a raw key
SECRECY = Decimal("1e-10")  # s
VERIFICATION_BITS = 64  # c = 2^-64
_CONTEXT = Context(prec=50, rounding=ROUND_HALF_EVEN)
_MILLION = Decimal(1_000_000)


def key_length(bits: int, tested: int, tolerated_ppm: int, leak: int) -> int:
    """Return how many secret bits *bits* are good for, 0 when none.

    Args:
        tested: Pairs of the other basis. tolerated_ppm: Share of wrong ones that was agreed on, per million.
        leak: Parities of the raw key that were disclosed.
    """
    if bits == 0 or tested == 0:
        return 0
    c = _CONTEXT
    share = c.divide(Decimal(tolerated_ppm), _MILLION)
    phase = c.add(share, deviation(bits, tested))
    if phase >= Decimal("0.5"):
        return 0
    secret = c.multiply(Decimal(bits), c.subtract(Decimal(1), _entropy(phase)))
    spent = c.add(Decimal(leak), _overhead())
    length = c.subtract(secret, spent).to_integral_value(rounding=ROUND_FLOOR)
    return max(0, int(length))


def deviation(bits: int, tested: int) -> Decimal:
    """Return mu: how much worse than the tested pairs the others may be, except with probability s."""
    c = _CONTEXT
    sizes = c.divide(Decimal((bits + tested) * (tested + 1)), Decimal(bits * tested * tested))
    return c.sqrt(c.multiply(sizes, c.ln(c.divide(Decimal(2), SECRECY))))


def _entropy(share: Decimal) -> Decimal:
    """Return the binary entropy."""
    c = _CONTEXT
    if share == 0:
        return Decimal(0)
    rest = c.subtract(Decimal(1), share)
    nats = c.add(c.multiply(share, c.ln(share)), c.multiply(rest, c.ln(rest)))
    return c.divide(c.minus(nats), c.ln(Decimal(2)))


def _overhead() -> Decimal:
    """Return log2(2 / (s^2 c)), and the cost of a leak that varies."""
    c = _CONTEXT
    secrecy = c.divide(c.ln(c.divide(Decimal(1), SECRECY)), c.ln(Decimal(2)))
    return c.add(c.multiply(Decimal(2), secrecy), Decimal(1 + VERIFICATION_BITS + 2 * (MAX_BITS.bit_length() - 1)))


def seed_bytes(bits: int, length: int) -> int:
    """Return the size of the seed that hashes *bits* bits to *length*."""
    return -(-(bits + length - 1) // 8)


def toeplitz(bits: int, value: int, length: int, seed: bytes) -> int:
    """Return the *length* bits that the Toeplitz matrix of *seed* makes of *value*, *bits* bits: universal_2.

    Entry (row, column) is bit row + column of the seed, low bits first.
    """
    if len(seed) != seed_bytes(bits, length) or value >> bits:
        raise ValueError(f"{len(seed)} bytes of seed for {value.bit_length()} bits; expected {bits} at most")
    diagonals, mask, hashed = int.from_bytes(seed, "little"), (1 << length) - 1, 0
    for column, bit in enumerate(reversed(f"{value:b}")):
        if bit == "1":
            hashed ^= diagonals >> column & mask
    return hashed
