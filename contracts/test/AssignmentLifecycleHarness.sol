// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Assignment, AssignmentLifecycle, AssignmentStatus} from "../lifecycle/Assignment.sol";
import {ComputationId} from "../lifecycle/Computation.sol";

/// @title AssignmentLifecycle, callable from tests
contract AssignmentLifecycleHarness {
    Assignment private _assignment;

    /// @notice Tries the edge from `from` to `to`.
    function advance(ComputationId id, uint256 index, AssignmentStatus from, AssignmentStatus to)
        external
        returns (AssignmentStatus)
    {
        _assignment.status = from;
        _assignment.advance(id, index, to);
        return _assignment.status;
    }

    function sourcesOf(AssignmentStatus to) external pure returns (uint256) {
        return AssignmentLifecycle.sourcesOf(to);
    }
}
