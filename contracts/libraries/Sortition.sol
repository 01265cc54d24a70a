// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Sortition: a verifiable random order of candidates
/// @notice A sparse Fisher-Yates shuffle: each draw takes one of the remaining positions, all equally likely, so
/// the eligible among the drawn are a uniform sample without replacement. Anyone with the seed repeats it.
/// @dev The bias of `hash % remaining` is below 2^-220. Lookup is linear in the draws made, hence MAX_DRAWS.
library Sortition {
    uint256 internal constant MAX_DRAWS = 128;

    struct Lottery {
        bytes32 seed;
        uint256 remaining;
        uint256 draws;
        /// Positions whose content has moved, and what they hold now; `draws` entries are valid.
        uint256[] moved;
        uint256[] content;
    }

    /// @notice Opens a lottery over positions 0..size-1.
    function open(bytes32 seed, uint256 size) internal pure returns (Lottery memory lottery) {
        lottery.seed = seed;
        lottery.remaining = size;
        uint256 capacity = size < MAX_DRAWS ? size : MAX_DRAWS;
        lottery.moved = new uint256[](capacity);
        lottery.content = new uint256[](capacity);
    }

    /// @notice Whether another draw is possible.
    function isOpen(Lottery memory lottery) internal pure returns (bool) {
        return lottery.remaining != 0 && lottery.draws < MAX_DRAWS;
    }

    /// @notice Takes one of the remaining positions.
    /// @return position Which. @return hash From which it follows; its high bits serve for a choice of the caller's.
    function draw(Lottery memory lottery) internal pure returns (uint256 position, uint256 hash) {
        uint256 drawn = lottery.draws;
        hash = uint256(keccak256(abi.encode(lottery.seed, drawn)));
        uint256 slot = hash % lottery.remaining;
        unchecked {
            uint256 last = lottery.remaining - 1; // positive, or the line above had reverted
            position = _contentOf(lottery, slot);
            // The last remaining position fills the gap. A stale entry for `slot` is shadowed: lookups run newest first.
            lottery.moved[drawn] = slot;
            lottery.content[drawn] = _contentOf(lottery, last);
            lottery.remaining = last;
            lottery.draws = drawn + 1;
        }
    }

    function _contentOf(Lottery memory lottery, uint256 slot) private pure returns (uint256) {
        unchecked {
            for (uint256 i = lottery.draws; i != 0; --i) {
                if (lottery.moved[i - 1] == slot) return lottery.content[i - 1];
            }
        }
        return slot;
    }
}
