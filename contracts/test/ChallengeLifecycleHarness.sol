// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Challenge, ChallengeId, ChallengeLifecycle, ChallengeStatus} from "../lifecycle/Challenge.sol";

/// @title ChallengeLifecycle, callable from tests
contract ChallengeLifecycleHarness {
    Challenge private _challenge;

    /// @notice Tries the edge from `from` to `to`.
    function advance(ChallengeId id, ChallengeStatus from, ChallengeStatus to) external returns (ChallengeStatus) {
        _challenge.status = from;
        _challenge.advance(id, to);
        return _challenge.status;
    }

    function sourcesOf(ChallengeStatus to) external pure returns (uint256) {
        return ChallengeLifecycle.sourcesOf(to);
    }
}
