// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ProcessorId} from "../lifecycle/Processor.sol";

/// @title The bookings of qubits for reservations
/// @notice See IReservations, whose contract alone books: qubits are promised shortly before a reservation begins,
/// leased while it lasts, and given back.
interface IBookings {
    /// @notice Of `processor`, `held` qubits are now promised, and `leased` in use, by computations too.
    event QubitsReserved(ProcessorId indexed processor, uint8 held, uint8 leased);

    /// @notice `account` is not the contract of reservations.
    error CallerNotReservations(address account);
    /// @notice `processor` is not ready to work: not certified, not bonded, expired, draining, or not heard of.
    error ProcessorUnavailable(ProcessorId processor);
    /// @notice `processor` cannot take `qubits` more: it has `free`, of those leased or promised to nobody.
    error QubitsUnavailable(ProcessorId processor, uint256 qubits, uint256 free);

    /// @notice Promises qubits of a processor, which get no new work from then on. Contract of reservations only.
    /// @return operator Whom to pay. @return organisation Of the processor.
    function hold(ProcessorId processor, uint8 qubits) external returns (address operator, uint24 organisation);

    /// @notice Leases qubits that were promised, once they are free. Contract of reservations only.
    function occupy(ProcessorId processor, uint8 qubits) external;

    /// @notice Ends a promise of `held` qubits, or a lease of `leased`. Contract of reservations only.
    function vacate(ProcessorId processor, uint8 held, uint8 leased) external;
}
