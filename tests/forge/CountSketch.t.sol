// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CountSketch} from "../../contracts/libraries/CountSketch.sol";
import {CountSketchHarness} from "../../contracts/test/CountSketchHarness.sol";
import {SketchBuilder} from "./SketchBuilder.sol";
import {vm} from "./Vm.sol";

/// @notice The packed arithmetic against loops over single buckets.
contract CountSketchTest is SketchBuilder {
    CountSketchHarness private _sketch = new CountSketchHarness();

    function testFuzz_dot_is_the_inner_product(uint256 seed, uint8 bits, uint16 shots, uint8 shape) external view {
        uint256[] memory a = _bucketsOf(seed, bits, shots, shape);
        uint256[] memory b = _bucketsOf(~seed, bits, shots, shape >> 4);
        uint256 expected;
        for (uint256 i; i < a.length; ++i) {
            expected += a[i] * b[i];
        }
        require(_sketch.dot(_pack(a), _pack(b)) == expected, "dot differs from the loop");
    }

    /// @dev The most that any lane can hold: all shots in one bucket of each row, in the same place.
    function test_dot_is_exact_at_the_limit() external view {
        for (uint256 bucket; bucket < CountSketch.BUCKETS; ++bucket) {
            uint256[] memory a = new uint256[](CountSketch.ROWS * CountSketch.BUCKETS);
            for (uint256 row; row < CountSketch.ROWS; ++row) {
                a[row * CountSketch.BUCKETS + bucket] = type(uint16).max;
            }
            uint256 expected = CountSketch.ROWS * uint256(type(uint16).max) ** 2;
            require(_sketch.dot(_pack(a), _pack(a)) == expected, "a lane overflows");
        }
    }

    function testFuzz_totals_are_those_of_the_rows(uint256 seed, uint8 bits, uint16 shots, uint8 shape) external view {
        _sketch.requireTotals(_pack(_bucketsOf(seed, bits, shots, shape)), bits, shots);
    }

    function testFuzz_one_shot_too_many_is_found(uint256 seed, uint8 bits, uint16 shots, uint8 shape) external {
        vm.assume(shots != 0 && shots != type(uint16).max);
        uint256[] memory buckets = _bucketsOf(seed, bits, shots, shape);
        (, uint256 width) = CountSketch.dimensions(bits);
        uint256 place = seed % buckets.length;
        ++buckets[place];
        uint256[] memory packed = _pack(buckets);
        vm.expectRevert(
            abi.encodeWithSelector(
                CountSketch.SketchTotalMismatch.selector, place / width, shots, uint256(shots) + 1
            )
        );
        _sketch.requireTotals(packed, bits, shots);
    }

    function testFuzz_wrong_length_is_found(uint8 bits, uint8 length) external {
        uint256 words = _sketch.wordsOf(bits);
        vm.assume(length != words);
        uint256[] memory sketch = new uint256[](length);
        vm.expectRevert(
            abi.encodeWithSelector(CountSketch.SketchLengthMismatch.selector, bits, words, length)
        );
        _sketch.requireTotals(sketch, bits, 0);
    }

    function testFuzz_shots_beyond_the_histogram_are_found(uint8 bits, uint8 lane) external {
        bits = bits % 4; // 4 bits and more fill whole words
        uint256[] memory sketch = new uint256[](1);
        uint256 unused = (1 << bits) + lane % (16 - (1 << bits));
        sketch[0] = 1 << (16 * unused);
        vm.expectRevert(abi.encodeWithSelector(CountSketch.SketchLaneUnused.selector, bits, 0));
        _sketch.requireTotals(sketch, bits, 1);
    }

    function testFuzz_far_words_are_those_with_a_far_bucket(
        uint256 seed,
        uint8 bits,
        uint16 shots,
        uint16 tolerance,
        uint8 shape
    ) external view {
        uint256[] memory a = _bucketsOf(seed, bits, shots, shape);
        uint256[] memory b = _bucketsOf(~seed, bits, shots, shape >> 4);
        uint256[] memory x = _pack(a);
        uint256[] memory y = _pack(b);
        tolerance %= 1 << 15;
        uint256 from = seed % x.length;
        uint256 expected = from;
        for (; expected < x.length; ++expected) {
            if (_isFar(a, b, tolerance, expected)) break;
        }
        require(_sketch.firstFarWord(x, y, tolerance, from) == expected, "another word is the first far one");
    }

    function _isFar(uint256[] memory a, uint256[] memory b, uint256 tolerance, uint256 word)
        private
        pure
        returns (bool)
    {
        for (uint256 i = 16 * word; i < 16 * (word + 1) && i < a.length; ++i) {
            uint256 gap = a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];
            if (4 * gap > 4 * tolerance + a[i] + b[i]) return true;
        }
        return false;
    }
}
