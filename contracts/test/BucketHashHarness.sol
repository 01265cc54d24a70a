// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BucketHash} from "../libraries/BucketHash.sol";
import {CountSketch} from "../libraries/CountSketch.sol";

/// @title BucketHash, callable from tests
contract BucketHashHarness {
    function bucketOf(bytes32 seed, uint256 row, uint256 outcome, uint256 outcomeBits) external pure returns (uint256) {
        return BucketHash.bucketOf(BucketHash.parametersOf(seed, outcomeBits), row, outcome, outcomeBits);
    }

    /// @return sketch Wire form. @return shots In the leaves. @return empty How many leaves have none.
    function fold(bytes32 seed, uint256[] calldata leaves, uint256 outcomeBits)
        external
        pure
        returns (uint256[] memory sketch, uint256 shots, uint256 empty)
    {
        sketch = new uint256[](CountSketch.wordsOf(outcomeBits));
        (shots, empty) = BucketHash.fold(sketch, BucketHash.parametersOf(seed, outcomeBits), leaves, outcomeBits);
    }
}
