// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IBookings} from "../interfaces/IBookings.sol";
import {ProcessorId, Standing} from "../lifecycle/Processor.sol";
import {Roster} from "./Roster.sol";

/// @title Qubits that reservations are promised, and then have
/// @notice See IBookings, whose caller has been checked. Until a reservation begins its qubits are held, beside those
/// that computations have leased; from then on they are leased as well.
library Bookings {
    using Roster for Roster.State;

    /// @notice Promises qubits. Those that computations have now will be free by then, those promised to others not.
    /// @param beatenSince Earliest heartbeat that still counts, unix seconds.
    /// @return organisation Of the processor.
    function hold(Roster.State storage self, ProcessorId processor, uint8 qubits, uint256 beatenSince)
        internal
        returns (uint24 organisation)
    {
        Standing storage standing = self.standings[processor];
        if (!Roster.isOpen(standing, beatenSince)) revert IBookings.ProcessorUnavailable(processor);
        _requireLeft(processor, qubits, standing.qubits - standing.heldQubits);
        standing.heldQubits += qubits;
        self.relist(processor);
        _announce(processor, standing);
        return standing.organisation;
    }

    /// @notice Leases qubits that were promised, once computations have left them.
    /// @dev It stays in its list: as many are free as before.
    function occupy(Roster.State storage self, ProcessorId processor, uint8 qubits) internal {
        Standing storage standing = self.standings[processor];
        _requireLeft(processor, qubits, standing.qubits - standing.leasedQubits);
        standing.heldQubits -= qubits;
        standing.leasedQubits += qubits;
        _announce(processor, standing);
    }

    /// @notice Gives back `held` qubits that were promised, or `leased` that were used.
    function vacate(Roster.State storage self, ProcessorId processor, uint8 held, uint8 leased) internal {
        Standing storage standing = self.standings[processor];
        standing.heldQubits -= held;
        standing.leasedQubits -= leased;
        self.relist(processor);
        _announce(processor, standing);
    }

    function _requireLeft(ProcessorId processor, uint256 qubits, uint256 left) private pure {
        if (qubits > left) revert IBookings.QubitsUnavailable(processor, qubits, left);
    }

    function _announce(ProcessorId processor, Standing storage standing) private {
        emit IBookings.QubitsReserved(processor, standing.heldQubits, standing.leasedQubits);
    }
}
