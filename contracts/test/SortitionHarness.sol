// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {Sortition} from "../libraries/Sortition.sol";

/// @title Sortition, callable from tests
contract SortitionHarness {
    using Sortition for Sortition.Lottery;

    /// @notice Every position that can be drawn of `size`, in drawn order.
    function draws(bytes32 seed, uint256 size) external pure returns (uint256[] memory positions) {
        Sortition.Lottery memory lottery = Sortition.open(seed, size);
        positions = new uint256[](size < Sortition.MAX_DRAWS ? size : Sortition.MAX_DRAWS);
        for (uint256 i; lottery.isOpen(); ++i) {
            (positions[i],) = lottery.draw();
        }
    }
}
