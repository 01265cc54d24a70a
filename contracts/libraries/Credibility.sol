// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @title How much a group's word is worth, from what its members have done before
/// @notice Sarmenta's credibility as iExec's PoCo computes it: a replica weighs max(score / 3, 3) - 1, a group the
/// product of its members' weights, and a group is believed to 1 - 1 / trust when
///   group * trust > total * (trust - 1), total = 1 + group + the product over the replicas outside it, 0 if none.
/// @dev Weights are capped so that a product over 16 replicas stays below 2^192; nothing here overflows.
library Credibility {
    /// Replicas that a product may hold.
    uint256 internal constant MAX_MEMBERS = 16;
    /// Most that one replica weighs: 2^12 - 1, reached at a score of 12,288.
    uint256 internal constant MAX_WEIGHT = 4095;
    /// Faults that one proven fault counts for: it leaves a third of the score, where an outlier leaves two.
    uint256 internal constant PROVEN_FAULT = 4;

    /// @notice The score of a processor with such conduct: 2 accepted / (2 + faults), rounded down.
    /// @param accepted Answers that a quorum confirmed. @param outliers Answers that it did not.
    /// @param silent Commitments not revealed. @param failed Faults proven against it: gold rounds, challenges.
    /// @dev PoCo takes a third of the score at each fault, so its score depends on the order of events. With one
    /// fault this is that score at its worst; with many, spread evenly, it is what PoCo's tends to just after one.
    function scoreOf(uint256 accepted, uint256 outliers, uint256 silent, uint256 failed)
        internal
        pure
        returns (uint256)
    {
        return (2 * accepted) / (2 + outliers + silent + PROVEN_FAULT * failed);
    }

    /// @notice The weight, from 2 to MAX_WEIGHT, of a replica on a processor with `score`.
    function weightOf(uint256 score) internal pure returns (uint256) {
        uint256 third = score / 3;
        if (third > MAX_WEIGHT) return MAX_WEIGHT;
        return (third < 3 ? 3 : third) - 1;
    }

    /// @notice Whether the group `members` is believed to 1 - 1 / `trust`.
    /// @param scores One for each replica that answered, at most MAX_MEMBERS. @param members Bit i for replica i.
    /// @param trust At most 2^32; 0 and 1 ask for nothing.
    function isCredible(uint256[] memory scores, uint256 members, uint256 trust) internal pure returns (bool) {
        if (trust <= 1) return true;
        uint256 group = 1;
        uint256 others;
        for (uint256 i; i < scores.length; ++i) {
            uint256 weight = weightOf(scores[i]);
            if (members & (1 << i) != 0) group *= weight;
            else others = others == 0 ? weight : others * weight;
        }
        return group * trust > (1 + group + others) * (trust - 1);
    }
}
