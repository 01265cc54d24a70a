// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IChannels} from "../interfaces/IChannels.sol";
import {ProcessorId} from "../lifecycle/Processor.sol";

/// @title A contract of sessions that takes no coin
contract PennilessCoordinator {
    function draw(IChannels channels, ProcessorId processor, uint256 amount) external {
        channels.draw(processor, amount);
    }
}
