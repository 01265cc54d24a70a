// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Assignment, AssignmentLifecycle, AssignmentStatus} from "../lifecycle/Assignment.sol";
import {ComputationId} from "../lifecycle/Computation.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";

/// @title The panel: every processor that a computation has been given, in the order drawn
/// @notice Seats are never reused: a replacement takes the next one. `fates` name how each seat's assignment ends,
/// by index; Unset leaves it as it is.
library Panel {
    struct Seats {
        mapping(uint256 index => Assignment) assignments;
    }

    /// @notice Seats drawn processors from `firstIndex` on.
    function seat(
        Seats storage self,
        ComputationId id,
        uint256 firstIndex,
        ProcessorId[] memory processors,
        uint24[] memory organisations
    ) internal {
        for (uint256 i; i < processors.length; ++i) {
            Assignment storage a = self.assignments[firstIndex + i];
            a.advance(id, firstIndex + i, AssignmentStatus.Assigned);
            a.processor = processors[i];
            a.organisation = organisations[i];
        }
    }

    /// @notice Ends one assignment.
    function end(Seats storage self, ComputationId id, uint256 index, AssignmentStatus fate)
        internal
        returns (ProcessorId)
    {
        Assignment storage a = self.assignments[index];
        a.advance(id, index, fate);
        return a.processor;
    }

    /// @notice Who cannot be drawn again.
    /// @return processors All that have been tried. @return organisations Of those on duty; 0 elsewhere.
    function taken(Seats storage self, uint256 tried)
        internal
        view
        returns (ProcessorId[] memory processors, uint24[] memory organisations)
    {
        processors = new ProcessorId[](tried);
        organisations = new uint24[](tried);
        for (uint256 i; i < tried; ++i) {
            Assignment storage a = self.assignments[i];
            processors[i] = a.processor;
            if (AssignmentLifecycle.isOnDuty(a.status)) organisations[i] = a.organisation;
        }
    }

    /// @notice Binds those who have revealed to the same answers for another round.
    /// @param commitments By index; 0 for those who are not on duty.
    /// @return bound How many.
    function rebind(Seats storage self, ComputationId id, bytes24[] calldata commitments)
        internal
        returns (uint8 bound)
    {
        for (uint256 i; i < commitments.length; ++i) {
            if (commitments[i] == 0) continue;
            Assignment storage a = self.assignments[i];
            a.advance(id, i, AssignmentStatus.Committed);
            a.digest = commitments[i];
            ++bound;
        }
    }

    /// @notice How many of the first `tried` assignments are in `status`.
    function count(Seats storage self, uint256 tried, AssignmentStatus status) internal view returns (uint256 found) {
        for (uint256 i; i < tried; ++i) {
            if (wordOf(self, i) >> 248 == bytes32(uint256(status))) ++found;
        }
    }

    /// @notice How assignments end that are now in the statuses named; the others have no fate.
    function fatesOf(
        Seats storage self,
        uint256 tried,
        AssignmentStatus ifAssigned,
        AssignmentStatus ifCommitted,
        AssignmentStatus ifRevealed
    ) internal view returns (AssignmentStatus[] memory fates) {
        fates = new AssignmentStatus[](tried);
        for (uint256 i; i < tried; ++i) {
            AssignmentStatus status = self.assignments[i].status;
            if (status == AssignmentStatus.Assigned) fates[i] = ifAssigned;
            else if (status == AssignmentStatus.Committed) fates[i] = ifCommitted;
            else if (status == AssignmentStatus.Revealed) fates[i] = ifRevealed;
        }
    }

    /// @notice The storage word of an assignment.
    function wordOf(Seats storage self, uint256 index) internal view returns (bytes32 word) {
        Assignment storage a = self.assignments[index];
        assembly ("memory-safe") {
            word := sload(a.slot)
        }
    }
}
