// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Agreement} from "../libraries/Agreement.sol";
import {Asked} from "../libraries/Asked.sol";
import {Priority} from "../libraries/FairQueue.sol";

/// @notice One circuit with shots, replicas and requirements. Ids start at 1; 0 means none.
type ComputationId is uint64;

/// @notice Where a computation stands between submission and a verdict.
enum ComputationStatus {
    Unset,
    /// Escrow held; waiting for (more) processors.
    Queued,
    /// A full committee is drawn; commits are due.
    Allocated,
    /// Every replica has committed; the requester's secret is due.
    Committed,
    /// The sketch seed is fixed; reveals are due.
    Revealing,
    /// Verdict: a quorum agrees on a recognisable answer.
    Accepted,
    /// Verdict: no quorum agrees.
    Rejected,
    /// Verdict: a quorum agrees, but on an answer that noise could also give.
    Inconclusive,
    /// No verdict could be had; refunded.
    Failed,
    /// Withdrawn by its requester before any allocation; refunded.
    Cancelled,
    /// Verdict: one replica answered, as asked, and nothing speaks for or against it.
    Unverified,
    /// An accepted answer that no longer has a quorum, since replicas behind it were disproven.
    Overturned
}

// Processors that one computation may use up, replacements included.
uint256 constant MAX_ASSIGNMENTS = 32;
// Commit-reveal rounds before a computation fails.
uint256 constant MAX_ATTEMPTS = 3;
// Replicas that join when a committee is split or cannot tell.
uint256 constant ESCALATION = 2;

/// @notice Three storage slots. What no contract reads, the circuit's digest and payload, is in ComputationSubmitted alone.
struct Computation {
    // What is asked for: all that an allocation needs to know.
    /// Replicas asked for; each escalation adds to them.
    uint8 replicas;
    /// Replicas that escalation may reach.
    uint8 replicaCap;
    uint8 noiseClass;
    uint8 qubits;
    /// Gate layers in units of 64, rounded up: what a shot costs.
    uint8 depthClass;
    /// Instruction-set profile that a processor must have.
    uint8 profile;
    /// Least log2 of the quantum volume; 0 asks for none.
    uint8 quantumVolumeLog2;
    /// Largest median error of two-qubit gates, parts per million; 0 asks for none.
    uint16 twoQubitErrorPpm;
    /// Shots that each replica runs.
    uint16 shots;
    /// Bucket in its queue, its lowest 16 bits: see FairQueue.
    uint16 place;
    /// Width of an outcome: classical bits measured.
    uint8 outcomeBits;
    /// Asked.SCREENED when the requester's organisation has a list of whom it works with: see IConsortium.
    /// Asked.BELOW_POLICY when it pays less than processors without an offer asked.
    uint8 flags;
    uint24 organisation;
    /// No allocation after this moment, unix seconds.
    uint32 deadlineAt;
    /// Wei still locked for this computation; after a verdict, what each paid replica earned.
    uint80 escrow;
    // Who asks.
    /// The requester's commitment until disclosure, then the disclosed secret,
    /// which is in turn the commitment to the next attempt's secret.
    bytes24 secret;
    /// Number of the requester's account: see IConsortium.accountOf.
    uint32 requester;
    /// Times that a shorter computation of its organisation has taken its place.
    uint8 passed;
    /// The agreeing replicas' credibility must exceed 1 - 1/trust; 0 asks for none: see Credibility.
    uint8 trust;
    /// Some rounds have answers that the requester knows: see IGoldRounds.
    bool gold;
    Priority priority;
    // The running round; all zero until the first allocation.
    /// As stored; one that waits for its first allocation has none yet: see ComputationLifecycle.current.
    ComputationStatus status;
    /// Counts commit-reveal rounds, from 1.
    uint8 attempt;
    /// Assignments of this attempt that are still on duty.
    uint8 active;
    uint8 revealed;
    uint8 refused;
    /// Assignments ever made; also the next assignment's index.
    uint8 tried;
    /// Assignments below this index have answered before an escalation, and were to be paid.
    uint8 carried;
    /// The beacon stands in for the requester's secret.
    bool secretWithheld;
    /// When the current phase ends, unix seconds. While it waits for replacements: when it no longer holds those
    /// that it has. After a verdict: when it can no longer be challenged.
    uint32 phaseEndsAt;
    /// Bit i: assignment i is bound to an answer in this attempt. One without a slot of its own is so by a bundle: see Panel.
    uint32 commits;
    /// Running hash of this attempt's commits, part of the sketch seed. Short, for it only keeps the seed from being
    /// known before the last commit; the requester's secret does that too.
    bytes4 commitsDigest;
    /// The processors of the first three assignments: see Panel.
    uint96 drawn;
}

using ComputationLifecycle for Computation global;

/// @notice `id` is `actual`; it must be a status whose bit is set in `allowed`.
error UnexpectedComputationStatus(ComputationId id, ComputationStatus actual, uint256 allowed);

