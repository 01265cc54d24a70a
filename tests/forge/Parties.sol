// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Assignment, AssignmentStatus} from "../../contracts/lifecycle/Assignment.sol";
import {ComputationId, ComputationLifecycle, ComputationStatus} from "../../contracts/lifecycle/Computation.sol";
import {DisputeId, DisputeKind, DisputeStatus} from "../../contracts/lifecycle/Dispute.sol";
import {ProcessorId} from "../../contracts/lifecycle/Processor.sol";
import {Suite} from "./Suite.sol";
import {vm} from "./Vm.sol";

/// @notice The half of the handler that is about bonds and disputes, and what both halves choose by.
abstract contract Parties is Suite {
    uint256 public constant PROCESSORS = 7;

    /// Decisions that the audit trail must hold.
    uint256 public decisions;
    uint256 public unbonded;
    uint256 public upheld;
    uint256 public dismissed;
    uint256 public lapsed;

    /// @dev Time passes between transactions only when an action says so.
    modifier atClock() {
        vm.warp(clock);
        _;
    }

    // --- bonds ---

    function bond(uint256 number, uint64 amount) external atClock {
        ProcessorId processor = _processor(number);
        vm.prank(registry.operatorOf(processor));
        bonds.bond{value: amount}(processor);
    }

    function beginUnbonding(uint256 number) external atClock {
        ProcessorId processor = _fickle(number);
        address operator = registry.operatorOf(processor);
        vm.prank(operator);
        bonds.beginUnbonding(processor);
    }

    function unbond(uint256 number, uint16 wait) external atClock {
        _pass(wait % 600);
        ProcessorId processor = _fickle(number);
        address operator = registry.operatorOf(processor);
        vm.prank(operator);
        bonds.unbond(processor);
        ++unbonded;
    }

    // --- disputes ---

    /// @dev Sent with the right bond: what else is refused, the unit tests tell.
    function dispute(uint256 seed, uint256 index) external atClock {
        ComputationId id = _pickVerdict(seed);
        Assignment[] memory assignments = records.assignmentsOf(id);
        index %= assignments.length;
        Assignment memory a = assignments[index];
        bool wrongFault = a.status == AssignmentStatus.Outlier;
        address opener = wrongFault ? registry.operatorOf(a.processor) : KEEPER;
        uint256 amount = allocator.policy().slash;
        vm.prank(opener);
        disputes.open{value: amount}(
            id, index, wrongFault ? DisputeKind.WrongFault : DisputeKind.WrongAnswer, "evidence"
        );
    }

    function rule(uint256 seed, bool isUpheld) external atClock {
        disputes.rule(_pickDispute(seed), isUpheld, "reason");
        // A ruling, and the change of the verdict that follows from it.
        decisions += isUpheld ? 2 : 1;
        if (isUpheld) ++upheld;
        else ++dismissed;
    }

    /// @dev Seldom waits out the council: much else ends with so long a wait.
    function lapse(uint256 seed, uint256 wait) external atClock {
        if (wait % 16 == 0) _pass(disputes.RULING_SECONDS() + 1);
        disputes.lapse(_pickDispute(seed));
        ++lapsed;
    }

    // --- choices ---

    function _pickVerdict(uint256 seed) private view returns (ComputationId id) {
        uint256 count = allocator.computationCount();
        for (uint256 i; i < count; ++i) {
            id = ComputationId.wrap(uint64(1 + (seed % count + i) % count));
            if (ComputationLifecycle.isVerdict(_statusOf(id))) return id;
        }
    }

    function _pickDispute(uint256 seed) private view returns (DisputeId id) {
        uint256 count = disputes.disputeCount();
        for (uint256 i; i < count; ++i) {
            id = DisputeId.wrap(uint64(1 + (seed % count + i) % count));
            if (disputes.disputeOf(id).status == DisputeStatus.Open) return id;
        }
    }

    function _processor(uint256 number) internal pure returns (ProcessorId) {
        return ProcessorId.wrap(uint32(1 + number % PROCESSORS));
    }

    /// @dev Few enough to leave computations that need others a chance.
    function _fickle(uint256 number) internal pure returns (ProcessorId) {
        return _processor(number % 3);
    }

    /// @dev The bucket in which a computation waits: see FairQueue.bucketOf.
    function _bucketOf(ComputationId id) internal view returns (uint256) {
        (uint48 first,,) = allocator.queueOf(NOISE_CLASS);
        uint16 place = records.computationOf(id).place;
        unchecked {
            return uint256(first) + uint16(place - uint16(first));
        }
    }

    function _statusOf(ComputationId id) internal view returns (ComputationStatus) {
        return records.computationOf(id).status;
    }
}
