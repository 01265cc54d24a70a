"""Replay of the whole suite from its events: what the contracts did, anyone can do again and compare.

Each module is the twin of a contract or library and mirrors its calls, check by check and event by event, so that an
event which is missing, superfluous, misplaced or untrue meets a rule that it breaks. No stored verdict is trusted.

What events do not say is not checked: who sent a transaction (hence whether a caller held its role, was the daemon,
or signed a registration), and whether the node tells the truth about logs, block times and state.
"""

from qcrs.rules.replay.examination import Examination, examine
from qcrs.rules.replay.findings import Claim, Fault, Report
from qcrs.rules.replay.suite import Constants
from qcrs.rules.replay.transcript import LoggedEvent, Rule, timed_blocks

__all__ = [
    "Claim",
    "Constants",
    "Examination",
    "Fault",
    "LoggedEvent",
    "Report",
    "Rule",
    "examine",
    "timed_blocks",
]
