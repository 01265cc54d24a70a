"""The audit trail rebuilt: each entry from its facts, the hash chain and the mountain range over all."""

from collections.abc import Sequence
from typing import Any

from qcrs.model.decision import Decision
from qcrs.model.records import POLICY_TYPE
from qcrs.rules.audit_trail import EMPTY_HEAD, leaf_of, next_head, root_of
from qcrs.rules.digest import abi_digest
from qcrs.rules.replay.transcript import Contradiction, Rule, Transcript

COMPUTATION_DECISIONS = frozenset(
    {
        Decision.ComputationAllocated,
        Decision.ComputationReallocated,
        Decision.ComputationSettled,
        Decision.ComputationFailed,
        Decision.ComputationEscalated,
        Decision.AnswerDisproven,
        Decision.FaultVindicated,
        Decision.DisputeRuled,
    }
)

# Types of the facts that a digest binds: the abi.encode beside each decision in the contracts.
_FACTS: dict[Decision, tuple[str, ...]] = {
    Decision.OrganisationAdmitted: ("uint24", "address", "string", "uint32"),
    Decision.OrganisationExpelled: ("uint24",),
    Decision.ProcessorCertified: (
        "uint32",
        "uint16",
        "(uint16,uint8,uint8,uint8,uint32,uint32,uint32,uint32,uint40,uint40,uint64,uint64,bytes32,bytes32)",
        "bytes32",
    ),
    Decision.ProcessorSuspended: ("uint32", "bytes32"),
    Decision.ComputationAllocated: ("uint64", "uint8", "uint8", "uint32[]", "bytes32"),
    Decision.ComputationReallocated: ("uint64", "uint8", "uint8"),
    Decision.ComputationSettled: ("uint64", "uint8", "uint8[]", "bytes32", "bytes24"),
    Decision.ComputationFailed: ("uint64", "uint8"),
    Decision.PolicyChanged: (POLICY_TYPE,),
    Decision.ComputationEscalated: ("uint64", "uint8", "uint8[]", "bytes24[]", "bytes24"),
    Decision.AnswerDisproven: ("uint64", "uint256", "uint32", "bool"),
    Decision.FaultVindicated: ("uint64", "uint256", "uint32", "uint256"),
    Decision.DisputeRuled: ("uint64", "uint64", "uint8", "bool", "bytes32"),
    Decision.QuotaGranted: ("uint24", "uint56", "uint56"),
    Decision.ReservationGranted: ("uint64", "address", "uint32[]", "uint8", "uint40", "uint40", "uint256"),
    Decision.ReservationEnded: ("uint64", "uint8", "uint256[]", "uint256"),
    Decision.MotionCarried: ("uint64", "bytes32", "uint32", "uint32", "uint40", "uint40"),
    Decision.MotionExecuted: ("uint64", "bytes32"),
    Decision.MotionEnded: ("uint64", "bytes32", "uint8"),
    Decision.BodyComposed: ("uint32", "address[]", "uint8"),
    Decision.TempoSet: ("(uint32,uint32,uint32)",),
    Decision.WorkPaused: ("uint40", "bytes32"),
    Decision.WorkResumed: ("bytes32",),
    Decision.ChannelSettled: ("uint64", "uint8", "uint8", "uint256", "uint256", "uint256"),
    Decision.ChannelEnded: ("uint64", "uint8", "uint8", "uint256"),
    Decision.SessionAborted: ("uint64", "uint8", "uint256", "uint256[]", "uint256", "uint256"),
    Decision.SessionsConcluded: ("uint64", "uint8", "uint256", "bytes32"),
}


class Trail:
    """Every entry so far, as its facts make it."""

    def __init__(self) -> None:
        self.leaves: list[bytes] = []
        self.head = EMPTY_HEAD

    @property
    def size(self) -> int:
        """How many entries there are."""
        return len(self.leaves)

    def root(self) -> bytes:
        """Return the root of the mountain range."""
        return root_of(self.leaves)

    def record(self, log: Transcript, recorder: str, decision: Decision, subject: int, facts: Sequence[Any]) -> None:
        """Hold the next event to be the entry that records *facts*, and append it.

        Args:
            recorder: Address of the contract that must have recorded it.
        """
        digest = abi_digest(_FACTS[decision], facts)
        try:
            log.expect(
                "EntryAppended",
                Rule.Entry,
                index=self.size,
                decision=decision,
                subject=subject,
                recorder=recorder,
                digest=digest,
            )
        except Contradiction as contradiction:
            contradiction.entry = self.size
            raise
        leaf = leaf_of(self.size, decision, subject, recorder, digest)
        self.leaves.append(leaf)
        self.head = next_head(self.head, leaf)


def fact_types(decision: Decision) -> tuple[str, ...]:
    """Return the Solidity types of the facts that a digest binds."""
    return _FACTS[decision]
