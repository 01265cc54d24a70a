// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Assignment, AssignmentLifecycle, AssignmentStatus} from "../lifecycle/Assignment.sol";
import {Computation, ComputationId} from "../lifecycle/Computation.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";

/// @title The panel: every processor that a computation has been given, in the order drawn
/// @notice Seats are never reused: a replacement takes the next one. `fates` name how each seat's assignment ends,
/// by index; Unset leaves it as it is.
/// @dev A draw writes processor ids alone, the first three into the computation's own record: an assignment gets its
/// slot when its processor commits, or it ends. Until then it reads as Assigned; or as Committed, without a digest, once
/// its processor has bound it by a bundle, whose root the verifier keeps. Then it gets its slot when it is revealed.
library Panel {
    uint256 private constant IN_RECORD = 3;

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

    /// @notice Moves an assignment to `to` and keeps `digest` of it.
    /// @return processor Whose it is. @return was The digest kept until then.
    function move(
        Seats storage self,
        Computation storage c,
        ComputationId id,
        uint256 index,
        AssignmentStatus to,
        bytes24 digest
    ) internal returns (ProcessorId processor, bytes24 was) {
        AssignmentStatus status;
        (status, processor, was) = _read(self, c, index);
        self.assignments[index].rewrite(id, index, status, to, processor, digest);
    }

    /// @notice Ends one assignment.
    function end(Seats storage self, Computation storage c, ComputationId id, uint256 index, AssignmentStatus fate)
        internal
        returns (ProcessorId)
    {
        (AssignmentStatus status, ProcessorId processor, bytes24 digest) = _read(self, c, index);
        self.assignments[index].rewrite(id, index, status, fate, processor, digest);
        return processor;
    }

    /// @notice Whether a commit of assignment `index` is due, and of `processor`.
    function isDue(Seats storage self, Computation storage c, uint256 index, ProcessorId processor)
        internal
        view
        returns (bool)
    {
        return index < c.tried && !_isBound(c, index) && self.assignments[index].status == AssignmentStatus.Unset
            && ProcessorId.unwrap(processorOf(self, c, index)) == ProcessorId.unwrap(processor);
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
    /// @return bound Their bits.
    function rebind(Seats storage self, ComputationId id, bytes24[] calldata commitments)
        internal
        returns (uint32 bound)
    {
        for (uint256 i; i < commitments.length; ++i) {
            if (commitments[i] == 0) continue;
            Assignment storage a = self.assignments[i];
            a.advance(id, i, AssignmentStatus.Committed);
            a.digest = commitments[i];
            bound |= uint32(1 << i);
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
            AssignmentStatus status = _isBound(c, index) ? AssignmentStatus.Committed : AssignmentStatus.Assigned;
            uint256 processor = ProcessorId.unwrap(processorOf(self, c, index));
            word = bytes32(uint256(status) << 224 | processor << 192);
        }
    }

    function _read(Seats storage self, Computation storage c, uint256 index)
        private
        view
        returns (AssignmentStatus status, ProcessorId processor, bytes24 digest)
    {
        uint256 word = uint256(wordOf(self, c, index));
        return (AssignmentStatus(uint8(word >> 224)), ProcessorId.wrap(uint32(word >> 192)), bytes24(uint192(word)));
    }

    function _isBound(Computation storage c, uint256 index) private view returns (bool) {
        return c.commits & (1 << index) != 0;
    }
}
