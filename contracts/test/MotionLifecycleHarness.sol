// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Motion, MotionId, MotionLifecycle, MotionStatus} from "../lifecycle/Motion.sol";

/// @title MotionLifecycle, callable from tests
contract MotionLifecycleHarness {
    Motion private _motion;

    /// @notice Tries the edge from `from` to `to`.
    function advance(MotionId id, MotionStatus from, MotionStatus to) external returns (MotionStatus) {
        _motion.status = from;
        _motion.advance(id, to);
        return _motion.status;
    }

    function sourcesOf(MotionStatus to) external pure returns (uint256) {
        return MotionLifecycle.sourcesOf(to);
    }
}
