// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {CountSketch} from "./CountSketch.sol";

/// @title The hash that fills count sketches
/// @notice Up to CountSketch.MAX_HISTOGRAM_BITS an outcome is its own bucket. Beyond that each row sends an outcome x
/// of n bits through three rounds of a permutation of [0, 2^n), and the top 6 bits are the bucket:
///   x = (a x + c) mod 2^n, a odd;    x = x xor (x >> ceil(n / 2))
/// with a and c from keccak256(seed ++ row ++ round), one byte each: the first 16 bytes, repeated, give a, the last
/// 16 c. Only openings are hashed on chain; the rest is arithmetic of the processors.
library BucketHash {
    uint256 private constant ROUNDS = 3;
    uint256 private constant BUCKET_BITS = 6;
    uint256 private constant REPEAT = 0x0000000000000000000000000000000100000000000000000000000000000001;

    /// @notice a and c of each row and round, drawn once for as many outcomes as are to be hashed. No words for
    /// narrow outcomes.
    function parametersOf(bytes32 seed, uint256 outcomeBits) internal pure returns (uint256[] memory parameters) {
        if (outcomeBits <= CountSketch.MAX_HISTOGRAM_BITS) return parameters;
        uint256 mask = (1 << outcomeBits) - 1;
        parameters = new uint256[](CountSketch.ROWS * ROUNDS * 2);
        for (uint256 i; i < CountSketch.ROWS * ROUNDS; ++i) {
            uint256 digest = uint256(keccak256(abi.encodePacked(seed, uint8(i / ROUNDS), uint8(i % ROUNDS))));
            unchecked {
                parameters[2 * i] = (((digest >> 128) * REPEAT) & mask) | 1;
                parameters[2 * i + 1] = ((digest & type(uint128).max) * REPEAT) & mask;
            }
        }
    }

    /// @notice The bucket of `row` into which `outcome`, below 2^outcomeBits, falls.
    /// @param row Below the number of rows of `outcomeBits`: the caller checks.
    function bucketOf(uint256[] memory parameters, uint256 row, uint256 outcome, uint256 outcomeBits)
        internal
        pure
        returns (uint256 bucket)
    {
        if (parameters.length == 0) return outcome;
        uint256 mask = (1 << outcomeBits) - 1;
        assembly ("memory-safe") {
            let half := shr(1, add(outcomeBits, 1))
            let at := add(add(parameters, 0x20), mul(row, 0xc0))
            bucket := and(add(mul(mload(at), outcome), mload(add(at, 0x20))), mask)
            bucket := xor(bucket, shr(half, bucket))
            bucket := and(add(mul(mload(add(at, 0x40)), bucket), mload(add(at, 0x60))), mask)
            bucket := xor(bucket, shr(half, bucket))
            bucket := and(add(mul(mload(add(at, 0x80)), bucket), mload(add(at, 0xa0))), mask)
            bucket := xor(bucket, shr(half, bucket))
            bucket := shr(sub(outcomeBits, BUCKET_BITS), bucket)
        }
    }

    /// @notice Adds packed leaves (outcome << 16 | count) to a wire sketch: 16 buckets to a word, bucket 0 lowest.
    /// @param leaves Each outcome is below 2^outcomeBits, and no bucket comes to hold more than 65,535 shots: the caller
    /// checks the one before, the other after.
    /// @return shots In the leaves. @return empty How many leaves have none.
    /// @dev `bucketOf` for all rows, written out: this is most of what an answer to a challenge costs.
    function fold(
        uint256[] memory sketch,
        uint256[] memory parameters,
        uint256[] calldata leaves,
        uint256 outcomeBits
    ) internal pure returns (uint256 shots, uint256 empty) {
        uint256 mask = (1 << outcomeBits) - 1;
        assembly ("memory-safe") {
            let rows := mload(parameters)
            let half := shr(1, add(outcomeBits, 1))
            let low := sub(outcomeBits, BUCKET_BITS)
            let words := add(sketch, 0x20)
            let first := add(parameters, 0x20)
            let last := add(first, mul(rows, 0x20))
            let end := add(leaves.offset, mul(leaves.length, 0x20))
            for { let i := leaves.offset } lt(i, end) { i := add(i, 0x20) } {
                let count := calldataload(i)
                let outcome := shr(16, count)
                count := and(count, 0xffff)
                shots := add(shots, count)
                empty := add(empty, iszero(count))
                let row := words
                for { let p := first } lt(p, last) { p := add(p, 0xc0) } {
                    let x := and(add(mul(mload(p), outcome), mload(add(p, 0x20))), mask)
                    x := xor(x, shr(half, x))
                    x := and(add(mul(mload(add(p, 0x40)), x), mload(add(p, 0x60))), mask)
                    x := xor(x, shr(half, x))
                    x := and(add(mul(mload(add(p, 0x80)), x), mload(add(p, 0xa0))), mask)
                    x := shr(low, xor(x, shr(half, x)))
                    // 4 words a row; the bucket's word is its upper two bits of six, its lane the lower four.
                    let word := add(row, and(shl(1, x), 0x60))
                    mstore(word, add(mload(word), shl(and(shl(4, x), 0xf0), count)))
                    row := add(row, 0x80)
                }
                if iszero(rows) {
                    let word := add(words, shl(5, shr(4, outcome)))
                    mstore(word, add(mload(word), shl(shl(4, and(outcome, 15)), count)))
                }
            }
        }
    }
}
