// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ComputationId} from "./Computation.sol";
import {ProcessorId} from "./Processor.sol";

/// @notice One demand to show a whole histogram. Ids start at 1; 0 means none.
type ChallengeId is uint64;

/// @notice Where a demand stands.
enum ChallengeStatus {
    Unset,
    /// Bond held; the next leaves are due.
    Open,
    /// The whole histogram was shown, and it is what was revealed; the bond is lost.
    Answered,
    /// Leaves were shown that are not what was revealed; slashed.
    Refuted,
    /// Leaves were not shown in time; slashed.
    Defaulted,
    /// The answer was disproven otherwise; the bond returned.
    Dropped
}

/// @notice What an answer was shown to be.
enum Fault {
    Unset,
    /// Its root binds what is no histogram of so many shots.
    MalformedHistogram,
    /// Its sketch is not that of the histogram under its root.
    ForgedSketch,
    /// Its histogram was not shown when that was demanded.
    HistogramWithheld,
    /// Its histogram was revealed before, as another answer.
    ReplayedAnswer,
    /// It is nearer to another replica's answer than independent ones come.
    CopiedAnswer
}

/// @notice Three storage slots.
struct Challenge {
    address challenger;
    /// When the next leaves are due, unix seconds.
    uint40 deadlineAt;
    ChallengeStatus status;
    /// Of the assignment whose answer is challenged.
    uint8 index;
    // slot 2
    ComputationId computation;
    ProcessorId processor;
    /// Wei.
    uint128 bond;
    // slot 3
    /// keccak256(abi.encode(Progress)): see IChallenges.
    bytes32 progress;
}

using ChallengeLifecycle for Challenge global;

/// @notice `id` is `actual`; it must be a status whose bit is set in `allowed`.
error UnexpectedChallengeStatus(ChallengeId id, ChallengeStatus actual, uint256 allowed);

/// @title The demand's state machine
/// @notice Sole writer of `Challenge.status`.
library ChallengeLifecycle {
    /// @notice Moves `self` along one edge.
    function advance(Challenge storage self, ChallengeId id, ChallengeStatus to) internal {
        uint256 sources = sourcesOf(to);
        ChallengeStatus actual = self.status;
        if (sources & (1 << uint8(actual)) == 0) revert UnexpectedChallengeStatus(id, actual, sources);
        self.status = to;
    }

    /// @notice Reverts unless `self` is open.
    function requireOpen(Challenge storage self, ChallengeId id) internal view {
        ChallengeStatus actual = self.status;
        if (actual != ChallengeStatus.Open) revert UnexpectedChallengeStatus(id, actual, _bit(ChallengeStatus.Open));
    }

    /// @notice The statuses, as a bitmap, from which `to` can be reached.
    function sourcesOf(ChallengeStatus to) internal pure returns (uint256) {
        if (to == ChallengeStatus.Unset) return 0;
        return to == ChallengeStatus.Open ? _bit(ChallengeStatus.Unset) : _bit(ChallengeStatus.Open);
    }

    function _bit(ChallengeStatus status) private pure returns (uint256) {
        return 1 << uint8(status);
    }
}
