// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice Processors for a time. Ids start at 1; 0 means none.
type ReservationId is uint64;

/// @notice Where a reservation stands.
enum ReservationStatus {
    Unset,
    /// Its time is to come; the coin is held.
    Granted,
    /// Its time is near: the qubits get no new work.
    Prepared,
    /// The qubits are its requester's.
    Active,
    /// Its time is over, or its requester has ended it; operators are paid.
    Ended,
    /// Withdrawn before it was prepared; refunded.
    Cancelled,
    /// Not all qubits could be had; refunded.
    Lapsed
}

/// @notice Two storage slots; its processors are kept beside it.
struct Reservation {
    ReservationStatus status;
    /// Of each processor.
    uint8 qubits;
    /// Of the requester.
    uint24 organisation;
    /// Unix seconds.
    uint40 startsAt;
    uint40 endsAt;
    address requester;
    /// Wei held for it, the keepers' bounties included.
    uint96 escrow;
}

using ReservationLifecycle for Reservation global;

/// @notice `id` is `actual`; it must be a status whose bit is set in `allowed`.
error UnexpectedReservationStatus(ReservationId id, ReservationStatus actual, uint256 allowed);

/// @title The reservation's state machine
/// @notice Sole writer of `Reservation.status`.
library ReservationLifecycle {
    /// @notice Moves `self` along one edge.
    function advance(Reservation storage self, ReservationId id, ReservationStatus to) internal {
        uint256 sources = sourcesOf(to);
        ReservationStatus actual = self.status;
        if (sources & (1 << uint8(actual)) == 0) revert UnexpectedReservationStatus(id, actual, sources);
        self.status = to;
    }

    /// @notice The statuses, as a bitmap, from which `to` can be reached.
    function sourcesOf(ReservationStatus to) internal pure returns (uint256) {
        if (to == ReservationStatus.Granted) return _bit(ReservationStatus.Unset);
        if (to == ReservationStatus.Prepared || to == ReservationStatus.Cancelled) {
            return _bit(ReservationStatus.Granted);
        }
        if (to == ReservationStatus.Active) return _bit(ReservationStatus.Prepared);
        if (to == ReservationStatus.Ended) return _bit(ReservationStatus.Active);
        if (to == ReservationStatus.Lapsed) {
            return _bit(ReservationStatus.Granted) | _bit(ReservationStatus.Prepared);
        }
        return 0;
    }

    function _bit(ReservationStatus status) private pure returns (uint256) {
        return 1 << uint8(status);
    }
}
