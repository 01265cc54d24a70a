// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {
    AssignmentStatus, UnexpectedAssignmentStatus
} from "../../contracts/lifecycle/Assignment.sol";
import {ChallengeId, ChallengeStatus, UnexpectedChallengeStatus} from "../../contracts/lifecycle/Challenge.sol";
import {
    ComputationId, ComputationStatus, UnexpectedComputationStatus
} from "../../contracts/lifecycle/Computation.sol";
import {DisputeId, DisputeStatus, UnexpectedDisputeStatus} from "../../contracts/lifecycle/Dispute.sol";
import {ProcessorId, ProcessorStatus, UnexpectedProcessorStatus} from "../../contracts/lifecycle/Processor.sol";
import {
    ReservationId, ReservationStatus, UnexpectedReservationStatus
} from "../../contracts/lifecycle/Reservation.sol";
import {AssignmentLifecycleHarness} from "../../contracts/test/AssignmentLifecycleHarness.sol";
import {ChallengeLifecycleHarness} from "../../contracts/test/ChallengeLifecycleHarness.sol";
import {ComputationLifecycleHarness} from "../../contracts/test/ComputationLifecycleHarness.sol";
import {DisputeLifecycleHarness} from "../../contracts/test/DisputeLifecycleHarness.sol";
import {ProcessorLifecycleHarness} from "../../contracts/test/ProcessorLifecycleHarness.sol";
import {ReservationLifecycleHarness} from "../../contracts/test/ReservationLifecycleHarness.sol";
import {vm} from "./Vm.sol";

