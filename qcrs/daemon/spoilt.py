"""A run that another member has spoilt: it gave the link no part, or one that cannot be run, and comes to all barriers.

The contract sees who arrives, and nothing of why others have nothing to arrive with: they would be named, and lose
their deposits to whoever spoilt it. So they come too, empty-handed, and each reports a histogram of its own drawing:
no two of them agree, and a run whose members do not is Disputed. Deposits return, nobody is paid.
"""

import secrets

from qcrs.link.errors import AccountMismatch, ChannelMismatch, PairsExceeded, WaitTimedOut
from qcrs.quantum.entanglement.errors import ProgramFailed, TooManyQubits
from qcrs.quantum.fragment import FragmentInvalid

SPOILT = "session-spoilt"  # in a journal
# What a member can bring about that says other things than the others, has a channel end, or brings a bad fragment.
AMISS = (AccountMismatch, ChannelMismatch, PairsExceeded, FragmentInvalid, TooManyQubits, ProgramFailed)
# What may be otherwise in a while: a part may still come, and what the link knows of the chain may be late.
PASSING = (WaitTimedOut, ChannelMismatch)


def drawn_histogram(outcome_bits: int, shots: int) -> dict[int, int]:
    """Return a histogram of *shots* that nobody else has."""
    first, second = secrets.randbelow(1 << outcome_bits), secrets.randbelow(1 << outcome_bits)
    share = secrets.randbelow(shots + 1)
    counts = {first: shots} if first == second else {first: share, second: shots - share}
    return {outcome: count for outcome, count in counts.items() if count}
