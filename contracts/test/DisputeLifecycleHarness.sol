// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Dispute, DisputeId, DisputeLifecycle, DisputeStatus} from "../lifecycle/Dispute.sol";

/// @title DisputeLifecycle, callable from tests
contract DisputeLifecycleHarness {
    Dispute private _dispute;

    /// @notice Tries the edge from `from` to `to`.
    function advance(DisputeId id, DisputeStatus from, DisputeStatus to) external returns (DisputeStatus) {
        _dispute.status = from;
        _dispute.advance(id, to);
        return _dispute.status;
    }

    function sourcesOf(DisputeStatus to) external pure returns (uint256) {
        return DisputeLifecycle.sourcesOf(to);
    }
}
