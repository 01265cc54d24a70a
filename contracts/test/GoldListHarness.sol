// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {GoldList, Opening, RoundKind} from "../libraries/GoldList.sol";

/// @title GoldList, callable from tests
contract GoldListHarness {
    function lastSecret(Opening calldata opening) external pure returns (bytes24) {
        return GoldList.lastSecret(opening);
    }

    function leafOf(uint256 round, RoundKind kind, bytes32 answerDigest) external pure returns (bytes32) {
        return GoldList.leafOf(round, kind, answerDigest);
    }

    function requireMember(
        bytes32 goldRoot,
        uint256 rounds,
        uint256 round,
        bytes32 leaf,
        bytes32[] calldata proof
    ) external pure {
        GoldList.requireMember(goldRoot, rounds, round, leaf, proof);
    }
}
