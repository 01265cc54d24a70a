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
        uint256 mask = EVEN_LANES;
        assembly ("memory-safe") {
            let from := sketch.offset
            let to := add(lanes, 0x20)
            for { let end := add(from, shl(5, sketch.length)) } lt(from, end) {} {
                let word := calldataload(from)
                mstore(to, and(word, mask))
                mstore(add(to, 0x20), and(shr(16, word), mask))
                from := add(from, 0x20)
                to := add(to, 0x40)
            }
        }
    }

    /// @notice `lanesOf`, but with the eight lanes of each word in opposite order, as `dot` wants its second operand.
    /// @dev Turns the 16 lanes of a wire word round: what was even becomes odd.
    function reversedLanesOf(uint256[] calldata sketch) internal pure returns (uint256[] memory reversed) {
        reversed = new uint256[](2 * sketch.length);
        uint256 mask = EVEN_LANES;
        assembly ("memory-safe") {
            let pairs := 0x00000000ffffffff00000000ffffffff00000000ffffffff00000000ffffffff
            let quads := 0x0000000000000000ffffffffffffffff0000000000000000ffffffffffffffff
            let from := sketch.offset
            let to := add(reversed, 0x20)
            for { let end := add(from, shl(5, sketch.length)) } lt(from, end) {} {
                let word := calldataload(from)
                word := or(and(shr(16, word), mask), shl(16, and(word, mask)))
                word := or(and(shr(32, word), pairs), shl(32, and(word, pairs)))
                word := or(and(shr(64, word), quads), shl(64, and(word, quads)))
                word := or(shr(128, word), shl(128, word))
                mstore(to, and(shr(16, word), mask))
                mstore(add(to, 0x20), and(word, mask))
                from := add(from, 0x20)
                to := add(to, 0x40)
            }
        }
    }

    /// @notice Inner product of two sketches, the second given reversed.
    /// @dev The product of two lane words, as polynomials in 2^32, has the inner product as its 8th coefficient. The
    /// number of lane words is even.
    function dot(uint256[] memory lanes, uint256[] memory reversed) internal pure returns (uint256 product) {
        assembly ("memory-safe") {
            let x := add(lanes, 0x20)
            let y := add(reversed, 0x20)
            for { let end := add(x, shl(5, mload(lanes))) } lt(x, end) {} {
                product := add(product, shr(224, mul(mload(x), mload(y))))
                product := add(product, shr(224, mul(mload(add(x, 0x20)), mload(add(y, 0x20)))))
                x := add(x, 0x40)
                y := add(y, 0x40)
            }
        }
    }

    /// @notice Calls for a closer look at wire words in which a bucket with x and y shots differs by more than
    /// `tolerance` and a quarter of both: |x - y| > tolerance + (x + y) / 4.
    /// @param tolerance At most 32,767.
    /// @param from Wire word to start at.
    /// @return word Index of the first such wire word at or after `from`, or their number when there is none.
    /// @dev That is 4 |x - y| - (x + y) > 4 tolerance. Adds 2^19 - 4 tolerance - 1 to the left side of each lane, once
    /// for x - y and once for y - x: bit 19 is set exactly where it holds. Lanes end positive and below 2^20, so
    /// borrows on the way cancel.
    function firstFarWord(uint256[] memory a, uint256[] memory b, uint256 tolerance, uint256 from)
        internal
        pure
        returns (uint256 word)
    {
        uint256 lift;
        unchecked {
            lift = ONES * ((1 << 19) - 4 * tolerance - 1);
        }
        uint256 flags = ONES << 19;
        assembly ("memory-safe") {
            let start := add(a, 0x20)
            let end := add(start, shl(5, mload(a)))
            let i := add(start, shl(6, from))
            for { let other := sub(b, a) } lt(i, end) { i := add(i, 0x40) } {
                let x := mload(i)
                let y := mload(add(i, other))
                let base := sub(lift, add(x, y))
                let gap := shl(2, sub(x, y))
                let far := or(add(base, gap), sub(base, gap))
                x := mload(add(i, 0x20))
                y := mload(add(add(i, 0x20), other))
                base := sub(lift, add(x, y))
                gap := shl(2, sub(x, y))
                if and(or(far, or(add(base, gap), sub(base, gap))), flags) { break }
            }
            word := shr(6, sub(i, start))
        }
    }

    function _sum(uint256 lanes) private pure returns (uint256) {
        unchecked {
            return (lanes * ONES) >> 224;
        }
    }
}
