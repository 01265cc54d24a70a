// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ComputationId} from "./Computation.sol";

/// @notice Where the telling of a result to a consumer stands.
enum DeliveryStatus {
    Unset,
    /// Subscribed; the computation has yet to end, or somebody to deliver.
    Pending,
    /// The consumer took it; never again.
    Delivered,
    /// The consumer reverted, ran out of its gas or was not there; anyone may try again.
    Failed
}

/// @notice One storage slot.
struct Delivery {
    address consumer;
    /// Gas that the consumer's function gets, no more and no less.
    uint32 gasLimit;
    DeliveryStatus status;
    /// Not before the verdict can no longer be challenged, nor while a case is open.
    bool afterChallenges;
    /// What the outcomes shown must make up of the pooled shots, in 1e-4.
    uint16 coverage;
}

using DeliveryLifecycle for Delivery global;

/// @notice A delivery of `id` is `actual`; it must be a status whose bit is set in `allowed`.
error UnexpectedDeliveryStatus(ComputationId id, DeliveryStatus actual, uint256 allowed);

/// @title The delivery's state machine
/// @notice Sole writer of `Delivery.status`.
library DeliveryLifecycle {
    /// @notice Moves `self` along one edge.
    function advance(Delivery storage self, ComputationId id, DeliveryStatus to) internal {
        uint256 sources = sourcesOf(to);
        DeliveryStatus actual = self.status;
        if (sources & _bit(actual) == 0) revert UnexpectedDeliveryStatus(id, actual, sources);
        self.status = to;
    }

    /// @notice The statuses, as a bitmap, from which `to` can be reached.
    /// @dev Delivered is written before the consumer is called, so that a consumer that comes back finds the door
    /// shut; it becomes Failed in the same transaction, or never.
    function sourcesOf(DeliveryStatus to) internal pure returns (uint256) {
        if (to == DeliveryStatus.Pending) return _bit(DeliveryStatus.Unset);
        if (to == DeliveryStatus.Delivered) return _bit(DeliveryStatus.Pending) | _bit(DeliveryStatus.Failed);
        if (to == DeliveryStatus.Failed) return _bit(DeliveryStatus.Delivered);
        return 0;
    }

    function _bit(DeliveryStatus status) private pure returns (uint256) {
        return 1 << uint8(status);
    }
}