/// @notice Every pair of statuses of every lifecycle: the edges listed here pass, all others revert and say what
/// was expected. The lists are written out, so that an edge added to a library by mistake fails here.
contract LifecycleTest {
    ComputationLifecycleHarness private _computation = new ComputationLifecycleHarness();
    AssignmentLifecycleHarness private _assignment = new AssignmentLifecycleHarness();
    ProcessorLifecycleHarness private _processor = new ProcessorLifecycleHarness();
    DisputeLifecycleHarness private _dispute = new DisputeLifecycleHarness();
    ChallengeLifecycleHarness private _challenge = new ChallengeLifecycleHarness();
    ReservationLifecycleHarness private _reservation = new ReservationLifecycleHarness();

    /// @dev Bit (16 from + to) is set for an edge.
    uint256 private _edges;

    function test_computation_moves_along_listed_edges_only() external {
        _computationEdge(ComputationStatus.Unset, ComputationStatus.Queued);
        _computationEdge(ComputationStatus.Queued, ComputationStatus.Allocated);
        _computationEdge(ComputationStatus.Queued, ComputationStatus.Failed);
        _computationEdge(ComputationStatus.Queued, ComputationStatus.Cancelled);
        _computationEdge(ComputationStatus.Allocated, ComputationStatus.Queued);
        _computationEdge(ComputationStatus.Allocated, ComputationStatus.Committed);
        _computationEdge(ComputationStatus.Allocated, ComputationStatus.Failed);
        _computationEdge(ComputationStatus.Committed, ComputationStatus.Revealing);
        _computationEdge(ComputationStatus.Revealing, ComputationStatus.Queued);
        _computationEdge(ComputationStatus.Revealing, ComputationStatus.Accepted);
        _computationEdge(ComputationStatus.Revealing, ComputationStatus.Rejected);
        _computationEdge(ComputationStatus.Revealing, ComputationStatus.Inconclusive);
        _computationEdge(ComputationStatus.Revealing, ComputationStatus.Failed);
        _computationEdge(ComputationStatus.Revealing, ComputationStatus.Unverified);
        _computationEdge(ComputationStatus.Accepted, ComputationStatus.Overturned);
        _computationEdge(ComputationStatus.Unverified, ComputationStatus.Overturned);
        uint8 last = uint8(type(ComputationStatus).max);
        for (uint8 from; from <= last; ++from) {
            for (uint8 to; to <= last; ++to) {
                _tryComputation(ComputationStatus(from), ComputationStatus(to));
            }
        }
    }

    function test_assignment_moves_along_listed_edges_only() external {
        _assignmentEdge(AssignmentStatus.Unset, AssignmentStatus.Assigned);
        _assignmentEdge(AssignmentStatus.Assigned, AssignmentStatus.Committed);
        _assignmentEdge(AssignmentStatus.Assigned, AssignmentStatus.Released);
        _assignmentEdge(AssignmentStatus.Assigned, AssignmentStatus.Refused);
        _assignmentEdge(AssignmentStatus.Assigned, AssignmentStatus.Silent);
        _assignmentEdge(AssignmentStatus.Committed, AssignmentStatus.Revealed);
        _assignmentEdge(AssignmentStatus.Committed, AssignmentStatus.Released);
        _assignmentEdge(AssignmentStatus.Committed, AssignmentStatus.Silent);
        _assignmentEdge(AssignmentStatus.Revealed, AssignmentStatus.Accepted);
        _assignmentEdge(AssignmentStatus.Revealed, AssignmentStatus.Outlier);
        _assignmentEdge(AssignmentStatus.Revealed, AssignmentStatus.Released);
        _assignmentEdge(AssignmentStatus.Revealed, AssignmentStatus.Committed);
        _assignmentEdge(AssignmentStatus.Revealed, AssignmentStatus.GoldFailed);
        _assignmentEdge(AssignmentStatus.Revealed, AssignmentStatus.TrapFailed);
        _assignmentEdge(AssignmentStatus.Accepted, AssignmentStatus.Disproven);
        _assignmentEdge(AssignmentStatus.Released, AssignmentStatus.Disproven);
        _assignmentEdge(AssignmentStatus.Outlier, AssignmentStatus.Vindicated);
        _assignmentEdge(AssignmentStatus.GoldFailed, AssignmentStatus.Vindicated);
        _assignmentEdge(AssignmentStatus.TrapFailed, AssignmentStatus.Vindicated);
        _assignmentEdge(AssignmentStatus.Assigned, AssignmentStatus.Excused);
        _assignmentEdge(AssignmentStatus.Refused, AssignmentStatus.Excused);
        uint8 last = uint8(type(AssignmentStatus).max);
        for (uint8 from; from <= last; ++from) {
            for (uint8 to; to <= last; ++to) {
                _tryAssignment(AssignmentStatus(from), AssignmentStatus(to));
            }
        }
    }

    function test_processor_moves_along_listed_edges_only() external {
        _processorEdge(ProcessorStatus.Unset, ProcessorStatus.Applied);
        _processorEdge(ProcessorStatus.Applied, ProcessorStatus.Certified);
        _processorEdge(ProcessorStatus.Applied, ProcessorStatus.Retired);
        _processorEdge(ProcessorStatus.Certified, ProcessorStatus.Suspended);
        _processorEdge(ProcessorStatus.Certified, ProcessorStatus.Retired);
        _processorEdge(ProcessorStatus.Suspended, ProcessorStatus.Certified);
        _processorEdge(ProcessorStatus.Suspended, ProcessorStatus.Retired);
        uint8 last = uint8(type(ProcessorStatus).max);
        for (uint8 from; from <= last; ++from) {
            for (uint8 to; to <= last; ++to) {
                _tryProcessor(ProcessorStatus(from), ProcessorStatus(to));
            }
        }
    }

    function test_dispute_moves_along_listed_edges_only() external {
        _edge(uint8(DisputeStatus.Unset), uint8(DisputeStatus.Open));
        _edge(uint8(DisputeStatus.Open), uint8(DisputeStatus.Upheld));
        _edge(uint8(DisputeStatus.Open), uint8(DisputeStatus.Dismissed));
        _edge(uint8(DisputeStatus.Open), uint8(DisputeStatus.Lapsed));
        uint8 last = uint8(type(DisputeStatus).max);
        for (uint8 from; from <= last; ++from) {
            for (uint8 to; to <= last; ++to) {
                _tryDispute(DisputeStatus(from), DisputeStatus(to));
            }
        }
    }

    function test_challenge_moves_along_listed_edges_only() external {
        _edge(uint8(ChallengeStatus.Unset), uint8(ChallengeStatus.Open));
        _edge(uint8(ChallengeStatus.Open), uint8(ChallengeStatus.Answered));
        _edge(uint8(ChallengeStatus.Open), uint8(ChallengeStatus.Refuted));
        _edge(uint8(ChallengeStatus.Open), uint8(ChallengeStatus.Defaulted));
        _edge(uint8(ChallengeStatus.Open), uint8(ChallengeStatus.Dropped));
        uint8 last = uint8(type(ChallengeStatus).max);
        for (uint8 from; from <= last; ++from) {
            for (uint8 to; to <= last; ++to) {
                _tryChallenge(ChallengeStatus(from), ChallengeStatus(to));
            }
        }
    }

    function test_reservation_moves_along_listed_edges_only() external {
        _edge(uint8(ReservationStatus.Unset), uint8(ReservationStatus.Granted));
        _edge(uint8(ReservationStatus.Granted), uint8(ReservationStatus.Prepared));
        _edge(uint8(ReservationStatus.Granted), uint8(ReservationStatus.Cancelled));
        _edge(uint8(ReservationStatus.Granted), uint8(ReservationStatus.Lapsed));
        _edge(uint8(ReservationStatus.Prepared), uint8(ReservationStatus.Active));
        _edge(uint8(ReservationStatus.Prepared), uint8(ReservationStatus.Lapsed));
        _edge(uint8(ReservationStatus.Active), uint8(ReservationStatus.Ended));
        uint8 last = uint8(type(ReservationStatus).max);
        for (uint8 from; from <= last; ++from) {
            for (uint8 to; to <= last; ++to) {
                _tryReservation(ReservationStatus(from), ReservationStatus(to));
            }
        }
    }

    function _tryComputation(ComputationStatus from, ComputationStatus to) private {
        ComputationId id = ComputationId.wrap(5);
        if (_isEdge(uint8(from), uint8(to))) {
            require(_computation.advance(id, from, to) == to, "an edge leads elsewhere");
            return;
        }
        uint256 allowed = _sourcesOf(uint8(to));
        vm.expectRevert(abi.encodeWithSelector(UnexpectedComputationStatus.selector, id, from, allowed));
        _computation.advance(id, from, to);
    }

    function _tryAssignment(AssignmentStatus from, AssignmentStatus to) private {
        ComputationId id = ComputationId.wrap(5);
        if (_isEdge(uint8(from), uint8(to))) {
            require(_assignment.advance(id, 3, from, to) == to, "an edge leads elsewhere");
            return;
        }
        uint256 allowed = _sourcesOf(uint8(to));
        vm.expectRevert(abi.encodeWithSelector(UnexpectedAssignmentStatus.selector, id, 3, from, allowed));
        _assignment.advance(id, 3, from, to);
    }

    function _tryProcessor(ProcessorStatus from, ProcessorStatus to) private {
        ProcessorId id = ProcessorId.wrap(5);
        if (_isEdge(uint8(from), uint8(to))) {
            require(_processor.advance(id, from, to) == to, "an edge leads elsewhere");
            return;
        }
        uint256 allowed = _sourcesOf(uint8(to));
        vm.expectRevert(abi.encodeWithSelector(UnexpectedProcessorStatus.selector, id, from, allowed));
        _processor.advance(id, from, to);
    }

    function _tryDispute(DisputeStatus from, DisputeStatus to) private {
        DisputeId id = DisputeId.wrap(5);
        if (_isEdge(uint8(from), uint8(to))) {
            require(_dispute.advance(id, from, to) == to, "an edge leads elsewhere");
            return;
        }
        uint256 allowed = _sourcesOf(uint8(to));
        vm.expectRevert(abi.encodeWithSelector(UnexpectedDisputeStatus.selector, id, from, allowed));
        _dispute.advance(id, from, to);
    }

    function _tryChallenge(ChallengeStatus from, ChallengeStatus to) private {
        ChallengeId id = ChallengeId.wrap(5);
        if (_isEdge(uint8(from), uint8(to))) {
            require(_challenge.advance(id, from, to) == to, "an edge leads elsewhere");
            return;
        }
        uint256 allowed = _sourcesOf(uint8(to));
        vm.expectRevert(abi.encodeWithSelector(UnexpectedChallengeStatus.selector, id, from, allowed));
        _challenge.advance(id, from, to);
    }

    function _tryReservation(ReservationStatus from, ReservationStatus to) private {
        ReservationId id = ReservationId.wrap(5);
        if (_isEdge(uint8(from), uint8(to))) {
            require(_reservation.advance(id, from, to) == to, "an edge leads elsewhere");
            return;
        }
        uint256 allowed = _sourcesOf(uint8(to));
        vm.expectRevert(abi.encodeWithSelector(UnexpectedReservationStatus.selector, id, from, allowed));
        _reservation.advance(id, from, to);
    }

    function _computationEdge(ComputationStatus from, ComputationStatus to) private {
        _edge(uint8(from), uint8(to));
    }

    function _assignmentEdge(AssignmentStatus from, AssignmentStatus to) private {
        _edge(uint8(from), uint8(to));
    }

    function _processorEdge(ProcessorStatus from, ProcessorStatus to) private {
        _edge(uint8(from), uint8(to));
    }

    function _edge(uint256 from, uint256 to) private {
        _edges |= 1 << (16 * from + to);
    }

    function _isEdge(uint256 from, uint256 to) private view returns (bool) {
        return _edges & (1 << (16 * from + to)) != 0;
    }

    function _sourcesOf(uint256 to) private view returns (uint256 sources) {
        for (uint256 from; from < 16; ++from) {
            if (_isEdge(from, to)) sources |= 1 << from;
        }
    }
}
