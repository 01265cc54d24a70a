// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Credibility} from "../libraries/Credibility.sol";

/// @title Credibility, callable from tests
contract CredibilityHarness {
    function scoreOf(uint256 accepted, uint256 outliers, uint256 silent, uint256 failed)
        external
        pure
        returns (uint256)
    {
        return Credibility.scoreOf(accepted, outliers, silent, failed);
    }

    function weightOf(uint256 score) external pure returns (uint256) {
        return Credibility.weightOf(score);
    }

    function isCredible(uint256[] memory scores, uint256 members, uint256 trust) external pure returns (bool) {
        return Credibility.isCredible(scores, members, trust);
    }
}
