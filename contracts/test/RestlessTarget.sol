// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ICommittee} from "../interfaces/ICommittee.sol";
import {MotionId} from "../lifecycle/Motion.sol";

/// @title A target of motions that calls back, refuses, or counts
contract RestlessTarget {
    /// Calls that were taken.
    uint256 public calls;

    error Refused();

    function count() external {
        ++calls;
    }

    function refuse() external pure {
        revert Refused();
    }

    /// @notice Has the motion by which it is called executed again.
    function executeAgain(MotionId motion) external {
        ++calls;
        ICommittee(msg.sender).execute(motion, address(this), msg.data);
    }

    /// @notice Has another motion executed from within.
    function executeOther(MotionId motion, bytes calldata data) external {
        ++calls;
        ICommittee(msg.sender).execute(motion, address(this), data);
    }
}
