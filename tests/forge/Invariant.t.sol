// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AuditTrail} from "../../contracts/AuditTrail.sol";
import {ComputationAllocator} from "../../contracts/ComputationAllocator.sol";
import {ProcessorRegistry} from "../../contracts/ProcessorRegistry.sol";
import {Assignment, AssignmentLifecycle, AssignmentStatus} from "../../contracts/lifecycle/Assignment.sol";
import {Computation, ComputationId, ComputationStatus} from "../../contracts/lifecycle/Computation.sol";
import {ProcessorId, Standing} from "../../contracts/lifecycle/Processor.sol";
import {Handler} from "./Handler.sol";

/// @notice What holds after every transaction, whoever did what before.
contract InvariantTest {
    Handler private _handler;
    ComputationAllocator private _allocator;
    ProcessorRegistry private _registry;
    AuditTrail private _auditTrail;

    function setUp() external {
        _handler = new Handler();
        (address allocator, address registry, address auditTrail) = _handler.suite();
        (_allocator, _registry) = (ComputationAllocator(allocator), ProcessorRegistry(registry));
        _auditTrail = AuditTrail(auditTrail);
    }

    /// @dev Read by Foundry: calls go to the handler alone.
    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(_handler);
    }

    /// @dev One campaign for all: each check costs far less than the calls between them.
    function invariant_books_leases_counters_queue_and_trail_agree() external view {
        _availableLockedAndTreasuryAreTheBalance();
        _lockedMoneyIsEscrowAndBonds();
        _leasesAreThoseOfAssignmentsOnDuty();
        _countersAreThoseOfTheAssignments();
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
        for (uint256 i; i < 7; ++i) {
            _handler.pass(79);
        }
        _handler.submit(0, 0);
        for (uint256 i; i < 7; ++i) {
            _handler.pass(79);
        }
        _handler.expire(4, 0);
        require(_handler.settled() == 1, "no verdict was reached");
        require(_handler.reallocated() == 1, "nothing was reallocated");
        require(_handler.expired() == 1, "nothing expired");
        this.invariant_books_leases_counters_queue_and_trail_agree();
    }

    function _availableLockedAndTreasuryAreTheBalance() private view {
        require(_handler.booked() == address(_allocator).balance, "the books do not balance");
    }

    function _lockedMoneyIsEscrowAndBonds() private view {
        uint256 total;
        for (uint64 i = 1; i <= _allocator.computationCount(); ++i) {
            total += _allocator.computationOf(ComputationId.wrap(i)).escrow;
        }
        for (uint32 i = 1; i <= _handler.PROCESSORS(); ++i) {
            total += _allocator.bondOf(ProcessorId.wrap(i));
        }
        require(_handler.lockedInAll() == total, "money is locked behind nothing, or not locked");
    }

    function _leasesAreThoseOfAssignmentsOnDuty() private view {
        uint256[] memory leased = new uint256[](_handler.PROCESSORS() + 1);
        for (uint64 i = 1; i <= _allocator.computationCount(); ++i) {
            uint256 qubits = _allocator.computationOf(ComputationId.wrap(i)).qubits;
            Assignment[] memory assignments = _allocator.assignmentsOf(ComputationId.wrap(i));
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
            Computation memory c = _allocator.computationOf(ComputationId.wrap(i));
            Assignment[] memory assignments = _allocator.assignmentsOf(ComputationId.wrap(i));
            require(c.tried == assignments.length && c.tried <= _allocator.MAX_ASSIGNMENTS(), "wrong tried");
            uint256[9] memory count;
            for (uint256 j; j < assignments.length; ++j) {
                ++count[uint8(assignments[j].status)];
                require(ProcessorId.unwrap(assignments[j].processor) != 0, "a seat without a processor");
            }
            uint256 committed = count[uint8(AssignmentStatus.Committed)];
            uint256 revealed = count[uint8(AssignmentStatus.Revealed)];
            require(c.active == count[uint8(AssignmentStatus.Assigned)] + committed + revealed, "wrong active");
            if (_isEnded(c.status)) {
                require(c.active == 0 && c.escrow == 0, "an ended computation holds processors or money");
            } else {
                require(c.committed == committed + revealed, "wrong committed");
                require(c.revealed == revealed, "wrong revealed");
                require(c.escrow != 0, "a running computation without money");
            }
        }
    }

    function _noProcessorIsDrawnTwice() private view {
        for (uint64 i = 1; i <= _allocator.computationCount(); ++i) {
            Assignment[] memory assignments = _allocator.assignmentsOf(ComputationId.wrap(i));
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
        uint8 noiseClass = 1;
        for (uint64 i = 1; i <= _allocator.computationCount(); ++i) {
            if (_allocator.computationOf(ComputationId.wrap(i)).status == ComputationStatus.Queued) ++expected;
        }
        ComputationId[] memory waiting = _allocator.queueOf(noiseClass, 1000);
        require(waiting.length == expected, "an entry is missing or doubled");
        for (uint256 i; i < waiting.length; ++i) {
            require(_allocator.computationOf(waiting[i]).status == ComputationStatus.Queued, "a stale entry");
        }
    }

    function _theTrailHoldsEveryDecision() private view {
        (, uint64 size) = _auditTrail.head();
        require(size == _handler.decisions(), "a decision is missing or doubled");
    }

    function _isEnded(ComputationStatus status) private pure returns (bool) {
        return uint8(status) >= uint8(ComputationStatus.Accepted);
    }
}
