"""Pairs of members that share no link, swapped at the members between them: how fragments say it."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from qcrs.quantum.distribution.member import Member

# Writes that two members with a link get a pair, and returns the half of each.
LinkPair = Callable[[Member, Member], tuple[int, int]]
# Writes that one member sends bits to another, and returns where that has them.
Tell = Callable[..., tuple[int, ...]]


def relayed(path: Sequence[Member], pair: LinkPair, tell: Tell) -> tuple[int, int]:
    """Write that the ends of *path* get a pair over all hops of it, and return the half of each.

    Each member between measures its two halves in the Bell basis; the far end corrects once, by the parity of what all
    of them have told it.
    """
    near, at = pair(path[0], path[1])
    flips: list[int] = []
    phases: list[int] = []
    for middle, onward in pairwise(path[1:]):
        out, far = pair(middle, onward)
        middle.gate("cx", at, out)
        middle.gate("h", at)
        phase, flip = middle.measure(at), middle.measure(out)
        middle.leave(at)
        middle.leave(out)
        told = tell(middle, path[-1], phase, flip)
        phases.append(told[0])
        flips.append(told[1])
        at = far
    path[-1].gate("x", at, condition=flips)
    path[-1].gate("z", at, condition=phases)
    path[-1].leave_bits(*flips, *phases)
    return near, at
