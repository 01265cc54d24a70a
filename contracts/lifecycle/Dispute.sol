// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ComputationId} from "./Computation.sol";

/// @notice One bonded complaint about a verdict that nothing on chain can prove. Ids start at 1; 0 means none.
type DisputeId is uint64;

/// @notice Where a dispute stands.
enum DisputeStatus {
    Unset,
    /// A ruling is due.
    Open,
    Upheld,
    Dismissed,
    /// Nobody ruled in time; everybody has back what they put up.
    Lapsed
}

/// @notice What is complained about.
enum DisputeKind {
    Unset,
    /// An answer that was accepted or let go is false. Anyone.
    WrongAnswer,
    /// A processor was punished without fault, as an outlier or for gold rounds or traps. Its operator.
    WrongFault
}

struct Dispute {
    DisputeStatus status;
    DisputeKind kind;
    /// Of the assignment.
    uint8 index;
    ComputationId computation;
    /// After this moment it lapses, unix seconds.
    uint40 endsAt;
    address opener;
    /// Wei that the opener put up.
    uint96 bond;
}

using DisputeLifecycle for Dispute global;

/// @notice `id` is `actual`; it must be a status whose bit is set in `allowed`.
error UnexpectedDisputeStatus(DisputeId id, DisputeStatus actual, uint256 allowed);

/// @title The dispute's state machine
/// @notice Sole writer of `Dispute.status`.
library DisputeLifecycle {
    /// @notice Moves `self` along one edge.
    function advance(Dispute storage self, DisputeId id, DisputeStatus to) internal {
        uint256 sources = sourcesOf(to);
        DisputeStatus actual = self.status;
        if (sources & (1 << uint8(actual)) == 0) revert UnexpectedDisputeStatus(id, actual, sources);
        self.status = to;
    }

    /// @notice Reverts unless `self` is open.
    function requireOpen(Dispute storage self, DisputeId id) internal view {
        uint256 allowed = 1 << uint8(DisputeStatus.Open);
        if (self.status != DisputeStatus.Open) revert UnexpectedDisputeStatus(id, self.status, allowed);
    }

    /// @notice The statuses, as a bitmap, from which `to` can be reached.
    function sourcesOf(DisputeStatus to) internal pure returns (uint256) {
        if (to == DisputeStatus.Open) return 1 << uint8(DisputeStatus.Unset);
        if (to == DisputeStatus.Upheld || to == DisputeStatus.Dismissed || to == DisputeStatus.Lapsed) {
            return 1 << uint8(DisputeStatus.Open);
        }
        return 0;
    }
}
