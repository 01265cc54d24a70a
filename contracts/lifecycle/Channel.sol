// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ProcessorId} from "./Processor.sol";

/// @notice A service that makes entangled pairs. Ids start at 1; 0 means none.
type LinkId is uint32;

/// @notice Entangled pairs between two processors, tested. Ids start at 1; 0 means none.
type ChannelId is uint64;

/// @notice Where a channel stands.
enum ChannelStatus {
    Unset,
    /// One end has asked for pairs; the other end is to accept.
    Requested,
    /// Both ends want them; the link's operator is to say that they are there.
    Heralding,
    /// The pairs are there; each end is to commit to what it measured on those that are tested.
    Committing,
    /// Both ends are bound; what they measured is to be revealed and compared.
    Revealing,
    /// The test is passed; sessions may use the pairs that were not measured.
    Open,
    /// The ends disagreed more often than they said they would bear.
    Failed,
    /// Somebody kept silent, or its pairs are too old.
    Expired,
    /// Withdrawn before it was accepted; refunded.
    Cancelled
}

// What a channel's marks say, as bits; the two ends are 0 and 1. The lower four are shifted by the end.
uint8 constant COMMITTED = 1;
uint8 constant REVEALED = 4;
// End 1 was the first to commit: the transcript has its commitment first.
uint8 constant SECOND_COMMITTED_FIRST = 16;
// End 1 asked, and pays the link.
uint8 constant SECOND_ASKED = 32;
// What the channel held has been divided before its end.
uint8 constant DIVIDED = 64;

/// @notice A link, in two storage slots. Its descriptor is in the content store, its digest in LinkOpened.
struct Link {
    address operator;
    /// Wei for each pair that it makes; never changed.
    uint64 pricePerPair;
    bool closed;
    /// Wei of its operator here: stake and earnings.
    uint96 stake;
    /// Of these, what is behind channels that were accepted and hold money.
    uint96 reserved;
}

/// @notice Two storage slots: what a test's steps change, and what they read. What no contract reads, the fidelity it is
/// declared with, is in ChannelRequested alone; the fee for the link is its price times `pairs`.
struct Channel {
    ChannelStatus status;
    /// Counts tests, from 1: what was committed to for one is worth nothing in another.
    uint8 attempt;
    uint8 marks;
    /// When the current step is overdue, or its pairs too old, unix seconds.
    uint40 phaseEndsAt;
    /// Running hash of what the ends have committed to: seeds, then outcomes. See LinkTest.
    /// 192 bits share the slot with the rest of what changes; a collision costs 2^96 hashes.
    bytes24 transcript;
    /// That the link is to make, about half of which are measured by the test.
    uint16 pairs;
    /// Of 1,000,000 tested pairs, those on which the ends may disagree; the allowance is rounded down.
    uint24 errorPpm;
    /// Pairs that sessions may use, and those that they have.
    uint32 capacity;
    uint32 used;
    /// From when the test is passed.
    uint32 lifetimeSeconds;
    /// For each step until then.
    uint16 windowSeconds;
    LinkId link;
    /// Its ends, 0 and 1.
    ProcessorId first;
    ProcessorId second;
}

using ChannelLifecycle for Channel global;

/// @notice `id` is `actual`; it must be a status whose bit is set in `allowed`.
error UnexpectedChannelStatus(ChannelId id, ChannelStatus actual, uint256 allowed);

/// @title The channel's state machine
/// @notice Sole writer of `Channel.status`.
library ChannelLifecycle {
    /// @notice Moves `self` along one edge.
    function advance(Channel storage self, ChannelId id, ChannelStatus to) internal {
        uint256 sources = sourcesOf(to);
        ChannelStatus actual = self.status;
        if (sources & (1 << uint8(actual)) == 0) revert UnexpectedChannelStatus(id, actual, sources);
        self.status = to;
    }

    /// @notice Reverts unless `self` is exactly `expected`.
    function requireStatus(Channel storage self, ChannelId id, ChannelStatus expected) internal view {
        ChannelStatus actual = self.status;
        if (actual != expected) revert UnexpectedChannelStatus(id, actual, _bit(expected));
    }

    /// @notice The statuses, as a bitmap, from which `to` can be reached.
    function sourcesOf(ChannelStatus to) internal pure returns (uint256) {
        if (to == ChannelStatus.Requested) return _bit(ChannelStatus.Unset) | _bit(ChannelStatus.Open);
        if (to == ChannelStatus.Heralding || to == ChannelStatus.Cancelled) return _bit(ChannelStatus.Requested);
        if (to == ChannelStatus.Committing) return _bit(ChannelStatus.Heralding);
        if (to == ChannelStatus.Revealing) return _bit(ChannelStatus.Committing);
        if (to == ChannelStatus.Open || to == ChannelStatus.Failed) return _bit(ChannelStatus.Revealing);
        if (to == ChannelStatus.Expired) {
            return _bit(ChannelStatus.Requested) | _bit(ChannelStatus.Heralding) | _bit(ChannelStatus.Committing)
                | _bit(ChannelStatus.Revealing) | _bit(ChannelStatus.Open);
        }
        return 0;
    }

    function _bit(ChannelStatus status) private pure returns (uint256) {
        return 1 << uint8(status);
    }
}
