"""Events about one channel, 7, and one group of sessions, 4 and following, as a daemon takes them in."""

from qcrs.model.channel import ChannelStatus
from qcrs.model.entanglement import Entanglement

ME, PEER, OTHER = 1, 2, 3
DUE_AT = 1_000
TERMS = {
    "pairs": 256, "errorPpm": 45_000, "fidelityPpm": 950_000, "capacity": 100, "lifetimeSeconds": 60,
    "windowSeconds": 9,
}  # fmt: skip
OPENING = {"seed": bytes(32), "salt": bytes(32), "outcomes": [0]}
ACCEPTED = ("ChannelAccepted", {"channel": 7, "seedCommitment": b"\2" * 32, "phaseEndsAt": DUE_AT})
HERALDED = ("PairsHeralded", {"channel": 7, "root": bytes(32), "phaseEndsAt": DUE_AT})
SETTLED = (
    "ChannelSettled",
    {
        "channel": 7, "attempt": 1, "verdict": int(ChannelStatus.Open), "tested": 128, "errorsZ": 1, "errorsX": 2,
        "phaseEndsAt": DUE_AT,
    },
)  # fmt: skip


def committed(end):
    return "OutcomesCommitted", {"channel": 7, "end": end, "commitment": bytes([end]) * 32, "phaseEndsAt": DUE_AT}


def revealed(end):
    return "OutcomesRevealed", {"channel": 7, "end": end, "opening": OPENING}


def requested(first=ME, second=PEER):
    facts = {"channel": 7, "first": first, "second": second, "link": 1, "terms": TERMS, "fee": 0}
    return "ChannelRequested", {**facts, "seedCommitment": b"\1" * 32, "phaseEndsAt": DUE_AT}


def created(runs=1, outcome_bits=2, phases=2):
    request = {
        "programDigest": bytes(32), "secretCommitment": bytes(24), "phases": phases, "shots": 100,
        "outcomeBits": outcome_bits, "fee": 1, "deposit": 1, "joinSeconds": 9, "phaseSeconds": 9, "reportSeconds": 9,
    }  # fmt: skip
    told = {"group": 4, "requester": "0x", "organisation": 1, "request": request, "runs": runs, "escrow": 2}
    formed = [
        ("SessionFormed", {
            "session": 4 + run, "group": 4, "members": [ME, PEER] if run == 0 else [OTHER, OTHER + 1],
            "fragmentDigests": [bytes(32)] * 2, "uses": [{"channel": 7, "pairs": 100}], "phaseEndsAt": DUE_AT,
        })
        for run in range(runs)
    ]  # fmt: skip
    return [("SessionsCreated", told), *formed]


def joined(index, session=4):
    return "SessionJoined", {"session": session, "index": index, "processor": [ME, PEER][index]}


def arrived(index, phase, session=4):
    return "MemberArrived", {"session": session, "index": index, "phase": phase, "digest": bytes([phase]) * 32}


def passed(phase, session=4, ends_at=DUE_AT):
    return "BarrierPassed", {"session": session, "phase": phase, "phaseEndsAt": ends_at}


ARMED = ("SessionArmed", {"session": 4, "phaseEndsAt": DUE_AT})
OPENED = ("ReportingOpened", {"group": 4, "phaseEndsAt": DUE_AT})
SEEDED = ("SketchSeedFixed", {"group": 4, "secret": bytes(24), "seed": b"\5" * 32, "phaseEndsAt": DUE_AT})


def reported(index, session=4):
    facts = {"session": session, "index": index, "processor": ME, "countsRoot": b"\6" * 32, "salt": bytes(32)}
    return "SessionReported", {**facts, "sketch": [9]}


def known(*events):
    entanglement = Entanglement()
    for block, (name, arguments) in enumerate(events):
        entanglement.apply(name, arguments, block)
    return entanglement
