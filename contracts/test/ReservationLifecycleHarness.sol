// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    Reservation, ReservationId, ReservationLifecycle, ReservationStatus
} from "../lifecycle/Reservation.sol";

/// @title ReservationLifecycle, callable from tests
contract ReservationLifecycleHarness {
    Reservation private _reservation;

    /// @notice Tries the edge from `from` to `to`.
    function advance(ReservationId id, ReservationStatus from, ReservationStatus to)
        external
        returns (ReservationStatus)
    {
        _reservation.status = from;
        _reservation.advance(id, to);
        return _reservation.status;
    }

    function sourcesOf(ReservationStatus to) external pure returns (uint256) {
        return ReservationLifecycle.sourcesOf(to);
    }
}
