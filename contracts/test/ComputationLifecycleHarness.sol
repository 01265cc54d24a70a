// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Computation, ComputationId, ComputationLifecycle, ComputationStatus} from "../lifecycle/Computation.sol";

/// @title ComputationLifecycle, callable from tests
contract ComputationLifecycleHarness {
    Computation private _computation;

    /// @notice Tries the edge from `from` to `to`.
    function advance(ComputationId id, ComputationStatus from, ComputationStatus to)
        external
        returns (ComputationStatus)
    {
        _computation.status = from;
        _computation.advance(id, to);
        return _computation.status;
    }

    function sourcesOf(ComputationStatus to) external pure returns (uint256) {
        return ComputationLifecycle.sourcesOf(to);
    }
}
