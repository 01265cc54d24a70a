// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title Count sketches: a histogram of shots folded into at most 256 buckets
/// @notice Up to 8 outcome bits the sketch is the full histogram: 1 row of 2^bits buckets. Beyond that it is 4
/// rows of 64 buckets under a seeded permutation that is fixed only after every replica has committed.
/// @dev Wire form: row-major buckets, 16 bits each, 16 to a word, bucket 0 in the least significant bits; unused
/// lanes are zero. Counts fit because shots <= 65,535. Arithmetic form ("lanes"): 32 bits a bucket, 8 to a word, even
/// buckets of a wire word in one lane word and odd ones in the next; no sum of products can carry into a
/// neighbouring lane, since each is at most shots^2 < 2^32.
library CountSketch {
    uint256 internal constant ROWS = 4;
    uint256 internal constant BUCKETS = 64;
    /// Up to this many outcome bits the full histogram is as small as the sketch.
    uint256 internal constant MAX_HISTOGRAM_BITS = 8;

    uint256 private constant EVEN_LANES = 0x0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff0000ffff;
    uint256 private constant ONES = 0x0000000100000001000000010000000100000001000000010000000100000001;

    /// @notice A sketch for `outcomeBits` has `expected` words, not `actual`.
    error SketchLengthMismatch(uint256 outcomeBits, uint256 expected, uint256 actual);
    /// @notice The buckets of `row` must add up to `expected` shots, not `actual`.
    error SketchTotalMismatch(uint256 row, uint256 expected, uint256 actual);
    /// @notice Word `index` has shots in a lane that no outcome of `outcomeBits` bits can reach.
    error SketchLaneUnused(uint256 outcomeBits, uint256 index);

    /// @notice Rows and buckets of a sketch of outcomes `outcomeBits` wide.
    function dimensions(uint256 outcomeBits) internal pure returns (uint256 rows, uint256 buckets) {
        return outcomeBits <= MAX_HISTOGRAM_BITS ? (1, 1 << outcomeBits) : (ROWS, BUCKETS);
    }

    /// @notice 256-bit words in the wire form.
    function wordsOf(uint256 outcomeBits) internal pure returns (uint256) {
        (uint256 rows, uint256 buckets) = dimensions(outcomeBits);
        return (rows * buckets + 15) / 16;
    }

    /// @notice Reverts unless `sketch` has the right length and each row adds up to `shots`.
    function requireTotals(uint256[] calldata sketch, uint256 outcomeBits, uint256 shots) internal pure {
        uint256 words = wordsOf(outcomeBits);
        if (sketch.length != words) revert SketchLengthMismatch(outcomeBits, words, sketch.length);
        (uint256 rows, uint256 buckets) = dimensions(outcomeBits);
        if (buckets < 16 && sketch[0] >> (16 * buckets) != 0) revert SketchLaneUnused(outcomeBits, 0);
        // slither-disable-next-line divide-before-multiply (exact: each row fills whole words, or is the only one)
        uint256 wordsPerRow = words / rows;
        for (uint256 row; row < rows; ++row) {
            uint256 total;
            for (uint256 i = row * wordsPerRow; i < (row + 1) * wordsPerRow; ++i) {
                total += _sum(sketch[i] & EVEN_LANES) + _sum((sketch[i] >> 16) & EVEN_LANES);
            }
            if (total != shots) revert SketchTotalMismatch(row, shots, total);
        }
    }

    /// @notice The arithmetic form of a wire sketch: two lane words for each wire word.
    function lanesOf(uint256[] calldata sketch) internal pure returns (uint256[] memory lanes) {
        lanes = new uint256[](2 * sketch.length);
        for (uint256 i; i < sketch.length; ++i) {
            uint256 word = sketch[i];
            unchecked {
                lanes[2 * i] = word & EVEN_LANES;
                lanes[2 * i + 1] = (word >> 16) & EVEN_LANES;
            }
        }
    }

    /// @notice `lanes` with the eight lanes of each word in opposite order, as `dot` wants its second operand.
    function reversedLanes(uint256[] memory lanes) internal pure returns (uint256[] memory reversed) {
        reversed = new uint256[](lanes.length);
        for (uint256 i; i < lanes.length; ++i) {
            uint256 x = lanes[i];
            x = (x >> 128) | (x << 128);
            x = ((x >> 64) & 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff)
                | ((x & 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff) << 64);
            x = ((x >> 32) & 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff)
                | ((x & 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff) << 32);
            reversed[i] = x;
        }
    }

    /// @notice Inner product of two sketches, the second given reversed.
    /// @dev The product of two lane words, as polynomials in 2^32, has the inner product as its 8th coefficient.
    function dot(uint256[] memory lanes, uint256[] memory reversed) internal pure returns (uint256 product) {
        assembly ("memory-safe") {
            let length := mul(mload(lanes), 0x20)
            for { let offset := 0x20 } iszero(gt(offset, length)) { offset := add(offset, 0x20) } {
                product := add(product, shr(224, mul(mload(add(lanes, offset)), mload(add(reversed, offset)))))
            }
        }
    }

    /// @notice Calls for a closer look at lane words in which a bucket with x and y shots differs by more than
    /// `tolerance` and a quarter of both: |x - y| > tolerance + (x + y) / 4.
    /// @param tolerance At most 32,767.
    /// @return candidates Index of the first such word at or after `from`, or the length when there is none.
    /// @dev That is 3 x - 5 y > 4 tolerance, or so the other way round. Adds 2^19 - 4 tolerance - 1 to each lane of
    /// 3 x - 5 y: bit 19 is set exactly where it holds, and lanes stay positive and below 2^20, so none borrows.
    function firstFarWord(uint256[] memory a, uint256[] memory b, uint256 tolerance, uint256 from)
        internal
        pure
        returns (uint256 candidates)
    {
        uint256 lift = ONES * ((1 << 19) - 4 * tolerance - 1);
        uint256 flags = ONES << 19;
        candidates = a.length;
        assembly ("memory-safe") {
            let length := mload(a)
            for { let i := from } lt(i, length) { i := add(i, 1) } {
                let x := mload(add(add(a, 0x20), mul(i, 0x20)))
                let y := mload(add(add(b, 0x20), mul(i, 0x20)))
                if and(
                    or(sub(add(mul(3, x), lift), mul(5, y)), sub(add(mul(3, y), lift), mul(5, x))), flags
                ) {
                    candidates := i
                    break
                }
            }
        }
    }

    function _sum(uint256 lanes) private pure returns (uint256) {
        unchecked {
            return (lanes * ONES) >> 224;
        }
    }
}
