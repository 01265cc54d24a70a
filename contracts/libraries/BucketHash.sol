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
        assembly ("memory-safe") {
            let mask := sub(shl(outcomeBits, 1), 1)
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

    /// @notice Adds packed leaves (outcome << 16 | count) to a wire sketch.
    /// @param leaves Each outcome is below 2^outcomeBits, and no bucket comes to hold more than 65,535 shots: the caller
    /// checks.
    /// @return shots In the leaves.
    function fold(
        uint256[] memory sketch,
        uint256[] memory parameters,
        uint256[] calldata leaves,
        uint256 outcomeBits
    ) internal pure returns (uint256 shots) {
        bool wide = parameters.length != 0;
        for (uint256 i; i < leaves.length; ++i) {
            uint256 outcome = leaves[i] >> 16;
            uint256 count = leaves[i] & 0xffff;
            unchecked {
                shots += count;
            }
            if (!wide) {
                _add(sketch, outcome, count);
                continue;
            }
            for (uint256 row; row < CountSketch.ROWS; ++row) {
                uint256 bucket = bucketOf(parameters, row, outcome, outcomeBits);
                unchecked {
                    _add(sketch, row * CountSketch.BUCKETS + bucket, count);
                }
            }
        }
    }

    /// @dev 16 buckets to a word, bucket 0 lowest.
    function _add(uint256[] memory sketch, uint256 bucket, uint256 count) private pure {
        assembly ("memory-safe") {
            let word := add(add(sketch, 0x20), shl(5, shr(4, bucket)))
            mstore(word, add(mload(word), shl(shl(4, and(bucket, 15)), count)))
        }
    }
}
