// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

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

    /// @notice The root: the peaks, lowest first, folded into keccak256(0x02, size, peak...).
    function root(Range storage self, uint256 size) internal view returns (bytes32 digest) {
        digest = keccak256(abi.encodePacked(uint8(2), size));
        for (uint256 height; size >> height != 0; ++height) {
            if (size & (1 << height) != 0) digest = nodeOf(digest, self.peaks[height]);
        }
    }

    /// @notice Whether `leaf` is number `index` of a range of `size` leaves.
    /// @param proof Siblings from the leaf up to its peak.
    function contains(Range storage self, uint256 size, uint256 index, bytes32 leaf, bytes32[] calldata proof)
        internal
        view
        returns (bool)
    {
        if (index >= size) return false;
        // The leaf's tree is that of the highest digit in which size exceeds index.
        uint256 height = _highestBit(size ^ index);
        if (size & (1 << height) == 0 || proof.length != height) return false;
        for (uint256 level; level < height; ++level) {
            leaf = index & (1 << level) == 0 ? nodeOf(leaf, proof[level]) : nodeOf(proof[level], leaf);
        }
        return leaf == self.peaks[height];
    }

    /// @notice The parent of two nodes.
    function nodeOf(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(1), left, right));
    }

    function _highestBit(uint256 x) private pure returns (uint256 bit) {
        while (x >> (bit + 1) != 0) {
            ++bit;
        }
    }
}
