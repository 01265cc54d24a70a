// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice What one body is asked to do. Ids start at 1 in each body; 0 means none.
type MotionId is uint64;

/// @notice Where a motion stands.
enum MotionStatus {
    Unset,
    /// Members vote.
    Open,
    /// Enough have voted for it; it is executed when its delay is over.
    Carried,
    Executed,
    /// Too few voted for it in time, or so many against it that too few can.
    Rejected,
    /// The body was composed anew while it was open, or nobody executed it in time.
    Lapsed,
    /// By its proposer while it was open; by the body, or the Constitution, after it was carried.
    Withdrawn
}

/// @notice Four storage slots.
struct Motion {
    MotionStatus status;
    /// Composition of the body in which it was proposed.
    uint32 term;
    address proposer;
    /// Unix seconds. After this moment nobody votes.
    uint40 votingEndsAt;
    /// Who voted, a bit for each seat of the body.
    uint32 inFavour;
    uint32 against;
    /// From being carried until it can be executed: what the body's table said when it was proposed.
    uint32 delaySeconds;
    /// Of a motion that was carried, unix seconds: when it can be executed at the earliest, and at the latest.
    uint40 executableAt;
    uint40 lapsesAt;
    /// Of chain, body, id, call and reason: what a vote is for.
    bytes32 digest;
    /// keccak256 of target and call data.
    bytes32 callDigest;
}

using MotionLifecycle for Motion global;

/// @notice `id` is `actual`; it must be a status whose bit is set in `allowed`.
error UnexpectedMotionStatus(MotionId id, MotionStatus actual, uint256 allowed);

/// @title The motion's state machine
/// @notice Sole writer of `Motion.status`.
library MotionLifecycle {
    /// @notice Moves `self` along one edge.
    function advance(Motion storage self, MotionId id, MotionStatus to) internal {
        uint256 sources = sourcesOf(to);
        MotionStatus actual = self.status;
        if (sources & _bit(actual) == 0) revert UnexpectedMotionStatus(id, actual, sources);
        self.status = to;
    }

    /// @notice Reverts unless `self` is in `required`.
    function requireStatus(Motion storage self, MotionId id, MotionStatus required) internal view {
        if (self.status != required) revert UnexpectedMotionStatus(id, self.status, _bit(required));
    }

    /// @notice The statuses, as a bitmap, from which `to` can be reached.
    function sourcesOf(MotionStatus to) internal pure returns (uint256) {
        if (to == MotionStatus.Open) return _bit(MotionStatus.Unset);
        if (to == MotionStatus.Carried || to == MotionStatus.Rejected) return _bit(MotionStatus.Open);
        if (to == MotionStatus.Executed) return _bit(MotionStatus.Carried);
        if (to == MotionStatus.Lapsed || to == MotionStatus.Withdrawn) {
            return _bit(MotionStatus.Open) | _bit(MotionStatus.Carried);
        }
        return 0;
    }

    function _bit(MotionStatus status) private pure returns (uint256) {
        return 1 << uint8(status);
    }
}
