// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AssignmentStatus} from "../lifecycle/Assignment.sol";
import {Standing} from "../lifecycle/Processor.sol";

/// @title A processor's conduct, and what it is worth in a draw
library Reputation {
    /// Weight of one without fault. Nobody has less than half of it, so that a draw by rejection stays short.
    uint256 internal constant FULL_WEIGHT = 100;
    uint256 internal constant LEAST_WEIGHT = 50;
    /// Answers that are taken for granted, so that a first fault is not the end.
    uint256 internal constant CREDIT = 4;
    /// What one fault weighs, in answers that were accepted; one proven fault weighs four.
    uint256 internal constant FAULT = 4;

    /// @notice Counts how an assignment ended.
    /// @dev Counters stop at their maximum rather than block a settlement.
    function note(Standing storage self, AssignmentStatus fate) internal {
        unchecked {
            if (fate == AssignmentStatus.Accepted || fate == AssignmentStatus.Vindicated) {
                if (self.accepted + 1 != 0) ++self.accepted;
            } else if (fate == AssignmentStatus.Outlier || fate == AssignmentStatus.Disproven) {
                if (self.outliers + 1 != 0) ++self.outliers;
            } else if (fate == AssignmentStatus.Silent) {
                if (self.silent + 1 != 0) ++self.silent;
            } else if (fate == AssignmentStatus.Refused) {
                if (self.refused + 1 != 0) ++self.refused;
            } else if (fate == AssignmentStatus.GoldFailed || fate == AssignmentStatus.TrapFailed) {
                if (self.failed + 1 != 0) ++self.failed;
            }
        }
    }

    /// @notice Takes back what `note` counted for a fate that turned out to be another.
    function forget(Standing storage self, AssignmentStatus fate) internal {
        if (fate == AssignmentStatus.Accepted && self.accepted != 0) --self.accepted;
        if (fate == AssignmentStatus.Outlier && self.outliers != 0) --self.outliers;
        bool failed = fate == AssignmentStatus.GoldFailed || fate == AssignmentStatus.TrapFailed;
        if (failed && self.failed != 0) --self.failed;
    }

    /// @notice The weight in a draw, LEAST_WEIGHT to FULL_WEIGHT, rounded down, of a processor with such conduct.
    function weightOf(uint256 accepted, uint256 outliers, uint256 silent, uint256 refused, uint256 failed)
        internal
        pure
        returns (uint256)
    {
        unchecked {
            uint256 faults = outliers + silent + refused + 4 * failed;
            uint256 good = accepted + CREDIT;
            return LEAST_WEIGHT + ((FULL_WEIGHT - LEAST_WEIGHT) * good) / (good + FAULT * faults);
        }
    }

    /// @notice The same, from the word of a Standing.
    function weightIn(uint256 s) internal pure returns (uint256) {
        if (s >> 200 == 0) return FULL_WEIGHT;
        return weightOf(uint24(s >> 176), uint16(s >> 200), uint8(s >> 216), uint16(s >> 224), uint16(s >> 240));
    }
}
