// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ComputationId} from "../lifecycle/Computation.sol";

/// @title First come, first served
/// @notice Those that wait, in order, in a doubly linked list: whoever leaves, from whatever place, leaves nothing
/// behind that others would have to step over. An entry is due when fewer than WINDOW stand before it, so that one
/// computation which cannot be placed does not hold up its whole noise class.
/// @dev The seam for another scheduling order: the allocator knows `push`, `pushFront`, `remove`, `isDue` and `list`.
/// The caller sees to it that an id is pushed only while absent and removed only while present.
library ArrivalQueue {
    uint256 internal constant WINDOW = 4;

    struct Link {
        uint64 previous;
        uint64 next;
    }

    struct Queue {
        uint64 first;
        uint64 last;
        /// Entries ever made; keeps the slot from being cleared and paid for anew whenever the queue empties.
        uint64 arrivals;
        /// Neighbours; all zero for an entry that waits alone, and for ids that do not wait.
        mapping(uint64 id => Link) links;
    }

    /// @notice Appends `id`.
    function push(Queue storage self, ComputationId id) internal {
        uint64 entry = ComputationId.unwrap(id);
        uint64 last = self.last;
        self.last = entry;
        ++self.arrivals;
        if (last == 0) {
            self.first = entry;
        } else {
            self.links[last].next = entry;
            self.links[entry].previous = last;
        }
    }

    /// @notice Puts `id` before all others: it has waited already.
    function pushFront(Queue storage self, ComputationId id) internal {
        uint64 entry = ComputationId.unwrap(id);
        uint64 first = self.first;
        self.first = entry;
        ++self.arrivals;
        if (first == 0) {
            self.last = entry;
        } else {
            self.links[first].previous = entry;
            self.links[entry].next = first;
        }
    }

    /// @notice Takes `id` out.
    function remove(Queue storage self, ComputationId id) internal {
        uint64 entry = ComputationId.unwrap(id);
        Link memory link = self.links[entry];
        if (link.previous == 0) self.first = link.next;
        else self.links[link.previous].next = link.next;
        if (link.next == 0) self.last = link.previous;
        else self.links[link.next].previous = link.previous;
        if (link.previous | link.next != 0) delete self.links[entry];
    }

    /// @notice Whether fewer than WINDOW entries stand before `id`, which must be in the queue.
    function isDue(Queue storage self, ComputationId id) internal view returns (bool) {
        uint64 entry = self.first;
        for (uint256 before; before < WINDOW; ++before) {
            if (entry == ComputationId.unwrap(id)) return true;
            entry = self.links[entry].next;
        }
        return false;
    }

    /// @notice The first `limit` entries, or all when there are fewer.
    function list(Queue storage self, uint256 limit) internal view returns (ComputationId[] memory entries) {
        if (limit > self.arrivals) limit = self.arrivals;
        entries = new ComputationId[](limit);
        uint256 count;
        for (uint64 entry = self.first; entry != 0 && count < limit; entry = self.links[entry].next) {
            entries[count++] = ComputationId.wrap(entry);
        }
        assembly ("memory-safe") {
            mstore(entries, count)
        }
    }
}
