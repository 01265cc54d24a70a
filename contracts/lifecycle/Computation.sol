// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Agreement} from "../libraries/Agreement.sol";

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
    Cancelled
}

/// @notice Three storage slots; the first is the one that every step rewrites. What no contract reads, the circuit's
/// digest and payload, is in ComputationSubmitted alone.
struct Computation {
    ComputationStatus status;
    /// Replicas asked for.
    uint8 replicas;
    /// Counts restarts of the commit-reveal round, from 1.
    uint8 attempt;
    /// Assignments of this attempt that are still on duty.
    uint8 active;
    uint8 committed;
    uint8 revealed;
    uint8 refused;
    /// Assignments ever made; also the next assignment's index.
    uint8 tried;
    uint8 noiseClass;
    uint8 qubits;
    uint8 outcomeBits;
    /// The beacon stands in for the requester's secret.
    bool secretWithheld;
    /// Shots that each replica runs.
    uint16 shots;
    /// When the current phase ends, unix seconds. While it waits: when those before it in the queue no longer hold
    /// it up, and when it no longer holds processors for which others are missing.
    uint40 phaseEndsAt;
    /// Running hash of this attempt's commits, part of the sketch seed.
    bytes13 commitsDigest;
    // slot 2
    address requester;
    /// Wei still locked for this computation.
    uint96 escrow;
    // slot 3
    /// The requester's commitment until disclosure, then the disclosed secret,
    /// which is in turn the commitment to the next attempt's secret.
    bytes24 secret;
    /// No allocation after this moment, unix seconds.
    uint40 deadlineAt;
    uint24 organisation;
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
        ComputationStatus actual = self.status;
        if (sources & (1 << uint8(actual)) == 0) revert UnexpectedComputationStatus(id, actual, sources);
        self.status = to;
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
        ComputationStatus actual = self.status;
        if (actual != one && actual != other) revert UnexpectedComputationStatus(id, actual, _bit(one) | _bit(other));
    }

    /// @notice Opens another commit-reveal round: what the last one counted is void.
    function restart(Computation storage self) internal {
        self.committed = 0;
        self.revealed = 0;
        self.refused = 0;
        self.commitsDigest = 0;
        ++self.attempt;
    }

    /// @notice The status that a verdict leads to.
    function statusOf(Agreement.Verdict verdict) internal pure returns (ComputationStatus) {
        if (verdict == Agreement.Verdict.Accepted) return ComputationStatus.Accepted;
        if (verdict == Agreement.Verdict.Rejected) return ComputationStatus.Rejected;
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
        ) return _bit(ComputationStatus.Revealing);
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
