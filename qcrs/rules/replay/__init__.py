"""Replay of the whole suite from its events: what the contracts did, anyone can do again.

Each module is the twin of a contract or library and mirrors its calls, check by check and event by
event, so that an event which is missing, superfluous, misplaced or untrue meets a rule that it
breaks. No stored verdict is trusted.

Not checked, because no event says it: who sent a transaction (hence whether a caller held its role, was the daemon,
came through the door of hash keys, or signed a registration; or whether what a body decided was done by it), and what
a reservation may cost at most. Not noticed, because no contract keeps it and no decision rests on it: other identity
digests, circuits, addresses of files, fee limits, refusal codes (but for whether they excuse) and treasury recipients
in the log; a heartbeat that no draw read; an invitation never taken up. Not judged, because the contracts do not:
whether a sketch is that of the histogram behind its root. The node is taken at its word for block times and for the
state in which the replay must end.
"""

from qcrs.rules.replay.claims import Claim
from qcrs.rules.replay.entry import Entry
from qcrs.rules.replay.examination import COIN_HOLDERS, Examination
from qcrs.rules.replay.findings import Fault, Report
from qcrs.rules.replay.narrative import narrate
from qcrs.rules.replay.suite import Constants
from qcrs.rules.replay.transcript import LoggedEvent, Rule, timed_blocks

__all__ = [
    "COIN_HOLDERS",
    "Claim",
    "Constants",
    "Entry",
    "Examination",
    "Fault",
    "LoggedEvent",
    "Report",
    "Rule",
    "narrate",
    "timed_blocks",
]
