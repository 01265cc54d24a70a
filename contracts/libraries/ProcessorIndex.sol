// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title Processors of one noise class, by how many qubits they have free
/// @notice Eight lists: list l has processors that have 2^l qubits free at least. Whoever needs q looks at the lists from
/// levelOf(q) on, so those that are too full cost nothing, however many they are.
/// @dev An entry is only ever taken out at a place that is known already: because it has just been drawn, or because
/// somebody names it. So nobody's place has to be kept up when the last entry fills a gap. Eight entries share a slot.
library ProcessorIndex {
    uint256 internal constant LEVELS = 8;

    struct Index {
        /// Lengths of the lists, 32 bits each, the lowest level's lowest.
        uint256 lengths;
        /// By level << 32 | place >> 3.
        mapping(uint256 key => uint256) words;
    }

    /// @notice The list for `free` qubits, which are at least 1.
    function levelOf(uint256 free) internal pure returns (uint256) {
        return Math.log2(free);
    }

    function lengthOf(uint256 lengths, uint256 level) internal pure returns (uint256) {
        return uint32(lengths >> (32 * level));
    }

    /// @notice Entries in the lists from `level` on.
    function sizeFrom(uint256 lengths, uint256 level) internal pure returns (uint256 size) {
        for (; level < LEVELS; ++level) {
            size += lengthOf(lengths, level);
        }
    }

    /// @notice Where entry `position` of the lists from `level` on, taken as one, is.
    function locate(uint256 lengths, uint256 level, uint256 position) internal pure returns (uint256, uint256) {
        for (uint256 length = lengthOf(lengths, level); position >= length; length = lengthOf(lengths, ++level)) {
            position -= length;
        }
        return (level, position);
    }

    /// @notice The processor at a place.
    function entryOf(Index storage self, uint256 level, uint256 place) internal view returns (uint32) {
        return uint32(self.words[(level << 32) | (place >> 3)] >> (32 * (place & 7)));
    }

    /// @notice Appends `processor` to the list of `level`.
    /// @return The new lengths, for the caller to store.
    function push(Index storage self, uint256 lengths, uint256 level, uint32 processor) internal returns (uint256) {
        uint256 length = lengthOf(lengths, level);
        _put(self, level, length, processor);
        return lengths + (1 << (32 * level));
    }

    /// @notice Takes out the entry at a place, which the last of its list fills.
    /// @return The new lengths, for the caller to store.
    function remove(Index storage self, uint256 lengths, uint256 level, uint256 place) internal returns (uint256) {
        uint256 last = lengthOf(lengths, level) - 1;
        if (place != last) _put(self, level, place, entryOf(self, level, last));
        return lengths - (1 << (32 * level));
    }

    function _put(Index storage self, uint256 level, uint256 place, uint32 processor) private {
        uint256 key = (level << 32) | (place >> 3);
        uint256 shift = 32 * (place & 7);
        uint256 word = self.words[key];
        self.words[key] = (word & ~(uint256(type(uint32).max) << shift)) | (uint256(processor) << shift);
    }
}
