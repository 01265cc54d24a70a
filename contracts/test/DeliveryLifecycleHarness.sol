// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ComputationId} from "../lifecycle/Computation.sol";
import {Delivery, DeliveryLifecycle, DeliveryStatus} from "../lifecycle/Delivery.sol";

/// @title DeliveryLifecycle, callable from tests
contract DeliveryLifecycleHarness {
    Delivery private _delivery;

    /// @notice Tries the edge from `from` to `to`.
    function advance(ComputationId id, DeliveryStatus from, DeliveryStatus to) external returns (DeliveryStatus) {
        _delivery.status = from;
        _delivery.advance(id, to);
        return _delivery.status;
    }

    function sourcesOf(DeliveryStatus to) external pure returns (uint256) {
        return DeliveryLifecycle.sourcesOf(to);
    }
}
