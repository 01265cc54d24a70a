// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ComputationId} from "./Computation.sol";
import {ProcessorId} from "./Processor.sol";

/// @notice One processor's share of one computation.
enum AssignmentStatus {
    Unset,
    /// Drawn; qubits leased; a commit is due.
    Assigned,
    Committed,
    Revealed,
    /// In the agreeing cluster; paid.
    Accepted,
    /// Outside the agreeing cluster; slashed.
    Outlier,
    /// Let go without fault: no verdict, or the computation ended early.
    Released,
    /// The processor refused the payload with a code.
    Refused,
    /// Missed a deadline; slashed.
    Silent,
    /// Failed more gold rounds than its computation tolerates; slashed.
    GoldFailed,
    /// Failed more traps than its computation tolerates: a faulty device; neither paid nor slashed.
    TrapFailed,
    /// After the verdict its answer was shown to be false; slashed.
    Disproven,
    /// After the verdict its fault was found to be none; made good.
    Vindicated,
    /// The processor refused the payload as it had to: it was given no key to it, or a quorum refused. No part of its conduct.
    Excused
}

/// @notice One storage slot, written from the commit on, or when the assignment ends without one: see Panel.
struct Assignment {
    /// After the commit: the commitment. After the reveal: the digest of what was revealed.
    /// 192 bits keep the slot single; a collision costs 2^96 hashes, a second answer to one commitment 2^192.
    bytes24 digest;
    ProcessorId processor;
    AssignmentStatus status;
}

using AssignmentLifecycle for Assignment global;

/// @notice Assignment `index` of `id` is `actual`; it must be a status whose bit is set in `allowed`.
error UnexpectedAssignmentStatus(ComputationId id, uint256 index, AssignmentStatus actual, uint256 allowed);

/// @title The assignment's state machine
/// @notice Sole writer of `Assignment.status`.
library AssignmentLifecycle {
    /// @notice Moves `self` along one edge.
    function advance(Assignment storage self, ComputationId id, uint256 index, AssignmentStatus to) internal {
        uint256 sources = sourcesOf(to);
        AssignmentStatus actual = self.status;
        if (sources & (1 << uint8(actual)) == 0) revert UnexpectedAssignmentStatus(id, index, actual, sources);
        self.status = to;
    }

    /// @notice Moves `self` along one edge from `actual`, as Panel reads it, and writes the slot as a whole, member by member
    /// from the lowest as Solidity packs them: one write for three.
    function rewrite(
        Assignment storage self,
        ComputationId id,
        uint256 index,
        AssignmentStatus actual,
        AssignmentStatus to,
        ProcessorId processor,
        bytes24 digest
    ) internal {
        uint256 sources = sourcesOf(to);
        if (sources & (1 << uint8(actual)) == 0) revert UnexpectedAssignmentStatus(id, index, actual, sources);
        uint256 word = uint256(uint192(digest)) | uint256(ProcessorId.unwrap(processor)) << 192 | uint256(to) << 224;
        assembly ("memory-safe") {
            sstore(self.slot, word)
        }
    }

    /// @notice Reverts unless `actual` is exactly `expected`.
    function requireIs(ComputationId id, uint256 index, AssignmentStatus actual, AssignmentStatus expected)
        internal
        pure
    {
        if (actual != expected) revert UnexpectedAssignmentStatus(id, index, actual, _bit(expected));
    }

    /// @notice Whether a processor in `status` still holds a lease.
    function isOnDuty(AssignmentStatus status) internal pure returns (bool) {
        return status == AssignmentStatus.Assigned || status == AssignmentStatus.Committed
            || status == AssignmentStatus.Revealed;
    }

    /// @notice Whether ending as `status` costs a processor part of its bond.
    function isFault(AssignmentStatus status) internal pure returns (bool) {
        return status == AssignmentStatus.Outlier || status == AssignmentStatus.Silent
            || status == AssignmentStatus.GoldFailed;
    }

    /// @notice The accounts whose assignment ends as `fate`, in order.
    function select(address[] memory accounts, AssignmentStatus[] memory fates, AssignmentStatus fate)
        internal
        pure
        returns (address[] memory selected)
    {
        selected = new address[](accounts.length);
        uint256 count;
        for (uint256 i; i < fates.length; ++i) {
            if (fates[i] == fate) selected[count++] = accounts[i];
        }
        assembly ("memory-safe") {
            mstore(selected, count)
        }
    }

    /// @notice The statuses, as a bitmap, from which `to` can be reached.
    function sourcesOf(AssignmentStatus to) internal pure returns (uint256) {
        if (to == AssignmentStatus.Assigned) return _bit(AssignmentStatus.Unset);
        // An escalated computation is revealed again, under another seed: who has revealed is bound to the same answer.
        if (to == AssignmentStatus.Committed) return _bit(AssignmentStatus.Assigned) | _bit(AssignmentStatus.Revealed);
        if (to == AssignmentStatus.Revealed) return _bit(AssignmentStatus.Committed);
        if (
            to == AssignmentStatus.Accepted || to == AssignmentStatus.Outlier || to == AssignmentStatus.GoldFailed
                || to == AssignmentStatus.TrapFailed
        ) return _bit(AssignmentStatus.Revealed);
        if (to == AssignmentStatus.Released) {
            return _bit(AssignmentStatus.Assigned) | _bit(AssignmentStatus.Committed) | _bit(AssignmentStatus.Revealed);
        }
        if (to == AssignmentStatus.Refused) return _bit(AssignmentStatus.Assigned);
        if (to == AssignmentStatus.Silent) return _bit(AssignmentStatus.Assigned) | _bit(AssignmentStatus.Committed);
        if (to == AssignmentStatus.Disproven) return _bit(AssignmentStatus.Accepted) | _bit(AssignmentStatus.Released);
        if (to == AssignmentStatus.Vindicated) {
            return _bit(AssignmentStatus.Outlier) | _bit(AssignmentStatus.GoldFailed)
                | _bit(AssignmentStatus.TrapFailed);
        }
        if (to == AssignmentStatus.Excused) return _bit(AssignmentStatus.Assigned) | _bit(AssignmentStatus.Refused);
        return 0;
    }

    function _bit(AssignmentStatus status) private pure returns (uint256) {
        return 1 << uint8(status);
    }
}
