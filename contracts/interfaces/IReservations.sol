// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ProcessorId} from "../lifecycle/Processor.sol";
import {Reservation, ReservationId, ReservationStatus} from "../lifecycle/Reservation.sol";

/// @title Reservations: one or several processors for a time, all or nothing
/// @notice For interactive work, and for work on several processors at once.
/// 1. `setRate`: an operator says what a qubit-second costs; who says nothing takes no reservations.
/// 2. `reserve` takes the price of all and enters the window with each processor, or reverts.
/// 3. `prepare` (anyone, from a round's time before the window): the qubits get no new work from then on.
/// 4. `begin` (anyone, from the window's start, once all are free): they are the requester's.
/// 5. `finish` (anyone when the window is over, its requester before): operators are paid.
/// If it has not begun a round's time after its start, `lapse` (anyone) refunds it. Each of these three is paid the keeper's
/// bounty, out of what the requester has put down for two.
/// @dev What is run within a reservation is between its requester and the processors, and not verified here. The coin here
/// equals the sum of what is held for reservations; it leaves into balances in the escrow.
interface IReservations {
    event RateSet(ProcessorId indexed processor, uint64 weiPerQubitSecond);
    event ReservationGranted(
        ReservationId indexed reservation,
        address indexed requester,
        uint24 indexed organisation,
        ProcessorId[] processors,
        uint8 qubits,
        uint40 startsAt,
        uint40 endsAt,
        uint256 escrow
    );
    event ReservationPrepared(ReservationId indexed reservation);
    event ReservationBegun(ReservationId indexed reservation);
    /// @notice `pay` wei to the operator of each processor, in order, `bounty` to `keeper`, `refund` to the requester.
    event ReservationClosed(
        ReservationId indexed reservation,
        ReservationStatus status,
        uint256[] pay,
        address keeper,
        uint256 bounty,
        uint256 refund
    );

    /// @notice `account` belongs to no admitted organisation.
    error ReserverNotInConsortium(address account);
    /// @notice `account` is not the operator `operator`.
    error CallerNotRateOperator(ProcessorId processor, address account, address operator);
    /// @notice `account` is not the requester `requester`.
    error CallerNotReserver(ReservationId reservation, address account, address requester);
    /// @notice A reservation has 1 to `maximum` processors, named in ascending order, and a qubit of each at least.
    error ReservationShapeInvalid(uint256 processors, uint256 maximum, uint256 qubits);
    /// @notice A window starts in the future, by `latest`, and lasts 1 to `maximum` seconds.
    error WindowInvalid(uint40 startsAt, uint40 endsAt, uint256 latest, uint256 maximum);
    /// @notice `processor` asks `rate` wei a qubit-second, 0 when it takes no reservations; `maximum` was offered.
    error RateTooHigh(ProcessorId processor, uint256 rate, uint256 maximum);
    /// @notice `processor` cannot be reserved now by `organisation`: not ready to work, or screened out.
    error ProcessorNotReservable(ProcessorId processor, uint24 organisation);
    /// @notice `processor` has `left` qubits in that window, or its calendar of `maximum` reservations is full.
    error WindowTaken(ProcessorId processor, uint256 qubits, uint256 left, uint256 maximum);
    /// @notice The price is `price` wei; `sent` came.
    error PriceMismatch(uint256 sent, uint256 price);
    /// @notice This is due from `dueAt`; it is now `timestamp`.
    error ReservationNotDue(ReservationId reservation, uint256 dueAt, uint256 timestamp);
    /// @notice This was possible until `endedAt`; it is now `timestamp`.
    error ReservationOverdue(ReservationId reservation, uint256 endedAt, uint256 timestamp);

    /// @notice Says what a qubit-second costs; 0 takes no further reservations. Operator only,
    /// through the door if it has a hash key.
    function setRate(ProcessorId processor, uint64 weiPerQubitSecond) external;

    /// @notice Reserves `qubits` of each of `processors`, sending exactly the price. Any account of an admitted organisation.
    function reserve(ProcessorId[] calldata processors, uint8 qubits, uint40 startsAt, uint40 endsAt, uint64 maxRate)
        external
        payable
        returns (ReservationId reservation);

    /// @notice Keeps the qubits from new work. Anyone, from a round's time before the start.
    function prepare(ReservationId reservation) external;

    /// @notice Hands the qubits over, all or none. Anyone, from the start on.
    function begin(ReservationId reservation) external;

    /// @notice Ends it and pays the operators. Anyone after its end, its requester before.
    function finish(ReservationId reservation) external;

    /// @notice Refunds one that has not begun in time. Anyone, from a round's time after its start.
    function lapse(ReservationId reservation) external;

    /// @notice Withdraws one that is not prepared, and refunds it. Requester only.
    function cancel(ReservationId reservation) external;

    /// @notice Wei that `reserve` takes.
    function priceOf(ProcessorId[] calldata processors, uint8 qubits, uint256 duration) external view returns (uint256);

    function rateOf(ProcessorId processor) external view returns (uint64);

    function reservationOf(ReservationId reservation)
        external
        view
        returns (Reservation memory, ProcessorId[] memory processors);

    /// @notice Reservations of `processor` that have not ended.
    function calendarOf(ProcessorId processor) external view returns (ReservationId[] memory);

    /// @notice Reservations ever granted; ids run from 1.
    function reservationCount() external view returns (uint64);
}
