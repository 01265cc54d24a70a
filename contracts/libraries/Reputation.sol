// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Standing} from "../lifecycle/Processor.sol";

/// @title What a processor's conduct is worth in a draw
library Reputation {
    /// Weight of one without fault. Nobody has less than half of it, so that a draw by rejection stays short.
    uint256 internal constant FULL_WEIGHT = 100;
    uint256 internal constant LEAST_WEIGHT = 50;
    /// Answers that are taken for granted, so that a first fault is not the end.
    uint256 internal constant CREDIT = 4;
    /// What one fault weighs, in answers that were accepted; one proven fault weighs four.
    uint256 internal constant FAULT = 4;

    /// @notice Its weight in a draw: LEAST_WEIGHT to FULL_WEIGHT, rounded down.
    function weightOf(Standing memory s) internal pure returns (uint256) {
        uint256 faults = uint256(s.outliers) + s.silent + s.refused + 4 * uint256(s.failed);
        if (faults == 0) return FULL_WEIGHT;
        uint256 good = uint256(s.accepted) + CREDIT;
        return LEAST_WEIGHT + ((FULL_WEIGHT - LEAST_WEIGHT) * good) / (good + FAULT * faults);
    }
}
