// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Answer, GoldScore} from "../libraries/GoldScore.sol";

/// @title GoldScore, callable from tests
contract GoldScoreHarness {
    function digestOf(Answer calldata answer) external pure returns (bytes32) {
        return GoldScore.digestOf(answer);
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
