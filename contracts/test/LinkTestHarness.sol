// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Opening} from "../interfaces/IChannels.sol";
import {LinkTest} from "../libraries/LinkTest.sol";
import {ChannelId} from "../lifecycle/Channel.sol";

/// @title LinkTest, callable from tests
contract LinkTestHarness {
    function ofSeed(bytes32 seed) external pure returns (bytes32) {
        return LinkTest.ofSeed(seed);
    }

    function ofOutcomes(address channels, ChannelId id, uint256 attempt, uint256 end, Opening calldata opening)
        external
        view
        returns (bytes32)
    {
        return LinkTest.ofOutcomes(channels, id, attempt, end, opening);
    }

    function extend(bytes24 transcript, bytes32 commitment) external pure returns (bytes24) {
        return LinkTest.extend(transcript, commitment);
    }

    function seedOf(address channels, ChannelId id, uint256 attempt, bytes32 first, bytes32 second)
        external
        view
        returns (bytes32)
    {
        return LinkTest.seedOf(channels, id, attempt, first, second);
    }

    function count(bytes32 seed, uint256[] calldata first, uint256[] calldata second)
        external
        pure
        returns (uint256 tested, uint256 errorsZ, uint256 errorsX)
    {
        return LinkTest.count(seed, first, second);
    }

    function isPassed(uint256 errors, uint256 tested, uint256 errorPpm) external pure returns (bool) {
        return LinkTest.isPassed(errors, tested, errorPpm);
    }

    function populationOf(uint256 word) external pure returns (uint256) {
        return LinkTest.populationOf(word);
    }
}
