// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CountSketch} from "../../contracts/libraries/CountSketch.sol";

/// @notice Random sketches, a bucket to an element, and their wire form.
abstract contract SketchBuilder {
    /// @param shape How much to concentrate: 0 spreads the shots over many buckets, 15 puts nearly all into one.
    function _bucketsOf(uint256 seed, uint256 bits, uint256 shots, uint256 shape)
        internal
        pure
        returns (uint256[] memory buckets)
    {
        (uint256 rows, uint256 width) = CountSketch.dimensions(bits);
        buckets = new uint256[](rows * width);
        for (uint256 row; row < rows; ++row) {
            uint256 left = shots;
            for (uint256 draw; left != 0 && draw < 24; ++draw) {
                uint256 random = uint256(keccak256(abi.encode(seed, row, draw)));
                uint256 share = draw == 23 ? left : (left * (1 + shape % 16)) / 16;
                if (share == 0) share = 1;
                buckets[row * width + random % width] += share;
                left -= share;
            }
        }
    }

    function _pack(uint256[] memory buckets) internal pure returns (uint256[] memory words) {
        words = new uint256[]((buckets.length + 15) / 16);
        for (uint256 i; i < buckets.length; ++i) {
            words[i / 16] |= buckets[i] << (16 * (i % 16));
        }
    }
}
