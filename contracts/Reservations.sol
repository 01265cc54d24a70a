// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Decision, IAuditTrail} from "./interfaces/IAuditTrail.sol";
import {IComputationAllocator} from "./interfaces/IComputationAllocator.sol";
import {IConsortium} from "./interfaces/IConsortium.sol";
import {Policy} from "./interfaces/IEscrow.sol";
import {IHashKeys} from "./interfaces/IHashKeys.sol";
import {IProcessorRegistry} from "./interfaces/IProcessorRegistry.sol";
import {IReservations} from "./interfaces/IReservations.sol";
import {Actor} from "./libraries/Actor.sol";
import {Pause} from "./libraries/Pause.sol";
import {Payout} from "./libraries/Payout.sol";
import {ProcessorId} from "./lifecycle/Processor.sol";
import {Reservation, ReservationId, ReservationStatus} from "./lifecycle/Reservation.sol";

/// @title Reservations
/// @notice See IReservations.
/// @dev Calls go to the registry, the trail and the allocator's escrow, none of which calls back.
// slither-disable-start reentrancy-no-eth,reentrancy-benign,reentrancy-events,calls-loop
contract Reservations is IReservations {
    using Payout for IComputationAllocator;

    uint256 public constant MAX_PROCESSORS = 16;
    uint256 public constant MAX_SECONDS = 8 hours;
    uint256 public constant MAX_AHEAD_SECONDS = 30 days;
    /// Reservations that a processor can have ahead of it: what `reserve` looks through.
    uint256 public constant MAX_CALENDAR = 8;

    IAuditTrail public immutable AUDIT_TRAIL;
    IConsortium public immutable CONSORTIUM;
    IProcessorRegistry public immutable REGISTRY;
    IComputationAllocator public immutable ALLOCATOR;
    IHashKeys public immutable HASH_KEYS;

    /// @inheritdoc IReservations
    uint64 public reservationCount;
    /// @inheritdoc IReservations
    mapping(ProcessorId => uint64) public rateOf;

    mapping(ReservationId => Reservation) private _reservations;
    mapping(ReservationId => ProcessorId[]) private _processors;
    /// Wei that each of them earns, in the same order.
    mapping(ReservationId => uint256[]) private _pay;
    mapping(ProcessorId => ReservationId[]) private _calendars;

    constructor(IAuditTrail auditTrail, IConsortium consortium, IComputationAllocator allocator) {
        AUDIT_TRAIL = auditTrail;
        CONSORTIUM = consortium;
        ALLOCATOR = allocator;
        REGISTRY = allocator.REGISTRY();
        HASH_KEYS = REGISTRY.HASH_KEYS();
    }

    /// @inheritdoc IReservations
    function setRate(ProcessorId processor, uint64 weiPerQubitSecond) external {
        address operator = REGISTRY.operatorOf(processor);
        address account = Actor.bound(HASH_KEYS);
        if (account != operator) revert CallerNotRateOperator(processor, account, operator);
        rateOf[processor] = weiPerQubitSecond;
        emit RateSet(processor, weiPerQubitSecond);
    }

    /// @inheritdoc IReservations
    function reserve(ProcessorId[] calldata processors, uint8 qubits, uint40 startsAt, uint40 endsAt, uint64 maxRate)
        external
        payable
        returns (ReservationId id)
    {
        uint24 organisation = CONSORTIUM.organisationOf(msg.sender);
        if (organisation == 0) revert ReserverNotInConsortium(msg.sender);
        uint256 pausedUntil = ALLOCATOR.pausedUntil();
        if (pausedUntil != 0) revert Pause.WorkStopped(pausedUntil, block.timestamp);
        if (processors.length == 0 || processors.length > MAX_PROCESSORS || qubits == 0) {
            revert ReservationShapeInvalid(processors.length, MAX_PROCESSORS, qubits);
        }
        uint256 latest = block.timestamp + MAX_AHEAD_SECONDS;
        if (startsAt <= block.timestamp || startsAt > latest || endsAt <= startsAt || endsAt - startsAt > MAX_SECONDS) {
            revert WindowInvalid(startsAt, endsAt, latest, MAX_SECONDS);
        }
        uint256 price = priceOf(processors, qubits, endsAt - startsAt);
        if (msg.value != price) revert PriceMismatch(msg.value, price);

        id = ReservationId.wrap(++reservationCount);
        Reservation storage r = _reservations[id];
        r.advance(id, ReservationStatus.Granted);
        r.qubits = qubits;
        r.organisation = organisation;
        r.startsAt = startsAt;
        r.endsAt = endsAt;
        r.requester = msg.sender;
        r.escrow = uint96(price);
        for (uint256 i; i < processors.length; ++i) {
            ProcessorId processor = processors[i];
            if (i != 0 && ProcessorId.unwrap(processors[i - 1]) >= ProcessorId.unwrap(processor)) {
                revert ReservationShapeInvalid(processors.length, MAX_PROCESSORS, qubits);
            }
            _enter(id, r, processor, maxRate);
        }
        emit ReservationGranted(id, msg.sender, organisation, processors, qubits, startsAt, endsAt, price);
        bytes32 digest = keccak256(abi.encode(id, msg.sender, processors, qubits, startsAt, endsAt, price));
        AUDIT_TRAIL.append(Decision.ReservationGranted, ReservationId.unwrap(id), digest);
    }

    /// @inheritdoc IReservations
    function prepare(ReservationId id) external {
        Reservation storage r = _reservations[id];
        r.advance(id, ReservationStatus.Prepared);
        uint256 round = _roundSeconds();
        _requireDue(id, r.startsAt - round);
        if (block.timestamp > r.startsAt + round) revert ReservationOverdue(id, r.startsAt + round, block.timestamp);
        ProcessorId[] storage processors = _processors[id];
        for (uint256 i; i < processors.length; ++i) {
            // slither-disable-next-line unused-return (known since it was granted)
            REGISTRY.hold(processors[i], r.qubits);
        }
        emit ReservationPrepared(id);
    }

    /// @inheritdoc IReservations
    function begin(ReservationId id) external {
        Reservation storage r = _reservations[id];
        r.advance(id, ReservationStatus.Active);
        _requireDue(id, r.startsAt);
        if (block.timestamp >= r.endsAt) revert ReservationOverdue(id, r.endsAt, block.timestamp);
        ProcessorId[] storage processors = _processors[id];
        for (uint256 i; i < processors.length; ++i) {
            REGISTRY.occupy(processors[i], r.qubits);
        }
        uint256 bounty = ALLOCATOR.KEEPER_BOUNTY();
        r.escrow -= uint96(bounty);
        emit ReservationBegun(id);
        ALLOCATOR.pay(msg.sender, bounty);
    }

    /// @inheritdoc IReservations
    function finish(ReservationId id) external {
        Reservation storage r = _reservations[id];
        r.advance(id, ReservationStatus.Ended);
        if (msg.sender != r.requester) _requireDue(id, r.endsAt);
        ProcessorId[] storage processors = _processors[id];
        uint256[] memory pay = _pay[id];
        uint256 rest = r.escrow;
        for (uint256 i; i < processors.length; ++i) {
            REGISTRY.vacate(processors[i], 0, r.qubits);
            rest -= pay[i];
            ALLOCATOR.pay(REGISTRY.operatorOf(processors[i]), pay[i]);
        }
        _close(id, r, pay, rest, rest);
    }

    /// @inheritdoc IReservations
    function lapse(ReservationId id) external {
        Reservation storage r = _reservations[id];
        bool prepared = r.status == ReservationStatus.Prepared;
        r.advance(id, ReservationStatus.Lapsed);
        _requireDue(id, r.startsAt + _roundSeconds());
        _giveBack(id, r, prepared);
        _close(id, r, new uint256[](0), r.escrow, ALLOCATOR.KEEPER_BOUNTY());
    }

    /// @inheritdoc IReservations
    function cancel(ReservationId id) external {
        Reservation storage r = _reservations[id];
        if (msg.sender != r.requester) revert CallerNotReserver(id, msg.sender, r.requester);
        r.advance(id, ReservationStatus.Cancelled);
        _close(id, r, new uint256[](0), r.escrow, 0);
    }

    /// @inheritdoc IReservations
    function priceOf(ProcessorId[] calldata processors, uint8 qubits, uint256 duration)
        public
        view
        returns (uint256 price)
    {
        for (uint256 i; i < processors.length; ++i) {
            price += rateOf[processors[i]] * uint256(qubits) * duration;
        }
        price += 2 * ALLOCATOR.KEEPER_BOUNTY();
    }

    /// @inheritdoc IReservations
    function reservationOf(ReservationId id) external view returns (Reservation memory, ProcessorId[] memory) {
        return (_reservations[id], _processors[id]);
    }

    /// @inheritdoc IReservations
    function calendarOf(ProcessorId processor) external view returns (ReservationId[] memory) {
        return _calendars[processor];
    }

    /// @dev Enters a reservation into the calendar of one of its processors.
    function _enter(ReservationId id, Reservation storage r, ProcessorId processor, uint64 maxRate) private {
        uint256 rate = rateOf[processor];
        if (rate == 0 || rate > maxRate) revert RateTooHigh(processor, rate, maxRate);
        uint24 owner = REGISTRY.standingOf(processor).organisation;
        if (!REGISTRY.isAvailable(processor) || CONSORTIUM.isScreened(r.organisation, owner)) {
            revert ProcessorNotReservable(processor, r.organisation);
        }
        ReservationId[] storage calendar = _calendars[processor];
        uint256 capacity = REGISTRY.standingOf(processor).qubits;
        uint256 round = _roundSeconds();
        uint256 taken;
        for (uint256 i; i < calendar.length; ++i) {
            Reservation storage other = _reservations[calendar[i]];
            // Each is prepared a round before it starts, and may then still be waiting for the one before it.
            if (other.startsAt < r.endsAt + round && r.startsAt < other.endsAt + round) taken += other.qubits;
        }
        if (taken + r.qubits > capacity || calendar.length >= MAX_CALENDAR) {
            revert WindowTaken(processor, r.qubits, capacity > taken ? capacity - taken : 0, MAX_CALENDAR);
        }
        calendar.push(id);
        _processors[id].push(processor);
        _pay[id].push(rate * r.qubits * (r.endsAt - r.startsAt));
    }

    function _giveBack(ReservationId id, Reservation storage r, bool prepared) private {
        if (!prepared) return;
        ProcessorId[] storage processors = _processors[id];
        for (uint256 i; i < processors.length; ++i) {
            REGISTRY.vacate(processors[i], r.qubits, 0);
        }
    }

    /// @dev Strikes it from the calendars, and gives `bounty` of `rest` to the caller, what remains to the requester.
    function _close(ReservationId id, Reservation storage r, uint256[] memory pay, uint256 rest, uint256 bounty)
        private
    {
        ProcessorId[] storage processors = _processors[id];
        for (uint256 i; i < processors.length; ++i) {
            _strike(_calendars[processors[i]], id);
        }
        r.escrow = 0;
        address requester = r.requester;
        emit ReservationClosed(id, r.status, pay, msg.sender, bounty, rest - bounty);
        AUDIT_TRAIL.append(
            Decision.ReservationEnded, ReservationId.unwrap(id), keccak256(abi.encode(id, r.status, pay, rest - bounty))
        );
        ALLOCATOR.pay(msg.sender, bounty);
        ALLOCATOR.pay(requester, rest - bounty);
    }

    function _strike(ReservationId[] storage calendar, ReservationId id) private {
        uint256 last = calendar.length - 1;
        for (uint256 i; i <= last; ++i) {
            if (ReservationId.unwrap(calendar[i]) != ReservationId.unwrap(id)) continue;
            calendar[i] = calendar[last];
            calendar.pop();
            return;
        }
    }

    function _requireDue(ReservationId id, uint256 dueAt) private view {
        if (block.timestamp < dueAt) revert ReservationNotDue(id, dueAt, block.timestamp);
    }

    /// @dev The longest that a round of a computation lasts: by then its qubits are free, unless it has begun another.
    function _roundSeconds() private view returns (uint256) {
        Policy memory policy = ALLOCATOR.policy();
        return uint256(policy.commitSeconds) + policy.discloseSeconds + policy.revealSeconds;
    }
}
// slither-disable-end reentrancy-no-eth,reentrancy-benign,reentrancy-events,calls-loop
