// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Decision} from "../interfaces/IAuditTrail.sol";
import {IEscrow, Policy} from "../interfaces/IEscrow.sol";
import {Desk} from "./Desk.sol";
import {Pause} from "./Pause.sol";

/// @title What bodies regulate: the policy, and whether new work is taken
/// @notice See IEscrow for who may call and what it means.
/// @dev A library of its own, called by delegation, as Recovery is.
// slither-disable-start reentrancy-events (calls go to contracts of the suite, which do not call back)
library Regulation {
    uint256 private constant MAX_WINDOW_SECONDS = 7 days;

    /// @notice See IEscrow.setMarket and setStandards, whose caller has checked who calls.
    function setPolicy(Desk.State storage self, Policy memory policy) external {
        if (
            !_isWindow(policy.commitSeconds) || !_isWindow(policy.discloseSeconds) || !_isWindow(policy.revealSeconds)
                || !_isWindow(policy.challengeSeconds) || !_isWindow(policy.responseSeconds)
                || policy.slash > policy.minimumBond
        ) revert IEscrow.PolicyInvalid(policy);
        self.policy = policy;
        self.book.price = policy.pricePerQubitShot;
        self.commitSeconds = uint24(policy.commitSeconds);
        self.challengeSeconds = uint24(policy.challengeSeconds);
        emit IEscrow.PolicyChanged(policy);
    }

    /// @notice See IEscrow.pause, whose caller has checked who calls.
    function pause(Desk.State storage self, Desk.Suite memory suite, uint256 length, bytes32 reason) external {
        if (length == 0 || length > Pause.MAX_DAYS) revert Pause.PauseLengthInvalid(length, Pause.MAX_DAYS);
        if (block.timestamp < self.pausableAt) revert Pause.PauseTooSoon(self.pausableAt, block.timestamp);
        uint256 through = block.timestamp / 1 days + length - 1;
        uint256 endsAt = Pause.endOf(through);
        // Whoever pauses for ever would have to wait in between, also after an early end.
        self.pausableAt = uint40(endsAt + Pause.MAX_DAYS * 1 days);
        _stop(self, suite, uint16(through));
        emit IEscrow.WorkPaused(uint40(endsAt), reason);
        suite.trail.append(Decision.WorkPaused, 0, keccak256(abi.encode(uint40(endsAt), reason)));
    }

    /// @notice See IEscrow.resume, whose caller has checked who calls.
    function resume(Desk.State storage self, Desk.Suite memory suite, bytes32 reason) external {
        _stop(self, suite, 0);
        emit IEscrow.WorkResumed(reason);
        suite.trail.append(Decision.WorkResumed, 0, keccak256(abi.encode(reason)));
    }

    /// @dev Submissions, draws and registrations each look where they read anyhow.
    function _stop(Desk.State storage self, Desk.Suite memory suite, uint16 through) private {
        self.book.pausedThrough = through;
        self.pausedThrough = through;
        suite.registry.stop(through);
    }

    function _isWindow(uint256 duration) private pure returns (bool) {
        return duration != 0 && duration <= MAX_WINDOW_SECONDS;
    }
}
// slither-disable-end reentrancy-events
