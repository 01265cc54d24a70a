"""A run that another member has spoilt: it gave the link no part, or a wrong one, and comes to all barriers.

The contract sees who arrives, and nothing of why others have nothing to arrive with: they would be named, and lose
their deposits to whoever spoilt it. So they come too, empty-handed, and each reports a histogram of its own drawing:
no two of them agree, and a run whose members do not is Disputed. Deposits return, nobody is paid.
"""

import secrets

from qcrs.link.errors import AccountMismatch, ChannelMismatch, PairsExceeded, SessionUnbound, WaitTimedOut
from qcrs.quantum.correction.errors import DecodingFailed, RecordInvalid
from qcrs.quantum.entanglement.errors import ProgramFailed, TooManyQubits
from qcrs.quantum.fragment import FragmentInvalid
from qcrs.rules.outcomes import OutcomesInvalid

SPOILT = "session-spoilt"  # in a journal
# What may be otherwise in a while: a part may still come, what the link knows of the chain may be late.
PASSING = (WaitTimedOut, ChannelMismatch, SessionUnbound, DecodingFailed)
# What a member can bring about that brings nothing, says other things than the others, has a channel end, gives a part
# that cannot be run or that measures what it is not to, or bits that take for ever to decode.
AMISS = (
    *PASSING, AccountMismatch, PairsExceeded, FragmentInvalid, TooManyQubits, ProgramFailed, OutcomesInvalid,
    RecordInvalid,
)  # fmt: skip


def drawn_histogram(outcome_bits: int, shots: int) -> dict[int, int]:
    """Return a histogram of *shots* that hardly anybody else has."""
    first, second = secrets.randbelow(1 << outcome_bits), secrets.randbelow(1 << outcome_bits)
    share = secrets.randbelow(shots + 1)
    counts = {first: shots} if first == second else {first: share, second: shots - share}
    return {outcome: count for outcome, count in counts.items() if count}
