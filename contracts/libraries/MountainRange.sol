// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {onesIn} from "./Bits.sol";

/// @title Merkle mountain range: an append-only log with short inclusion proofs
/// @notice Leaf i joins the perfect trees that the binary digits of the size describe; a peak is kept for each.
/// @dev Nodes are keccak256(0x01, left, right), leaves arrive already hashed under another prefix. Peaks of heights
/// whose bit is clear in the size are stale and ignored. An append merges one peak on average.
library MountainRange {
    struct Range {
        mapping(uint256 height => bytes32) peaks;
    }

    /// @notice Appends `leaf` as number `index` (from 0).
    function append(Range storage self, uint256 index, bytes32 leaf) internal {
        uint256 height;
        for (; index & (1 << height) != 0; ++height) {
            leaf = nodeOf(self.peaks[height], leaf);
        }
        self.peaks[height] = leaf;
    }

    /// @notice The root: the peaks, lowest first, folded into `seal`, which is to bind the size.
    function root(Range storage self, uint256 size, bytes32 seal) internal view returns (bytes32 digest) {
        digest = seal;
        for (uint256 height; size >> height != 0; ++height) {
            if (size & (1 << height) != 0) digest = nodeOf(digest, self.peaks[height]);
        }
    }

    /// @notice The same root, from the peaks; 0 when they are not as many as `size` has binary digits set.
    function fold(bytes32 seal, uint256 size, bytes32[] calldata peaks) internal pure returns (bytes32 digest) {
        if (peaks.length != onesIn(size)) return 0;
        digest = seal;
        for (uint256 i; i < peaks.length; ++i) {
            digest = nodeOf(digest, peaks[i]);
        }
    }

    /// @notice Whether `leaf` is number `index` of the range of `size` leaves whose root is `expected`: for whoever
    /// has that root and not the range.
    /// @param siblings From the leaf up to its peak.
    /// @param peaks Of the range, lowest first: as many as `size` has binary digits set.
    function verify(
        bytes32 expected,
        bytes32 seal,
        uint256 size,
        uint256 index,
        bytes32 leaf,
        bytes32[] calldata siblings,
        bytes32[] calldata peaks
    ) internal pure returns (bool) {
        if (index >= size || fold(seal, size, peaks) != expected) return false;
        uint256 height = _heightOf(size, index);
        if (siblings.length != height) return false;
        return peaks[onesIn(size & ((1 << height) - 1))] == _climb(index, leaf, siblings);
    }

    /// @notice The parent of two nodes.
    function nodeOf(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(1), left, right));
    }

    /// @dev The height of the tree that leaf `index` < `size` is in: the highest digit in which the two differ, which
    /// is set in `size`.
    function _heightOf(uint256 size, uint256 index) private pure returns (uint256 height) {
        uint256 difference = size ^ index;
        while (difference >> (height + 1) != 0) {
            ++height;
        }
    }

    /// @dev The peak above `leaf`.
    function _climb(uint256 index, bytes32 leaf, bytes32[] calldata siblings) private pure returns (bytes32 node) {
        node = leaf;
        for (uint256 level; level < siblings.length; ++level) {
            node = index & (1 << level) == 0 ? nodeOf(node, siblings[level]) : nodeOf(siblings[level], node);
        }
    }
}
