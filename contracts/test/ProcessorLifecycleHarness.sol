// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ProcessorId, ProcessorLifecycle, ProcessorStatus, Standing} from "../lifecycle/Processor.sol";

/// @title ProcessorLifecycle, callable from tests
contract ProcessorLifecycleHarness {
    Standing private _standing;

    /// @notice Tries the edge from `from` to `to`.
    function advance(ProcessorId id, ProcessorStatus from, ProcessorStatus to)
        external
        returns (ProcessorStatus)
    {
        _standing.status = from;
        _standing.advance(id, to);
        return _standing.status;
    }

    function sourcesOf(ProcessorStatus to) external pure returns (uint256) {
        return ProcessorLifecycle.sourcesOf(to);
    }
}
