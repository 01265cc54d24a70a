// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AuditTrail} from "../../contracts/AuditTrail.sol";
import {Bonds} from "../../contracts/Bonds.sol";
import {ComputationAllocator} from "../../contracts/ComputationAllocator.sol";
import {Disputes} from "../../contracts/Disputes.sol";
import {ProcessorRegistry} from "../../contracts/ProcessorRegistry.sol";
import {Records} from "../../contracts/Records.sol";
import {Policy} from "../../contracts/interfaces/IEscrow.sol";
import {Request} from "../../contracts/libraries/Admission.sol";
import {Assignment, AssignmentStatus} from "../../contracts/lifecycle/Assignment.sol";
import {Computation, ComputationId, ComputationStatus} from "../../contracts/lifecycle/Computation.sol";
import {ProcessorId} from "../../contracts/lifecycle/Processor.sol";
import {Parties} from "./Parties.sol";
import {vm} from "./Vm.sol";

/// @notice Does to the suite what its actors could, in any order. Whatever is refused reverts and changes nothing.
contract Handler is Parties {
    /// How often the rarer ends were reached: campaigns that reach none prove nothing.
    uint256 public settled;
    uint256 public escalated;
    uint256 public reallocated;
    uint256 public expired;
    uint256 public backfilled;
    uint256 public deferred;
    uint256 public exchanged;

    /// @dev Two bits a seat: see _answerIn.
    mapping(ComputationId => uint256) private _answers;
    mapping(ComputationId => uint256 bitmap) private _answered;

    constructor() {
        _deploy();
        for (uint256 i; i < PROCESSORS; ++i) {
            _addProcessor();
        }
        vm.prank(REQUESTER);
        consortium.chooseOrder(true);
        for (uint256 i; i < 4; ++i) {
            _submit(3);
        }
        (, uint64 size) = auditTrail.head();
        decisions = size;
    }

    // --- requester ---

    /// @dev One in four asks for a single replica, the others for three to five, half of these with escalations.
    function submit(uint8 replicas, uint8 steps, uint8 qubits) external atClock {
        Request memory request = _request(replicas % 4 == 3 ? 1 : 3 + replicas % 4);
        if (request.replicas != 1) request.replicaCap += 2 * (steps % 4 < 3 ? steps % 4 : 0);
        request.qubits = 1 + qubits % 14;
        request.deadlineAt = uint40(clock + 500);
        _submit(request);
    }

    function submitMany(uint8 count, uint8 qubits) external atClock {
        Request[] memory requests = new Request[](1 + count % 3);
        for (uint256 i; i < requests.length; ++i) {
            requests[i] = _request(3);
            requests[i].qubits = uint8(1 + (qubits + 5 * i) % 14);
            requests[i].deadlineAt = uint40(clock + 500);
        }
        vm.prank(REQUESTER);
        allocator.submitMany(requests);
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
        _commitEither(id, seats[index % seats.length]);
    }

    function refuse(uint256 seed, uint256 index) external atClock {
        ComputationId id = _pick(seed, seed % 4 == 0 ? ComputationStatus.Queued : ComputationStatus.Allocated);
        uint256[] memory seats = _seatsIn(id, AssignmentStatus.Assigned);
        ComputationStatus before = _statusOf(id);
        _refuse(id, seats[index % seats.length]);
        if (_statusOf(id) != before) ++decisions;
    }

    function reveal(uint256 seed, uint256 index, uint8 answer) external atClock {
        ComputationId id = _pick(seed, ComputationStatus.Revealing);
        uint256[] memory seats = _seatsIn(id, AssignmentStatus.Committed);
        _revealAs(id, seats[index % seats.length], Answer(answer % 8 < 4 ? answer % 4 : 0));
    }

    // --- keepers, who may wait before they act ---

    function allocate(uint256 seed) external atClock {
        _allocate(_pickDue(seed));
        ++decisions;
    }

    function backfill(uint256 seed) external atClock {
        _backfill(_pick(seed, ComputationStatus.Queued));
    }

    function defer(uint256 seed, uint16 wait) external atClock {
        _pass(wait % 300);
        allocator.defer(_pickDue(seed));
        ++deferred;
    }

    function exchange(uint256 seed, uint256 other) external atClock {
        allocator.exchange(_pick(seed, ComputationStatus.Queued), _pick(other, ComputationStatus.Queued));
        ++exchanged;
    }

    function substitute(uint256 seed, uint16 wait) external atClock {
        _pass(wait % 300);
        ComputationId id = _pick(seed, ComputationStatus.Committed);
        vm.prank(KEEPER);
        verifier.substituteSecret(id);
    }

    /// @dev With as many reveals as a verdict needs; who has not revealed after the wait is silent.
    function settle(uint256 seed, uint16 wait, uint256 answers) external atClock {
        ComputationId id = _pick(seed, ComputationStatus.Revealing);
        uint256[] memory seats = _seatsIn(id, AssignmentStatus.Committed);
        uint256 quorum = records.computationOf(id).replicas / 2 + 1;
        for (uint256 i; i < seats.length && records.computationOf(id).revealed < quorum; ++i) {
            _revealAs(id, seats[i], _drawAnswer(answers, seats[i]));
        }
        _pass(wait % 300);
        _settleAs(id);
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
            if (_isDue(id)) {
                _allocate(id);
                ++decisions;
            } else {
                _backfill(id);
            }
        } else if (status == ComputationStatus.Allocated) {
            uint256[] memory due = _seatsIn(id, AssignmentStatus.Assigned);
            for (uint256 i; i < due.length; ++i) {
                _commitEither(id, due[i]);
            }
        } else if (status == ComputationStatus.Committed) {
            _disclose(id);
        } else if (status == ComputationStatus.Revealing) {
            uint256[] memory seats = _seatsIn(id, AssignmentStatus.Committed);
            for (uint256 i; i < seats.length; ++i) {
                _revealAs(id, seats[i], Answer.Honest);
            }
            _settleAs(id);
        }
    }

    /// @dev As `proceed`, but the replicas are split or cannot tell, so that it escalates if it may.
    function quarrel(uint256 seed) external atClock {
        ComputationId id = _pick(seed, ComputationStatus.Revealing);
        uint256[] memory seats = _seatsIn(id, AssignmentStatus.Committed);
        for (uint256 i; i < seats.length; ++i) {
            _revealAs(id, seats[i], seed % 2 == 0 ? Answer.Noise : Answer(seats[i] % 3));
        }
        _settleAs(id);
    }

    // --- money, bodies, time ---

    /// @dev One action for what seldom matters, so that campaigns do not spend themselves on it.
    function tend(uint256 kind, uint256 number, uint256 amount) external atClock {
        if (kind % 7 == 0) _heartbeat(number);
        else if (kind % 7 == 1) _withdraw(number, amount);
        else if (kind % 7 == 2) allocator.disburse(KEEPER, amount % (allocator.treasury() + 1));
        else if (kind % 7 == 3) _certify(number);
        else if (kind % 7 == 4) _drain(number, amount % 2 == 0);
        else if (kind % 7 == 5) _offer(number, amount);
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

    function parts()
        external
        view
        returns (ComputationAllocator, Records, ProcessorRegistry, Bonds, Disputes, AuditTrail)
    {
        return (allocator, records, registry, bonds, disputes, auditTrail);
    }

    function _revealAs(ComputationId id, uint256 seat, Answer answer) private {
        // Who has answered before an escalation is bound to that answer.
        if (_answered[id] & (1 << seat) == 0) _answers[id] |= uint256(answer) << (2 * seat);
        _answered[id] |= 1 << seat;
        uint256[] memory sketch = _answerOf(_answerIn(_answers[id], seat), seat);
        (, Assignment memory a) = records.dutyOf(id, seat);
        if (a.digest == 0) _revealBundled(id, seat, sketch);
        else _reveal(id, seat, sketch);
    }

    /// @dev Every other one by a bundle.
    function _commitEither(ComputationId id, uint256 seat) private {
        if ((ComputationId.unwrap(id) + seat) % 2 == 0) _commit(id, seat);
        else _commitBundled(id, seat);
    }

    function _drawAnswer(uint256 answers, uint256 seat) private pure returns (Answer) {
        if (answers % 8 == 0) return Answer.Noise;
        if (answers % 8 == 1) return Answer(seat % 3);
        uint256 drawn = (answers >> (4 * seat)) % 16;
        return Answer(drawn < 4 ? drawn : 0);
    }

    function _settleAs(ComputationId id) private {
        _settle(id, _answers[id]);
        ++decisions;
        if (_statusOf(id) == ComputationStatus.Queued) {
            // An escalation, and the wait for those who join.
            ++decisions;
            ++escalated;
        } else {
            ++settled;
        }
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

    function _drain(uint256 number, bool draining) private {
        ProcessorId processor = _fickle(number);
        vm.prank(_daemonOf(processor));
        registry.drain(processor, draining);
    }

    /// @dev At half to one and a half times the policy's price, or none.
    function _offer(uint256 number, uint256 amount) private {
        ProcessorId processor = _processor(number);
        vm.prank(registry.operatorOf(processor));
        if (amount % 3 == 0) registry.withdrawOffer(processor);
        else registry.offer(processor, uint64(PRICE / 2 + amount % PRICE), 0, uint40(clock + 600));
    }

    function _setPolicy(uint256 slash) private {
        Policy memory policy = _initialPolicy();
        policy.slash = uint128(slash % 0.5 ether);
        allocator.setStandards(policy.challengeSeconds, policy.responseSeconds, policy.minimumBond, policy.slash);
        ++decisions;
    }

    function _backfill(ComputationId id) private {
        ComputationId[] memory ahead = _aheadOf(id);
        vm.prank(KEEPER);
        allocator.backfill(id, ahead);
        ++decisions;
        if (ahead.length != 0) ++backfilled;
    }

    /// @dev Those that wait in earlier buckets, by ascending id.
    function _aheadOf(ComputationId id) private view returns (ComputationId[] memory ahead) {
        uint64 count = allocator.computationCount();
        ahead = new ComputationId[](count);
        uint256 length;
        uint256 bucket = _bucketOf(id);
        for (uint64 i = 1; i <= count; ++i) {
            ComputationId other = ComputationId.wrap(i);
            if (_isWaiting(other) && _bucketOf(other) < bucket) ahead[length++] = other;
        }
        assembly ("memory-safe") {
            mstore(ahead, length)
        }
    }

    function _isWaiting(ComputationId id) private view returns (bool) {
        Computation memory c = records.computationOf(id);
        return c.status == ComputationStatus.Queued && c.tried == 0;
    }

    function _isDue(ComputationId id) private view returns (bool) {
        (uint48 first,,) = allocator.queueOf(NOISE_CLASS);
        return !_isWaiting(id) || _bucketOf(id) == first;
    }

    /// @dev Some queued computation whose turn it is, or any when there is none.
    function _pickDue(uint256 seed) private view returns (ComputationId id) {
        uint256 count = allocator.computationCount();
        for (uint256 i; i < count; ++i) {
            id = ComputationId.wrap(uint64(1 + (seed % count + i) % count));
            if (_statusOf(id) == ComputationStatus.Queued && _isDue(id)) return id;
        }
    }

    /// @dev Some computation in `status`, or any when there is none, which then refuses what is tried.
    function _pick(uint256 seed, ComputationStatus status) private view returns (ComputationId id) {
        uint256 count = allocator.computationCount();
        for (uint256 i; i < count; ++i) {
            id = ComputationId.wrap(uint64(1 + (seed % count + i) % count));
            if (_statusOf(id) == status) return id;
        }
    }
}
