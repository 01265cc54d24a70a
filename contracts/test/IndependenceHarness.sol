// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CountSketch} from "../libraries/CountSketch.sol";
import {Independence} from "../libraries/Independence.sol";

/// @title Independence, callable from tests; sketches in wire form
contract IndependenceHarness {
    function tooClose(uint256[] calldata a, uint256[] calldata b, uint256 outcomeBits) external pure returns (bool) {
        (uint256 rows, uint256 buckets) = CountSketch.dimensions(outcomeBits);
        return Independence.tooClose(CountSketch.lanesOf(a), CountSketch.lanesOf(b), rows, buckets);
    }

    function surpriseOf(uint256[] calldata sketch, uint256 outcomeBits) external pure returns (uint256) {
        (uint256 rows,) = CountSketch.dimensions(outcomeBits);
        return Independence.surpriseOf(CountSketch.lanesOf(sketch), rows);
    }
}
