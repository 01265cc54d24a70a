// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AssignmentStatus} from "../lifecycle/Assignment.sol";
import {Standing} from "../lifecycle/Processor.sol";
import {Reputation} from "../libraries/Reputation.sol";

/// @title Reputation, callable from tests
contract ReputationHarness {
    using Reputation for Standing;

    Standing private _standing;

    /// @notice What conduct becomes when an assignment ends as `fate`.
    function note(Standing calldata standing, AssignmentStatus fate) external returns (Standing memory) {
        _standing = standing;
        _standing.note(fate);
        return _standing;
    }

    /// @notice What it becomes when it is taken back.
    function forget(Standing calldata standing, AssignmentStatus fate) external returns (Standing memory) {
        _standing = standing;
        _standing.forget(fate);
        return _standing;
    }

    function isUnfit(Standing calldata standing) external pure returns (bool) {
        return Reputation.isUnfit(standing);
    }
}
