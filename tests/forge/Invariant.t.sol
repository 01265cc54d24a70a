// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AuditTrail} from "../../contracts/AuditTrail.sol";
import {Bonds} from "../../contracts/Bonds.sol";
import {ComputationAllocator} from "../../contracts/ComputationAllocator.sol";
import {Disputes} from "../../contracts/Disputes.sol";
import {ProcessorRegistry} from "../../contracts/ProcessorRegistry.sol";
import {Records} from "../../contracts/Records.sol";
import {onesIn} from "../../contracts/libraries/Bits.sol";
import {Assignment, AssignmentLifecycle, AssignmentStatus} from "../../contracts/lifecycle/Assignment.sol";
import {
    Computation,
    ComputationId,
    ComputationLifecycle,
    ComputationStatus,
    MAX_ASSIGNMENTS,
    MAX_ATTEMPTS
} from "../../contracts/lifecycle/Computation.sol";
import {Dispute, DisputeId, DisputeKind, DisputeStatus} from "../../contracts/lifecycle/Dispute.sol";
import {ProcessorId, ProcessorStatus, Standing} from "../../contracts/lifecycle/Processor.sol";
import {Handler} from "./Handler.sol";

/// @notice What holds after every transaction, whoever did what before.
contract InvariantTest {
    Handler private _handler;
    ComputationAllocator private _allocator;
    Records private _records;
    ProcessorRegistry private _registry;
    Bonds private _bonds;
    Disputes private _disputes;
    AuditTrail private _auditTrail;

    function setUp() external {
        _handler = new Handler();
        (_allocator, _records, _registry, _bonds, _disputes, _auditTrail) = _handler.parts();
    }

    /// @dev Read by Foundry: calls go to the handler alone.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @dev One campaign for all: each check costs far less than the calls between them.
    function invariant_books_leases_counters_queue_and_trail_agree() external view {
        _availableLockedAndTreasuryAreTheBalance();
        _lockedMoneyIsEscrow();
        _bondsAreTheirCoinAndWhatLetsThemBeDrawn();
        _disputesHoldTheBondsOfOpenOnes();
        _leasesAreThoseOfAssignmentsOnDuty();
        _theIndexHoldsExactlyThoseThatCanWork();
        _countersAreThoseOfTheAssignments();
        _verdictsHaveTheirQuorum();
        _noProcessorIsDrawnTwice();
        _theQueueHoldsExactlyThoseThatWait();
        _theTrailHoldsEveryDecision();
    }

    /// @dev The rarer ends are within the handler's reach, each in a few calls.
    function test_handler_reaches_every_end() external {
        for (uint256 i; i < 4; ++i) {
            _handler.proceed(0);
        }
        _handler.allocate(1);
        _handler.reallocate(1, 121);
        _passes(7);
        _handler.submit(0, 0, 0);
        _passes(7);
        _handler.expire(4, 0);
        require(_handler.settled() == 1, "no verdict was reached");
        require(_handler.reallocated() == 1, "nothing was reallocated");
        require(_handler.expired() == 1, "nothing expired");
        this.invariant_books_leases_counters_queue_and_trail_agree();
    }

    function test_handler_reaches_escalations_both_ways() external {
        // Those that wait are not in the way.
        for (uint256 i; i < 4; ++i) {
            _handler.proceed(i);
        }
        for (uint256 kind; kind < 2; ++kind) {
            _handler.submit(0, 1, 0);
            uint256 seed = 4 + kind;
            for (uint256 i; i < 3; ++i) {
                _handler.proceed(seed);
            }
            _handler.quarrel(kind);
            require(_handler.escalated() == kind + 1, "nothing escalated");
            this.invariant_books_leases_counters_queue_and_trail_agree();
            // With honest ones joining, the split is decided; among noise they are outvoted.
            for (uint256 i; i < 4; ++i) {
                _handler.proceed(seed);
            }
            require(_handler.settled() == kind + 1, "an escalated computation has no verdict");
            this.invariant_books_leases_counters_queue_and_trail_agree();
        }
    }

    function test_handler_reaches_every_move_in_the_queue() external {
        // The fourth waits in the third bucket.
        _handler.backfill(3);
        require(_handler.backfilled() == 1, "nothing passed another");
        this.invariant_books_leases_counters_queue_and_trail_agree();
        _handler.submitMany(1, 0);
        _handler.exchange(4, 2);
        require(_handler.exchanged() == 1, "nothing was exchanged");
        this.invariant_books_leases_counters_queue_and_trail_agree();
        for (uint256 i; i < 2; ++i) {
            _handler.proceed(i);
            _handler.proceed(4 - 2 * i);
        }
        _handler.proceed(5);
        // Of seven processors three are out, and five are asked for.
        for (uint256 i; i < 3; ++i) {
            _handler.suspend(i);
        }
        _handler.submit(2, 0, 0);
        _handler.defer(6, 241);
        require(_handler.deferred() == 1, "nothing was sent back");
        this.invariant_books_leases_counters_queue_and_trail_agree();
    }

    function test_handler_reaches_every_end_of_bonds_and_disputes() external {
        for (uint256 i; i < 4; ++i) {
            _handler.proceed(0);
        }
        _handler.dispute(0, 0);
        _handler.dispute(0, 1);
        _handler.dispute(0, 2);
        this.invariant_books_leases_counters_queue_and_trail_agree();
        _handler.rule(0, true);
        _handler.rule(0, false);
        this.invariant_books_leases_counters_queue_and_trail_agree();
        _handler.beginUnbonding(0);
        _handler.lapse(0, 0);
        _handler.unbond(0, 0);
        require(_handler.upheld() == 1 && _handler.dismissed() == 1, "not ruled both ways");
        require(_handler.lapsed() == 1, "no dispute lapsed");
        require(_handler.unbonded() == 1, "no bond left");
        this.invariant_books_leases_counters_queue_and_trail_agree();
    }

    function _passes(uint256 times) private {
        for (uint256 i; i < times; ++i) {
            _handler.pass(79);
        }
    }

    function _availableLockedAndTreasuryAreTheBalance() private view {
        require(_handler.booked() == address(_allocator).balance, "the books do not balance");
    }

    function _lockedMoneyIsEscrow() private view {
        uint256 total;
        for (uint64 i = 1; i <= _allocator.computationCount(); ++i) {
            Computation memory c = _records.computationOf(ComputationId.wrap(i));
            // After a verdict the field tells what was earned.
            if (!_isEnded(c.status)) total += c.escrow;
        }
        require(_handler.lockedInAll() == total, "money is locked behind nothing, or not locked");
    }

    function _bondsAreTheirCoinAndWhatLetsThemBeDrawn() private view {
        uint256[] memory cases = _openCases();
        uint256 total;
        for (uint32 i = 1; i < cases.length; ++i) {
            ProcessorId processor = ProcessorId.wrap(i);
            uint256 amount = _bonds.bondOf(processor);
            (uint40 freeAt, uint32 open) = _bonds.unbondingOf(processor);
            bool bonded = freeAt == 0 && amount >= _allocator.policy().minimumBond;
            require(_registry.standingOf(processor).bonded == bonded, "a bond and its flag differ");
            require(open == cases[i], "a bond is held for nothing, or free despite a case");
            total += amount;
        }
        require(total == address(_bonds).balance, "the bonds differ from their coin");
    }

    function _disputesHoldTheBondsOfOpenOnes() private view {
        uint256 total;
        for (uint64 i = 1; i <= _disputes.disputeCount(); ++i) {
            Dispute memory d = _disputes.disputeOf(DisputeId.wrap(i));
            if (d.status == DisputeStatus.Open) total += d.bond;
        }
        require(total == address(_disputes).balance, "the disputes' bonds differ from their coin");
    }

    /// @return cases Open ones by processor.
    function _openCases() private view returns (uint256[] memory cases) {
        cases = new uint256[](_handler.PROCESSORS() + 1);
        for (uint64 i = 1; i <= _disputes.disputeCount(); ++i) {
            Dispute memory d = _disputes.disputeOf(DisputeId.wrap(i));
            if (d.status != DisputeStatus.Open || d.kind != DisputeKind.WrongAnswer) continue;
            (, Assignment memory a) = _records.dutyOf(d.computation, d.index);
            ++cases[ProcessorId.unwrap(a.processor)];
        }
    }

    function _leasesAreThoseOfAssignmentsOnDuty() private view {
        uint256[] memory leased = new uint256[](_handler.PROCESSORS() + 1);
        for (uint64 i = 1; i <= _allocator.computationCount(); ++i) {
            uint256 qubits = _records.computationOf(ComputationId.wrap(i)).qubits;
            Assignment[] memory assignments = _records.assignmentsOf(ComputationId.wrap(i));
            for (uint256 j; j < assignments.length; ++j) {
                if (!AssignmentLifecycle.isOnDuty(assignments[j].status)) continue;
                leased[ProcessorId.unwrap(assignments[j].processor)] += qubits;
            }
        }
        for (uint32 i = 1; i < leased.length; ++i) {
            Standing memory standing = _registry.standingOf(ProcessorId.wrap(i));
            require(standing.leasedQubits == leased[i], "a lease without an assignment, or the reverse");
            require(standing.leasedQubits <= standing.qubits, "more qubits leased than there are");
        }
    }

    function _countersAreThoseOfTheAssignments() private view {
        for (uint64 i = 1; i <= _allocator.computationCount(); ++i) {
            Computation memory c = _records.computationOf(ComputationId.wrap(i));
            Assignment[] memory assignments = _records.assignmentsOf(ComputationId.wrap(i));
            require(c.tried == assignments.length && c.tried <= MAX_ASSIGNMENTS, "wrong tried");
            require(c.attempt <= MAX_ATTEMPTS + 1 && c.replicas <= c.replicaCap, "more rounds or replicas than may be");
            uint256[] memory count = _countsOf(assignments);
            uint256 committed = count[uint8(AssignmentStatus.Committed)];
            uint256 revealed = count[uint8(AssignmentStatus.Revealed)];
            require(c.active == count[uint8(AssignmentStatus.Assigned)] + committed + revealed, "wrong active");
            if (_isEnded(c.status)) {
                require(c.active == 0, "an ended computation holds processors");
                bool paid = ComputationLifecycle.isVerdict(c.status) && c.status != ComputationStatus.Rejected;
                require((c.escrow != 0) == paid, "what was earned is not told, or money is left");
            } else {
                require(onesIn(c.commits) == committed + revealed, "wrong commits");
                require(c.revealed == revealed, "wrong revealed");
                require(c.escrow != 0, "a running computation without money");
            }
        }
    }

    function _verdictsHaveTheirQuorum() private view {
        for (uint64 i = 1; i <= _allocator.computationCount(); ++i) {
            Computation memory c = _records.computationOf(ComputationId.wrap(i));
            uint256[] memory count = _countsOf(_records.assignmentsOf(ComputationId.wrap(i)));
            uint256 accepted = count[uint8(AssignmentStatus.Accepted)];
            bool quorate = accepted >= c.replicas / 2 + 1;
            if (c.status == ComputationStatus.Accepted) {
                require(quorate, "an accepted answer without a quorum");
            } else if (c.status == ComputationStatus.Overturned) {
                require(!quorate, "an answer with a quorum was overturned");
                require(count[uint8(AssignmentStatus.Disproven)] != 0, "overturned, but nothing was disproven");
            } else {
                require(accepted == 0, "a replica was accepted, but no answer");
            }
        }
    }

    /// @return count By status.
    function _countsOf(Assignment[] memory assignments) private pure returns (uint256[] memory count) {
        count = new uint256[](uint256(type(AssignmentStatus).max) + 1);
        for (uint256 j; j < assignments.length; ++j) {
            ++count[uint8(assignments[j].status)];
            require(ProcessorId.unwrap(assignments[j].processor) != 0, "a seat without a processor");
        }
    }

    function _noProcessorIsDrawnTwice() private view {
        for (uint64 i = 1; i <= _allocator.computationCount(); ++i) {
            Assignment[] memory assignments = _records.assignmentsOf(ComputationId.wrap(i));
            for (uint256 j; j < assignments.length; ++j) {
                for (uint256 k; k < j; ++k) {
                    require(
                        ProcessorId.unwrap(assignments[j].processor) != ProcessorId.unwrap(assignments[k].processor),
                        "a processor was drawn twice"
                    );
                }
            }
        }
    }

    function _theQueueHoldsExactlyThoseThatWait() private view {
        uint256 expected;
        uint256 inTurn;
        (uint48 first, uint32 waiting,) = _allocator.queueOf(1);
        for (uint64 i = 1; i <= _allocator.computationCount(); ++i) {
            Computation memory c = _records.computationOf(ComputationId.wrap(i));
            if (c.status != ComputationStatus.Queued || c.tried != 0) continue;
            ++expected;
            if (c.place == uint16(first)) ++inTurn;
        }
        require(waiting == expected, "an entry is missing or doubled");
        require(waiting == 0 || inTurn != 0, "nobody is in turn though some wait");
    }

    /// @dev Each in the list of what it has free, at the place that it knows.
    function _theIndexHoldsExactlyThoseThatCanWork() private view {
        uint256 entries;
        uint256 listed;
        for (uint32 i = 1; i <= _handler.PROCESSORS(); ++i) {
            Standing memory standing = _registry.standingOf(ProcessorId.wrap(i));
            uint256 free = standing.qubits - standing.leasedQubits - standing.heldQubits;
            bool able = standing.status == ProcessorStatus.Certified && standing.bonded && !standing.draining;
            // A draw takes out whoever is silent.
            bool heard = standing.lastBeatAt + 2 * _registry.HEARTBEAT_SECONDS() >= block.timestamp;
            if (standing.entry == 0) {
                require(!able || !heard || free == 0, "one that can work is not indexed");
                continue;
            }
            ++entries;
            require(able && free != 0, "one that cannot work is indexed");
            uint256 level = (standing.entry >> 20) - 1;
            require(free >> level == 1, "one is in another list than that of its free qubits");
            ProcessorId[] memory found = _registry.listOf(1, level, standing.entry & 0xfffff, 1);
            require(found.length == 1 && ProcessorId.unwrap(found[0]) == i, "one is not where it is thought to be");
        }
        for (uint256 level; level < 8; ++level) {
            listed += _registry.listOf(1, level, 0, 1000).length;
        }
        require(listed == entries, "an entry is doubled");
    }

    function _theTrailHoldsEveryDecision() private view {
        (, uint64 size) = _auditTrail.head();
        require(size == _handler.decisions(), "a decision is missing or doubled");
    }

    function _isEnded(ComputationStatus status) private pure returns (bool) {
        return uint8(status) >= uint8(ComputationStatus.Accepted);
    }
}
