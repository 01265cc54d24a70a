// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {MountainRange} from "../../contracts/libraries/MountainRange.sol";
import {MountainRangeHarness} from "../../contracts/test/MountainRangeHarness.sol";

/// @notice Every leaf of every size up to 40 is provable, and nothing else is.
contract MountainRangeTest {
    uint256 private constant SIZES = 40;
    bytes32 private constant SEAL = keccak256("seal");

    function test_each_leaf_is_proven_and_no_other() external {
        MountainRangeHarness range = new MountainRangeHarness();
        for (uint256 size = 1; size <= SIZES; ++size) {
            range.append(_leafOf(size - 1));
            bytes32[] memory peaks = _peaksOf(size);
            require(range.root(SEAL) == range.fold(SEAL, size, peaks), "the root is not that of the peaks");
            for (uint256 index; index < size; ++index) {
                bytes32[] memory proof = _proofOf(size, index);
                require(_holds(range, peaks, size, index, _leafOf(index), proof), "a leaf is not provable");
                require(!_holds(range, peaks, size, index, _leafOf(index + 1), proof), "another leaf passes");
                require(!_holds(range, peaks, size, index + 1, _leafOf(index), proof), "another index passes");
                if (proof.length == 0) continue;
                proof[proof.length - 1] = ~proof[proof.length - 1];
                require(!_holds(range, peaks, size, index, _leafOf(index), proof), "a wrong sibling passes");
            }
            require(!_holds(range, peaks, size, size, _leafOf(size), new bytes32[](0)), "an absent leaf passes");
        }
    }

    /// @dev A node, or a proof cut short, must not pass for a leaf.
    function test_inner_nodes_are_not_leaves() external {
        MountainRangeHarness range = new MountainRangeHarness();
        for (uint256 i; i < 8; ++i) {
            range.append(_leafOf(i));
        }
        bytes32[] memory proof = _proofOf(8, 0);
        bytes32 node = MountainRange.nodeOf(_leafOf(0), proof[0]);
        bytes32[] memory shorter = new bytes32[](2);
        (shorter[0], shorter[1]) = (proof[1], proof[2]);
        require(!_holds(range, _peaksOf(8), 8, 0, node, shorter), "an inner node passes for a leaf");
    }

    function _leafOf(uint256 index) private pure returns (bytes32) {
        return keccak256(abi.encode("leaf", index));
    }

    /// @dev Root of the perfect tree over leaves start .. start + 2^height - 1, by recursion.
    function _treeOf(uint256 start, uint256 height) private pure returns (bytes32) {
        if (height == 0) return _leafOf(start);
        uint256 half = 1 << (height - 1);
        return MountainRange.nodeOf(_treeOf(start, height - 1), _treeOf(start + half, height - 1));
    }

    function _proofOf(uint256 size, uint256 index) private pure returns (bytes32[] memory proof) {
        uint256 start;
        uint256 height = 255;
        // The tree of `index`: trees come in falling size, one for each digit of `size`.
        for (;; --height) {
            if (size & (1 << height) == 0) continue;
            if (index < start + (1 << height)) break;
            start += 1 << height;
        }
        proof = new bytes32[](height);
        for (uint256 level; level < height; ++level) {
            uint256 sibling = ((index - start) >> level) ^ 1;
            proof[level] = _treeOf(start + (sibling << level), level);
        }
    }

    function _peaksOf(uint256 size) private pure returns (bytes32[] memory peaks) {
        bytes32[] memory found = new bytes32[](8);
        uint256 count;
        uint256 end = size;
        for (uint256 height; size >> height != 0; ++height) {
            if (size & (1 << height) == 0) continue;
            end -= 1 << height;
            found[count++] = _treeOf(end, height);
        }
        peaks = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            peaks[i] = found[i];
        }
    }

    function _holds(
        MountainRangeHarness range,
        bytes32[] memory peaks,
        uint256 size,
        uint256 index,
        bytes32 leaf,
        bytes32[] memory proof
    ) private view returns (bool) {
        return range.verify(range.root(SEAL), SEAL, size, index, leaf, proof, peaks);
    }
}
