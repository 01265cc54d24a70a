// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Agreement} from "../libraries/Agreement.sol";
import {ProcessorId} from "./Processor.sol";

/// @notice One run of a program by several processors at once. Ids start at 1; 0 means none. The runs of one program
/// are a group: they have consecutive ids, and the first of them is the group's.
type SessionId is uint64;

/// @notice Where a session stands.
enum SessionStatus {
    Unset,
    /// Its members are to join.
    Forming,
    /// All have joined, and the channels' pairs are taken; all are to arrive at the arming barrier.
    Armed,
    /// It is in phase 1 or later; all are to arrive at the phase's barrier.
    Running,
    /// All have committed to a result; they report it once no other run of the group could copy it.
    Reporting,
    /// All have reported the same; the group is to be concluded.
    Final,
    /// Its members reported different results; nobody is paid.
    Disputed,
    /// A member was absent; it is named, and the others share its deposit.
    Aborted,
    /// It did not form, or its channels could not be used; refunded.
    Cancelled,
    /// Concluded: its result counts.
    Paid,
    /// Concluded: its result is not that of the others.
    Outlier,
    /// Concluded: no result counts.
    Released
}

/// @notice Two storage slots; members and channels are kept beside it.
struct Session {
    SessionStatus status;
    SessionId group;
    uint8 members;
    /// Whose barrier is waited at, from 0, the arming barrier, to the group's phases.
    uint8 phase;
    /// Of the group: the phase whose digests are commitments to the result.
    uint8 phases;
    /// Members that have done what is due: joined, arrived at this barrier, or reported.
    uint16 present;
    uint32 phaseSeconds;
    /// When the current step is overdue, unix seconds; while it reports, see the group.
    uint40 phaseEndsAt;
    /// Digest of the result that was reported first.
    bytes32 reportDigest;
}

/// @notice Who serves in a session, in one storage slot: what each arrival is checked against.
struct Member {
    ProcessorId processor;
    /// As it was when it joined; the zero address before.
    address daemon;
    bool keyed;
}

/// @notice Three storage slots.
struct SessionGroup {
    address requester;
    uint8 runs;
    /// Runs that have not yet all arrived at their last barrier: until there is none, nothing is reported.
    uint8 running;
    /// Runs that can still go on.
    uint8 live;
    uint8 phases;
    uint8 outcomeBits;
    uint16 shots;
    Agreement.Verdict verdict;
    /// The secret is disclosed, or has been replaced.
    bool seeded;
    /// For each member of each run, wei.
    uint96 fee;
    uint96 deposit;
    /// When the secret, then each report, is overdue, unix seconds; 0 before anything may be reported.
    uint40 phaseEndsAt;
    /// The requester's commitment until it is disclosed, then the secret, or what has replaced it.
    bytes24 secret;
    uint32 reportSeconds;
}

using SessionLifecycle for Session global;

/// @notice `id` is `actual`; it must be a status whose bit is set in `allowed`.
error UnexpectedSessionStatus(SessionId id, SessionStatus actual, uint256 allowed);

/// @title The session's state machine
/// @notice Sole writer of `Session.status`.
library SessionLifecycle {
    /// @notice Moves `self` along one edge.
    function advance(Session storage self, SessionId id, SessionStatus to) internal {
        uint256 sources = sourcesOf(to);
        SessionStatus actual = self.status;
        if (sources & (1 << uint8(actual)) == 0) revert UnexpectedSessionStatus(id, actual, sources);
        self.status = to;
    }

    /// @notice Reverts unless `self` is exactly `expected`.
    function requireStatus(Session storage self, SessionId id, SessionStatus expected) internal view {
        SessionStatus actual = self.status;
        if (actual != expected) revert UnexpectedSessionStatus(id, actual, _bit(expected));
    }

    /// @notice Reverts unless members are to arrive at a barrier.
    function requireWaiting(Session storage self, SessionId id) internal view {
        SessionStatus actual = self.status;
        if (actual != SessionStatus.Running && actual != SessionStatus.Armed) {
            revert UnexpectedSessionStatus(id, actual, _bit(SessionStatus.Armed) | _bit(SessionStatus.Running));
        }
    }

    /// @notice The statuses, as a bitmap, from which `to` can be reached.
    function sourcesOf(SessionStatus to) internal pure returns (uint256) {
        if (to == SessionStatus.Forming) return _bit(SessionStatus.Unset);
        if (to == SessionStatus.Armed || to == SessionStatus.Cancelled) return _bit(SessionStatus.Forming);
        if (to == SessionStatus.Running) return _bit(SessionStatus.Armed);
        if (to == SessionStatus.Reporting) return _bit(SessionStatus.Running);
        if (to == SessionStatus.Final || to == SessionStatus.Disputed) return _bit(SessionStatus.Reporting);
        if (to == SessionStatus.Aborted) {
            return _bit(SessionStatus.Armed) | _bit(SessionStatus.Running) | _bit(SessionStatus.Reporting);
        }
        if (to == SessionStatus.Paid || to == SessionStatus.Outlier || to == SessionStatus.Released) {
            return _bit(SessionStatus.Final);
        }
        return 0;
    }

    function _bit(SessionStatus status) private pure returns (uint256) {
        return 1 << uint8(status);
    }
}
