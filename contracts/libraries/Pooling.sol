// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Binding, Histogram, Run} from "./Histogram.sol";

/// @title Counts of chosen outcomes, added up over replicas
/// @notice Each replica's count of each outcome is proven against its counts root: by the outcome's leaf, or, where it
/// was never measured, by the two leaves between which it would be, or the first, or the last.
/// @dev Trust: a root's leaves are in order, as those of every root that can be opened in full are.
library Pooling {
    /// @notice The outcome at `position` is not above the one before it.
    error OutcomesUnordered(uint256 position);
    /// @notice The leaves shown of `root` neither hold `outcome` nor show that it is absent.
    error OutcomeUnproven(bytes32 root, uint256 outcome);
    /// @notice `root` is to bind `shots` shots: it binds `bound`, or counts that add up to `counted` are under it. A
    /// fault, to be challenged.
    error HistogramUnsound(bytes32 root, uint256 shots, uint256 bound, uint256 counted);

    /// @dev How far one replica's leaves have been read.
    struct Reading {
        bytes32 root;
        /// Outcomes before this one, by position, are settled.
        uint256 wanted;
        /// The leaf before this one, by number, is the last that was read.
        uint256 next;
        /// Counts so far.
        uint256 counted;
    }

    /// @notice Counts of nothing yet, one for each of `outcomes`, which must ascend.
    function open(uint256[] calldata outcomes) internal pure returns (uint256[] memory) {
        for (uint256 i = 1; i < outcomes.length; ++i) {
            if (outcomes[i] <= outcomes[i - 1]) revert OutcomesUnordered(i);
        }
        return new uint256[](outcomes.length);
    }

    /// @notice Adds one replica's counts.
    /// @param runs Ascending. @param shots What the replica was to run.
    function add(
        uint256[] memory self,
        uint256[] calldata outcomes,
        bytes32 root,
        Binding calldata binding,
        Run[] calldata runs,
        uint256 shots
    ) internal pure {
        Histogram.requireBinding(root, binding);
        Reading memory reading;
        reading.root = root;
        for (uint256 i; i < runs.length; ++i) {
            Histogram.requireRunUnder(binding, runs[i].first, runs[i].leaves, runs[i].siblings);
            _read(self, reading, outcomes, runs[i].first, runs[i].leaves);
        }
        if (reading.wanted != outcomes.length && reading.next != binding.leafCount) {
            revert OutcomeUnproven(root, outcomes[reading.wanted]);
        }
        if (binding.shots != shots || reading.counted > shots) {
            revert HistogramUnsound(root, shots, binding.shots, reading.counted);
        }
    }

    /// @dev Takes from one run the counts of outcomes that are wanted.
    function _read(
        uint256[] memory self,
        Reading memory reading,
        uint256[] calldata outcomes,
        uint256 first,
        uint256[] calldata leaves
    ) private pure {
        uint256 wanted = reading.wanted;
        for (uint256 i; i < leaves.length && wanted < outcomes.length; ++i) {
            uint256 outcome = leaves[i] >> 16;
            for (; wanted < outcomes.length && outcomes[wanted] < outcome; ++wanted) {
                // Absent, if nothing was left out between the last leaf and this one.
                if (i == 0 && first != reading.next) revert OutcomeUnproven(reading.root, outcomes[wanted]);
            }
            if (wanted == outcomes.length || outcomes[wanted] != outcome) continue;
            uint256 count = leaves[i] & 0xffff;
            self[wanted++] += count;
            reading.counted += count;
        }
        reading.wanted = wanted;
        reading.next = first + leaves.length;
    }
}
