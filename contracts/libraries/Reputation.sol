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
    /// Accepted answers at which all counters are halved, rounded down: what lies further back than some thousands of
    /// answers fades. Half of it is still enough for the greatest weight in Credibility.
    uint256 internal constant HORIZON = 24_576;
    /// Faults, a proven one counted fourfold, that are needed for a suspension by rule.
    uint256 internal constant UNFIT_FAULTS = 8;

    /// @notice Counts how an assignment ended.
    /// @dev Counters stop at their maximum rather than block a settlement. They decay in work, not in time: that needs no
    /// other slot, and nobody's record gets better by waiting. Rounded down, the
    /// only fault of a kind is forgotten at the next halving, be it old or new: one in so many answers at most.
    function note(Standing storage self, AssignmentStatus fate) internal {
        unchecked {
            if (fate == AssignmentStatus.Accepted || fate == AssignmentStatus.Vindicated) {
                uint256 accepted = uint256(self.accepted) + 1;
                if (accepted < HORIZON) self.accepted = uint24(accepted);
                else _halve(self, accepted);
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
        if (fate == AssignmentStatus.Refused && self.refused != 0) --self.refused;
        bool failed = fate == AssignmentStatus.GoldFailed || fate == AssignmentStatus.TrapFailed;
        if (failed && self.failed != 0) --self.failed;
    }

    /// @notice Begins anew, as after one proven fault, after a suspension for conduct.
    function putOnProbation(Standing storage self) internal {
        self.accepted = 0;
        self.outliers = 0;
        self.silent = 0;
        self.refused = 0;
        self.failed = 1;
    }

    /// @notice Takes over, counter by counter, the faults of `other` that are more than its own.
    function inheritFaults(Standing storage self, Standing memory other) internal {
        if (other.outliers > self.outliers) self.outliers = other.outliers;
        if (other.silent > self.silent) self.silent = other.silent;
        if (other.refused > self.refused) self.refused = other.refused;
        if (other.failed > self.failed) self.failed = other.failed;
    }

    /// @notice Faults on record, a proven one counted fourfold.
    function faultsOf(Standing memory s) internal pure returns (uint256) {
        return uint256(s.outliers) + s.silent + s.refused + 4 * uint256(s.failed);
    }

    /// @notice Whether such conduct suspends: UNFIT_FAULTS, and faults that weigh more than what was done well.
    function isUnfit(Standing memory s) internal pure returns (bool) {
        uint256 faults = faultsOf(s);
        return faults >= UNFIT_FAULTS && FAULT * faults > s.accepted + CREDIT;
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

    function _halve(Standing storage self, uint256 accepted) private {
        self.accepted = uint24(accepted / 2);
        self.outliers /= 2;
        self.silent /= 2;
        self.refused /= 2;
        self.failed /= 2;
    }
}
