// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CountSketch} from "../libraries/CountSketch.sol";

/// @title CountSketch, callable from tests; sketches in wire form
contract CountSketchHarness {
    function dimensions(uint256 outcomeBits) external pure returns (uint256 rows, uint256 buckets) {
        return CountSketch.dimensions(outcomeBits);
    }

    function wordsOf(uint256 outcomeBits) external pure returns (uint256) {
        return CountSketch.wordsOf(outcomeBits);
    }

    function requireTotals(uint256[] calldata sketch, uint256 outcomeBits, uint256 shots) external pure {
        CountSketch.requireTotals(sketch, outcomeBits, shots);
    }

    function dot(uint256[] calldata a, uint256[] calldata b) external pure returns (uint256) {
        return CountSketch.dot(CountSketch.lanesOf(a), CountSketch.reversedLanesOf(b));
    }

    function firstFarWord(uint256[] calldata a, uint256[] calldata b, uint256 tolerance, uint256 from)
        external
        pure
        returns (uint256 word)
    {
        return CountSketch.firstFarWord(CountSketch.lanesOf(a), CountSketch.lanesOf(b), tolerance, from);
    }
}
