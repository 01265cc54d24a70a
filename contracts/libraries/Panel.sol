// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Assignment, AssignmentLifecycle, AssignmentStatus} from "../lifecycle/Assignment.sol";
import {Computation, ComputationId} from "../lifecycle/Computation.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";

/// @title The panel: every processor that a computation has been given, in the order drawn
/// @notice Seats are never reused: a replacement takes the next one. `fates` name how each seat's assignment ends,
/// by index; Unset leaves it as it is.
/// @dev A draw writes processor ids alone, the first three into the computation's own record: an assignment gets its
/// slot when its processor commits, or it ends. Until then it reads as Assigned.
library Panel {
    uint256 private constant IN_RECORD = 3;
    uint256 private constant ASSIGNED = uint256(AssignmentStatus.Assigned) << 224;

    struct Seats {
        mapping(uint256 index => Assignment) assignments;
        /// Processors from the fourth on, eight a slot.
        mapping(uint256 word => uint256) others;
    }

    /// @notice Seats drawn processors from `firstIndex` on.
    /// @param inRecord Those of the first three that there are. @return The same with whom joins them.
    function seat(Seats storage self, uint256 inRecord, uint256 firstIndex, ProcessorId[] memory processors)
        internal
        returns (uint96)
    {
        unchecked {
            for (uint256 i; i < processors.length; ++i) {
                uint256 processor = ProcessorId.unwrap(processors[i]);
                uint256 index = firstIndex + i;
                if (index < IN_RECORD) {
                    inRecord |= processor << (32 * index);
                } else {
                    index -= IN_RECORD;
                    self.others[index / 8] |= processor << (32 * (index % 8));
                }
            }
        }
        return uint96(inRecord);
    }

    /// @notice The slot of an assignment, which has one from then on.
    function open(Seats storage self, Computation storage c, ComputationId id, uint256 index)
        internal
        returns (Assignment storage a)
    {
        a = self.assignments[index];
        if (a.status == AssignmentStatus.Unset && index < c.tried) {
            a.advance(id, index, AssignmentStatus.Assigned);
            a.processor = processorOf(self, c, index);
        }
    }

    /// @notice The processor of an assignment.
    function processorOf(Seats storage self, Computation storage c, uint256 index)
        internal
        view
        returns (ProcessorId)
    {
        if (index < IN_RECORD) return ProcessorId.wrap(uint32(c.drawn >> (32 * index)));
        index -= IN_RECORD;
        return ProcessorId.wrap(uint32(self.others[index / 8] >> (32 * (index % 8))));
    }

    /// @notice Ends one assignment.
    function end(Seats storage self, Computation storage c, ComputationId id, uint256 index, AssignmentStatus fate)
        internal
        returns (ProcessorId)
    {
        Assignment storage a = open(self, c, id, index);
        a.advance(id, index, fate);
        return a.processor;
    }

    /// @notice Who cannot be drawn again.
    /// @return processors All that have been tried. @return onDuty Those of them that are still on duty.
    function taken(Seats storage self, Computation storage c, uint256 tried)
        internal
        view
        returns (ProcessorId[] memory processors, ProcessorId[] memory onDuty)
    {
        processors = new ProcessorId[](tried);
        onDuty = new ProcessorId[](tried);
        uint256 present;
        for (uint256 i; i < tried; ++i) {
            processors[i] = processorOf(self, c, i);
            if (AssignmentLifecycle.isOnDuty(statusOf(self, c, i))) onDuty[present++] = processors[i];
        }
        assembly ("memory-safe") {
            mstore(onDuty, present)
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

    /// @notice How many of a computation's assignments are in `status`.
    function count(Seats storage self, Computation storage c, AssignmentStatus status)
        internal
        view
        returns (uint256 found)
    {
        uint256 tried = c.tried;
        for (uint256 i; i < tried; ++i) {
            if (statusOf(self, c, i) == status) ++found;
        }
    }

    /// @notice How assignments end that are now in the statuses named; the others have no fate.
    function fatesOf(
        Seats storage self,
        Computation storage c,
        AssignmentStatus ifAssigned,
        AssignmentStatus ifCommitted,
        AssignmentStatus ifRevealed
    ) internal view returns (AssignmentStatus[] memory fates) {
        fates = new AssignmentStatus[](c.tried);
        for (uint256 i; i < fates.length; ++i) {
            AssignmentStatus status = statusOf(self, c, i);
            if (status == AssignmentStatus.Assigned) fates[i] = ifAssigned;
            else if (status == AssignmentStatus.Committed) fates[i] = ifCommitted;
            else if (status == AssignmentStatus.Revealed) fates[i] = ifRevealed;
        }
    }

    /// @notice The status of an assignment.
    function statusOf(Seats storage self, Computation storage c, uint256 index)
        internal
        view
        returns (AssignmentStatus)
    {
        return AssignmentStatus(uint8(uint256(wordOf(self, c, index)) >> 224));
    }

    /// @notice The word of an assignment: as it is stored, or would be if it had its slot.
    function wordOf(Seats storage self, Computation storage c, uint256 index) internal view returns (bytes32 word) {
        Assignment storage a = self.assignments[index];
        assembly ("memory-safe") {
            word := sload(a.slot)
        }
        if (word == 0 && index < c.tried) {
            word = bytes32(ASSIGNED | (uint256(ProcessorId.unwrap(processorOf(self, c, index))) << 192));
        }
    }
}
