// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Agreement} from "../libraries/Agreement.sol";
import {CountSketch} from "../libraries/CountSketch.sol";

/// @title Agreement, callable from tests; sketches in wire form
contract AgreementHarness {
    function quorumOf(uint256 replicas) external pure returns (uint256) {
        return Agreement.quorumOf(replicas);
    }

    function judge(
        uint256[] calldata sketches,
        uint256 words,
        uint256 outcomeBits,
        uint256 shots,
        uint256 quorum,
        uint256 excluded
    ) external pure returns (Agreement.Verdict verdict, uint256 members) {
        return Agreement.judge(sketches, words, outcomeBits, shots, quorum, excluded);
    }

    function gramRule(int256 normI, int256 normJ, int256 product, uint256 rows, uint256 buckets, uint256 shots)
        external
        pure
        returns (int256 x, bool far)
    {
        return Agreement.gramRule(normI, normJ, product, rows, buckets, shots);
    }

    function isFlat(int256 norm, uint256 rows, uint256 buckets, uint256 shots) external pure returns (bool) {
        return Agreement.isFlat(norm, rows, buckets, shots);
    }

    function bucketRule(uint256[] calldata a, uint256[] calldata b, uint256 shots) external pure returns (bool) {
        return Agreement.bucketRule(CountSketch.lanesOf(a), CountSketch.lanesOf(b), shots);
    }
}
