// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Session, SessionId, SessionLifecycle, SessionStatus} from "../lifecycle/Session.sol";

/// @title SessionLifecycle, callable from tests
contract SessionLifecycleHarness {
    Session private _session;

    /// @notice Tries the edge from `from` to `to`.
    function advance(SessionId id, SessionStatus from, SessionStatus to) external returns (SessionStatus) {
        _session.status = from;
        _session.advance(id, to);
        return _session.status;
    }

    function requireStatus(SessionId id, SessionStatus actual, SessionStatus expected) external {
        _session.status = actual;
        _session.requireStatus(id, expected);
    }

    function requireWaiting(SessionId id, SessionStatus actual) external {
        _session.status = actual;
        _session.requireWaiting(id);
    }

    function sourcesOf(SessionStatus to) external pure returns (uint256) {
        return SessionLifecycle.sourcesOf(to);
    }
}
