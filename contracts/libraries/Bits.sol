// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// @notice How many bits of `number` are set.
function onesIn(uint256 number) pure returns (uint256 count) {
    for (; number != 0; number &= number - 1) {
        ++count;
    }
}
