// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Answer, GoldScore, Opening, RoundKind} from "../libraries/GoldScore.sol";

/// @title GoldScore, callable from tests
contract GoldScoreHarness {
    function lastSecret(Opening calldata opening) external pure returns (bytes24) {
        return GoldScore.lastSecret(opening);
    }

    function leafOf(uint256 round, RoundKind kind, bytes32 answerDigest) external pure returns (bytes32) {
        return GoldScore.leafOf(round, kind, answerDigest);
    }

    function digestOf(Answer calldata answer) external pure returns (bytes32) {
        return GoldScore.digestOf(answer);
    }

    function requireMember(
        bytes32 goldRoot,
        uint256 rounds,
        uint256 round,
        bytes32 leaf,
        bytes32[] calldata proof
    ) external pure {
        GoldScore.requireMember(goldRoot, rounds, round, leaf, proof);
    }

    function score(uint256[] calldata leaves, uint256 width, uint256 shots, Answer calldata answer)
        external
        pure
        returns (bool passes, int256 fidelity)
    {
        return GoldScore.score(leaves, width, shots, answer);
    }

    function pack(uint256[] calldata leaves, uint256 width) external pure returns (bytes memory) {
        return GoldScore.pack(leaves, width);
    }

    /// @dev Reverts when `answer` cannot be scored against.
    function requireSound(uint256[] calldata none, Answer calldata answer) external pure {
        GoldScore.score(none, 0, 1, answer);
    }
}
