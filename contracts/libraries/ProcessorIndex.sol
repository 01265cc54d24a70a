// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ProcessorId, Standing} from "../lifecycle/Processor.sol";

/// @title Processors of one noise class, by how many qubits they have free
/// @notice Eight lists: list l has processors with 2^l to 2^(l+1) - 1 qubits free. Whoever needs q looks at the lists from
/// levelOf(q) on, so those that are too full cost nothing, however many they are.
/// @dev Eight entries share a slot. Where a processor's own entry is, its Standing says: `entry` is 0 in no list, otherwise
/// (level + 1) << 20 | place. A list has 2^20 entries at most.
library ProcessorIndex {
    uint256 internal constant LEVELS = 8;
    uint256 private constant PLACE_BITS = 20;
    uint256 private constant PLACE = (1 << PLACE_BITS) - 1;

    struct Index {
        /// Lengths of the lists, 32 bits each, the lowest level's lowest.
        uint256 lengths;
        /// By level << 32 | place >> 3.
        mapping(uint256 key => uint256) words;
    }

    /// @notice A list has as many entries as it can hold.
    error ListFull(uint256 level);

    /// @notice The list for `free` qubits, which are at least 1.
    function levelOf(uint256 free) internal pure returns (uint256) {
        return Math.log2(free);
    }

    /// @notice The level of the list in which an entry is; only for one that is in any.
    function levelIn(uint256 entry) internal pure returns (uint256) {
        unchecked {
            return (entry >> PLACE_BITS) - 1;
        }
    }

    function lengthOf(uint256 lengths, uint256 level) internal pure returns (uint256) {
        return uint32(lengths >> (32 * level));
    }

    /// @notice The processor at a place.
    function processorAt(Index storage self, uint256 level, uint256 place) internal view returns (uint32) {
        return uint32(self.words[(level << 32) | (place >> 3)] >> (32 * (place & 7)));
    }

    /// @notice At most `limit` processors of the list of `level`, in order, from place `first`.
    function page(Index storage self, uint256 level, uint256 first, uint256 limit)
        internal
        view
        returns (ProcessorId[] memory processors)
    {
        uint256 length = lengthOf(self.lengths, level);
        uint256 count = first >= length ? 0 : length - first;
        if (count > limit) count = limit;
        processors = new ProcessorId[](count);
        for (uint256 i; i < count; ++i) {
            processors[i] = ProcessorId.wrap(processorAt(self, level, first + i));
        }
    }

    /// @notice Appends `processor`, which is in no list, to the list of `level`.
    /// @return The new lengths, for the caller to store.
    function push(
        Index storage self,
        mapping(ProcessorId => Standing) storage standings,
        uint256 lengths,
        uint256 level,
        ProcessorId processor
    ) internal returns (uint256) {
        unchecked {
            uint256 place = lengthOf(lengths, level);
            if (place > PLACE) revert ListFull(level);
            _put(self, level, place, ProcessorId.unwrap(processor));
            standings[processor].entry = uint24(((level + 1) << PLACE_BITS) | place);
            return lengths + (1 << (32 * level));
        }
    }

    /// @notice Takes out `processor`, which is in a list; the last of the list fills its place.
    /// @return The new lengths, for the caller to store.
    function remove(
        Index storage self,
        mapping(ProcessorId => Standing) storage standings,
        uint256 lengths,
        ProcessorId processor
    ) internal returns (uint256) {
        unchecked {
            uint24 entry = standings[processor].entry;
            uint256 level = levelIn(entry);
            uint256 last = lengthOf(lengths, level) - 1;
            if (entry & PLACE != last) {
                uint32 filler = processorAt(self, level, last);
                _put(self, level, entry & PLACE, filler);
                standings[ProcessorId.wrap(filler)].entry = entry;
            }
            standings[processor].entry = 0;
            return lengths - (1 << (32 * level));
        }
    }

    function _put(Index storage self, uint256 level, uint256 place, uint32 processor) private {
        uint256 key = (level << 32) | (place >> 3);
        uint256 shift = 32 * (place & 7);
        uint256 word = self.words[key];
        self.words[key] = (word & ~(uint256(type(uint32).max) << shift)) | (uint256(processor) << shift);
    }
}
