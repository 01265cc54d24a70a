// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Channel, ChannelId, ChannelLifecycle, ChannelStatus} from "../lifecycle/Channel.sol";

/// @title ChannelLifecycle, callable from tests
contract ChannelLifecycleHarness {
    Channel private _channel;

    /// @notice Tries the edge from `from` to `to`.
    function advance(ChannelId id, ChannelStatus from, ChannelStatus to) external returns (ChannelStatus) {
        _channel.status = from;
        _channel.advance(id, to);
        return _channel.status;
    }

    function requireStatus(ChannelId id, ChannelStatus actual, ChannelStatus expected) external {
        _channel.status = actual;
        _channel.requireStatus(id, expected);
    }

    function sourcesOf(ChannelStatus to) external pure returns (uint256) {
        return ChannelLifecycle.sourcesOf(to);
    }
}
