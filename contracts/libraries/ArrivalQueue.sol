// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ComputationId} from "../lifecycle/Computation.sol";

/// @title First come, first served, four ids to a storage slot
/// @notice Entries are never removed from the middle: one that is no longer waiting is skipped, and `advance`
/// forgets those at the head. An entry may be served when fewer than WINDOW waiting ones stand before it, so that
/// one computation which cannot be placed does not hold up its whole noise class.
/// @dev The seam for another scheduling order: the allocator knows `push`, `pushFront`, `at`, `head` and `tail`.
library ArrivalQueue {
    uint256 internal constant WINDOW = 4;
    /// Positions start in the middle, so that entries may return to the front.
    uint64 private constant ORIGIN = 1 << 62;

    struct Queue {
        /// Distance of the first and of the next free position from ORIGIN.
        int64 first;
        int64 next;
        mapping(uint256 word => uint256 ids) words;
    }

    /// @notice Appends `id`.
    function push(Queue storage self, ComputationId id) internal {
        int64 next = self.next;
        _write(self, next, id);
        self.next = next + 1;
    }

    /// @notice Puts `id` before all others: it has waited already.
    function pushFront(Queue storage self, ComputationId id) internal {
        int64 first = self.first - 1;
        _write(self, first, id);
        self.first = first;
    }

    /// @notice The id at `position`, which must be in [first, next).
    function at(Queue storage self, int64 position) internal view returns (ComputationId) {
        (uint256 word, uint256 shift) = _locate(position);
        return ComputationId.wrap(uint64(self.words[word] >> shift));
    }

    function _write(Queue storage self, int64 position, ComputationId id) private {
        (uint256 word, uint256 shift) = _locate(position);
        uint256 cleared = self.words[word] & ~(uint256(type(uint64).max) << shift);
        self.words[word] = cleared | (uint256(ComputationId.unwrap(id)) << shift);
    }

    function _locate(int64 position) private pure returns (uint256 word, uint256 shift) {
        uint256 index = uint256(int256(position) + int256(uint256(ORIGIN)));
        return (index / 4, (index % 4) * 64);
    }
}
