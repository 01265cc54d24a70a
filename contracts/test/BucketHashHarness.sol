// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {BucketHash} from "../libraries/BucketHash.sol";

/// @title BucketHash, callable from tests
contract BucketHashHarness {
    function bucketOf(bytes32 seed, uint256 row, uint256 outcome, uint256 outcomeBits) external pure returns (uint256) {
        return BucketHash.bucketOf(BucketHash.parametersOf(seed, outcomeBits), row, outcome, outcomeBits);
    }
}
