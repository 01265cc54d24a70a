// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Policy} from "../../contracts/interfaces/IEscrow.sol";
import {Request} from "../../contracts/libraries/Admission.sol";
import {AssignmentStatus} from "../../contracts/lifecycle/Assignment.sol";
import {ComputationId, ComputationStatus} from "../../contracts/lifecycle/Computation.sol";
import {ProcessorId} from "../../contracts/lifecycle/Processor.sol";
import {Suite} from "./Suite.sol";
import {vm} from "./Vm.sol";

/// @notice Does to the suite what its actors could, in any order. Whatever is refused reverts and changes nothing.
contract Handler is Suite {
    uint256 public constant PROCESSORS = 7;

    /// Decisions that the audit trail must hold.
    uint256 public decisions;
    /// How often the rarer ends were reached: campaigns that reach none prove nothing.
    uint256 public settled;
    uint256 public reallocated;
    uint256 public expired;

    mapping(ComputationId => uint256 bitmap) private _rogues;

    /// @dev Time passes between transactions only when an action says so.
    modifier atClock() {
        vm.warp(clock);
        _;
    }

    constructor() {
        _deploy();
        for (uint256 i; i < PROCESSORS; ++i) {
            _addProcessor();
        }
        for (uint256 i; i < 4; ++i) {
            _submit(3);
        }
        (, uint64 size) = auditTrail.head();
        decisions = size;
    }

    // --- requester ---

    function submit(uint8 replicas, uint8 qubits) external atClock {
        Request memory request = _request(3 + replicas % 3);
        request.qubits = 1 + qubits % 14;
        request.deadlineAt = uint40(clock + 500);
        _submit(request);
    }

    function cancel(uint256 seed) external atClock {
        ComputationId id = _pick(seed, ComputationStatus.Queued);
        if (seed % 4 != 0) return; // most stay
        vm.prank(REQUESTER);
        allocator.cancel(id);
    }

    function disclose(uint256 seed) external atClock {
        _disclose(_pick(seed, ComputationStatus.Committed));
    }

    // --- processors ---

    function commit(uint256 seed, uint256 index) external atClock {
        ComputationId id = _pick(seed, ComputationStatus.Allocated);
        uint256[] memory seats = _seatsIn(id, AssignmentStatus.Assigned);
        _commit(id, seats[index % seats.length]);
    }

    function refuse(uint256 seed, uint256 index) external atClock {
        ComputationId id = _pick(seed, seed % 4 == 0 ? ComputationStatus.Queued : ComputationStatus.Allocated);
        uint256[] memory seats = _seatsIn(id, AssignmentStatus.Assigned);
        ComputationStatus before = _statusOf(id);
        _refuse(id, seats[index % seats.length]);
        if (_statusOf(id) != before) ++decisions;
    }

    function reveal(uint256 seed, uint256 index, bool rogue) external atClock {
        ComputationId id = _pick(seed, ComputationStatus.Revealing);
        uint256[] memory seats = _seatsIn(id, AssignmentStatus.Committed);
        _revealAs(id, seats[index % seats.length], rogue);
    }

    function bond(uint256 number, uint64 amount) external atClock {
        ProcessorId processor = _processor(number);
        vm.prank(registry.operatorOf(processor));
        allocator.bond{value: amount}(processor, amount);
    }

    function unbond(uint256 number) external atClock {
        ProcessorId processor = _fickle(number);
        address operator = registry.operatorOf(processor);
        vm.prank(operator);
        allocator.unbond(processor);
    }

    // --- keepers, who may wait before they act ---

    function allocate(uint256 seed) external atClock {
        _allocate(_pick(seed, ComputationStatus.Queued));
        ++decisions;
    }

    function substitute(uint256 seed, uint16 wait) external atClock {
        _pass(wait % 300);
        ComputationId id = _pick(seed, ComputationStatus.Committed);
        vm.prank(KEEPER);
        verifier.substituteSecret(id);
    }

    /// @dev With as many reveals as a verdict needs; who has not revealed after the wait is silent.
    function settle(uint256 seed, uint16 wait, uint256 rogues) external atClock {
        ComputationId id = _pick(seed, ComputationStatus.Revealing);
        uint256[] memory seats = _seatsIn(id, AssignmentStatus.Committed);
        uint256 quorum = allocator.computationOf(id).replicas / 2 + 1;
        for (uint256 i; i < seats.length && allocator.computationOf(id).revealed < quorum; ++i) {
            _revealAs(id, seats[i], (rogues >> i) % 4 == 0);
        }
        _pass(wait % 300);
        _settle(id, _rogues[id]);
        ++decisions;
        ++settled;
    }

    function reallocate(uint256 seed, uint16 wait) external atClock {
        _pass(wait % 300);
        ComputationId id =
            _pick(seed, seed % 2 == 0 ? ComputationStatus.Revealing : ComputationStatus.Allocated);
        vm.prank(KEEPER);
        allocator.reallocate(id);
        ++decisions;
        ++reallocated;
    }

    function expire(uint256 seed, uint16 wait) external atClock {
        _pass(wait % 300);
        ComputationId id = _pick(seed, ComputationStatus.Queued);
        vm.prank(KEEPER);
        allocator.expire(id);
        ++decisions;
        ++expired;
    }

    /// @dev Takes a computation to its next status, so that campaigns get far.
    function proceed(uint256 seed) external atClock {
        ComputationId id = ComputationId.wrap(uint64(1 + seed % allocator.computationCount()));
        ComputationStatus status = _statusOf(id);
        if (status == ComputationStatus.Queued) {
            _allocate(id);
            ++decisions;
        } else if (status == ComputationStatus.Allocated) {
            _commitAll(id);
        } else if (status == ComputationStatus.Committed) {
            _disclose(id);
        } else if (status == ComputationStatus.Revealing) {
            _revealAll(id);
            _settle(id, _rogues[id]);
            ++decisions;
            ++settled;
        }
    }

    // --- money, bodies, time ---

    /// @dev One action for what seldom matters, so that campaigns do not spend themselves on it.
    function tend(uint256 kind, uint256 number, uint256 amount) external atClock {
        if (kind % 5 == 0) _heartbeat(number);
        else if (kind % 5 == 1) _withdraw(number, amount);
        else if (kind % 5 == 2) allocator.disburse(KEEPER, amount % (allocator.treasury() + 1));
        else if (kind % 5 == 3) _certify(number);
        else _setPolicy(amount);
    }

    function suspend(uint256 number) external atClock {
        registry.suspend(_fickle(number), "suspicion");
        ++decisions;
    }

    function pass(uint16 duration) external atClock {
        _pass(duration % 80);
    }

    // --- what the invariants look at ---

    function booked() external view returns (uint256) {
        return _booked(PROCESSORS);
    }

    function lockedInAll() external view returns (uint256 total) {
        (, total) = allocator.balanceOf(REQUESTER);
        for (uint256 i = 1; i <= PROCESSORS; ++i) {
            (, uint256 locked) = allocator.balanceOf(_operatorOf(i));
            total += locked;
        }
    }

    function suite()
        external
        view
        returns (address allocator_, address registry_, address auditTrail_)
    {
        return (address(allocator), address(registry), address(auditTrail));
    }

    function _revealAs(ComputationId id, uint256 seat, bool rogue) private {
        if (rogue) _rogues[id] |= 1 << seat;
        _reveal(id, seat, rogue ? _rogue() : _honest(seat));
    }

    function _heartbeat(uint256 number) private {
        ProcessorId processor = _processor(number);
        vm.prank(_daemonOf(processor));
        registry.heartbeat(processor);
    }

    function _withdraw(uint256 number, uint256 amount) private {
        address holder = number % 3 == 0 ? KEEPER : registry.operatorOf(_processor(number));
        (uint256 available,) = allocator.balanceOf(holder);
        vm.prank(holder);
        allocator.withdraw(amount % (available + 1));
    }

    function _certify(uint256 number) private {
        registry.certify(_processor(number), 1);
        ++decisions;
    }

    function _setPolicy(uint256 slash) private {
        Policy memory policy = _initialPolicy();
        policy.slash = uint128(slash % 0.5 ether);
        allocator.setPolicy(policy);
        ++decisions;
    }

    /// @dev Some computation in `status`, or any when there is none, which then refuses what is tried.
    function _pick(uint256 seed, ComputationStatus status) private view returns (ComputationId id) {
        uint256 count = allocator.computationCount();
        for (uint256 i; i < count; ++i) {
            id = ComputationId.wrap(uint64(1 + (seed % count + i) % count));
            if (_statusOf(id) == status) return id;
        }
    }

    function _processor(uint256 number) private pure returns (ProcessorId) {
        return ProcessorId.wrap(uint32(1 + number % PROCESSORS));
    }

    /// @dev Few enough to leave computations that need others a chance.
    function _fickle(uint256 number) private pure returns (ProcessorId) {
        return _processor(number % 3);
    }

    function _statusOf(ComputationId id) private view returns (ComputationStatus) {
        return allocator.computationOf(id).status;
    }
}