/// @title The computation's state machine
/// @notice Sole writer of `Computation.status`.
library ComputationLifecycle {
    /// @notice Moves `self` along one edge.
    /// @dev Lost work returns to `Queued` under the same id, so the audit trail tells one story per computation.
    function advance(Computation storage self, ComputationId id, ComputationStatus to) internal {
        uint256 sources = sourcesOf(to);
        ComputationStatus actual = current(self);
        if (sources & (1 << uint8(actual)) == 0) revert UnexpectedComputationStatus(id, actual, sources);
        self.status = to;
    }

    /// @notice Opens the first round: from Queued, which a record without a round is, to Allocated.
    /// @dev The whole slot at once, member by member from the lowest as Solidity packs them, since it is empty: that saves
    /// 2,000 gas. Every test that reads a record compares it with the compiler's layout.
    function begin(Computation storage self, ComputationId id, uint256 replicas, uint256 endsAt, uint96 drawn)
        internal
    {
        if (self.status != ComputationStatus.Unset || replicas == 0) {
            revert UnexpectedComputationStatus(id, current(self), _bit(ComputationStatus.Queued));
        }
        uint256 round = uint256(ComputationStatus.Allocated) | 1 << 8 | replicas << 16 | replicas << 40
            | endsAt << 64 | uint256(drawn) << 160;
        assembly ("memory-safe") {
            sstore(add(self.slot, 2), round)
        }
    }

    /// @notice The first word of the record.
    function asked(Computation storage self) internal view returns (Asked word) {
        assembly ("memory-safe") {
            word := sload(self.slot)
        }
    }

    /// @notice Where `self` stands. A record without a round is Queued: so a submission need not write the round's slot.
    function current(Computation storage self) internal view returns (ComputationStatus status) {
        status = self.status;
        if (status == ComputationStatus.Unset && self.replicas != 0) status = ComputationStatus.Queued;
    }

    /// @notice Reverts unless `self` is exactly `expected`.
    function requireStatus(Computation storage self, ComputationId id, ComputationStatus expected) internal view {
        requireEither(self, id, expected, expected);
    }

    /// @notice Reverts unless `self` is `one` or `other`.
    function requireEither(
        Computation storage self,
        ComputationId id,
        ComputationStatus one,
        ComputationStatus other
    ) internal view {
        ComputationStatus actual = current(self);
        if (actual != one && actual != other) revert UnexpectedComputationStatus(id, actual, _bit(one) | _bit(other));
    }

    /// @notice Opens another commit-reveal round: what the last one counted is void.
    function restart(Computation storage self) internal {
        self.commits = 0;
        self.revealed = 0;
        self.refused = 0;
        self.commitsDigest = 0;
        ++self.attempt;
    }

    /// @notice Whether more replicas can be drawn: `lost` of the present ones will not go on. Not with gold rounds: who
    /// joins later would know them. Nor after the deadline: nobody is drawn then, and a verdict would be lost.
    function mayEscalate(Computation memory self, uint256 lost) internal view returns (bool) {
        return !self.gold && self.replicas + ESCALATION <= self.replicaCap && self.attempt < MAX_ATTEMPTS
            && self.tried + ESCALATION + lost <= MAX_ASSIGNMENTS && block.timestamp <= self.deadlineAt;
    }

    /// @notice Whether `status` is a verdict, which can be challenged.
    function isVerdict(ComputationStatus status) internal pure returns (bool) {
        uint256 verdicts = _bit(ComputationStatus.Accepted) | _bit(ComputationStatus.Rejected)
            | _bit(ComputationStatus.Inconclusive) | _bit(ComputationStatus.Unverified)
            | _bit(ComputationStatus.Overturned);
        return verdicts & _bit(status) != 0;
    }

    /// @notice The status that a verdict leads to.
    function statusOf(Agreement.Verdict verdict) internal pure returns (ComputationStatus) {
        if (verdict == Agreement.Verdict.Accepted) return ComputationStatus.Accepted;
        if (verdict == Agreement.Verdict.Rejected) return ComputationStatus.Rejected;
        if (verdict == Agreement.Verdict.Unverified) return ComputationStatus.Unverified;
        return ComputationStatus.Inconclusive;
    }

    /// @notice The statuses, as a bitmap, from which `to` can be reached.
    function sourcesOf(ComputationStatus to) internal pure returns (uint256) {
        if (to == ComputationStatus.Queued) {
            return _bit(ComputationStatus.Unset) | _bit(ComputationStatus.Allocated) | _bit(ComputationStatus.Revealing);
        }
        if (to == ComputationStatus.Allocated) return _bit(ComputationStatus.Queued);
        if (to == ComputationStatus.Committed) return _bit(ComputationStatus.Allocated);
        if (to == ComputationStatus.Revealing) return _bit(ComputationStatus.Committed);
        if (
            to == ComputationStatus.Accepted || to == ComputationStatus.Rejected || to == ComputationStatus.Inconclusive
                || to == ComputationStatus.Unverified
        ) return _bit(ComputationStatus.Revealing);
        if (to == ComputationStatus.Overturned) {
            return _bit(ComputationStatus.Accepted) | _bit(ComputationStatus.Unverified);
        }
        if (to == ComputationStatus.Failed) {
            return _bit(ComputationStatus.Queued) | _bit(ComputationStatus.Allocated)
                | _bit(ComputationStatus.Revealing);
        }
        if (to == ComputationStatus.Cancelled) return _bit(ComputationStatus.Queued);
        return 0;
    }

    function _bit(ComputationStatus status) private pure returns (uint256) {
        return 1 << uint8(status);
    }
}
